import type { Call } from '../../lib/call.ts'
import type { Clock } from '../../lib/clock.ts'
import type { DrayError } from '../../lib/errors.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import type { StepOutcome } from '../../plan/outcome.ts'
import type { AttestStep, CopyStep, Step } from '../../plan/plan.ts'
import type { Copier } from '../../images/copy.ts'
import type { Repositories, UnlistedReferrer } from '../../images/ports.ts'
import type { GateCheck } from '../tags/gate-checks.ts'
import type { TagCheck } from '../tags/tag-checks.ts'
import type { TagWriteResult, TagWriter } from '../tags/tag-writer.ts'

/** The state that the steps of a run share. */
export interface StepContext {
  readonly stores: Repositories
  readonly copier: Copier
  readonly tags: TagWriter
  readonly clock: Clock
  /** attaches the attestation of a promotion to its image, unless it is there */
  readonly attest: (step: AttestStep, call: Call) => Promise<readonly UnlistedReferrer[]>
  /** lists the referrers at a target; once in a run for each subject */
  readonly listReferrers: (to: RepositoryName, subject: Digest) => Promise<readonly Descriptor[]>
  /**
   * evaluates the gates of an image that gets no tag, unless their results are fresh; undefined if
   * the placement has tags, whose steps do so, or no environment has gates
   */
  readonly checkGatesOfUntagged: (step: CopyStep) => Promise<GateCheck | undefined>
  /**
   * when the reading for the plan began, in milliseconds; absent if the tags of the plan were not
   * read for it
   */
  readonly plannedAt?: number
  /** the plan is a sync */
  readonly isSync: boolean
  /** whether content is looked up at the target before it is copied */
  readonly checksContent: boolean
  readonly call: Call
  /** content may be interrupted at any time, and the next run continues; a tag is finished */
  readonly contentCall: Call
}

/** The result of the check of a step before it acts. */
export type StepCheck =
  | { readonly state: 'upToDate' | 'expected' }
  | { readonly state: 'conflict'; readonly error: DrayError }
  | TagCheck

/**
 * The result of a step; `done` is the default result. Only steps that write a tag have a `before`.
 */
export type Acted = Pick<TagWriteResult, 'transferred'> & Partial<TagWriteResult>

/** A step with what it needs. */
export interface PreparedStep {
  /** Reads whether there is something to do. @throws what the stores throw */
  check(): Promise<StepCheck>
  /**
   * Calls `recordIntent`, and acts when it has resolved.
   * @throws what `recordIntent` and the stores throw
   */
  act(recordIntent: () => Promise<void>): Promise<Acted>
}

/** How a step stands to the steps before it. */
export interface StepOrder {
  /** content is written before it */
  readonly followsContent: boolean
  /** if it follows a single step, a copy: resolves when the copy begins to act */
  readonly copyBegun?: Promise<void> | undefined
}

/** A step that has ended, except that its list of referrers may still have to be written. */
export interface PerformedStep {
  /** recorded already if there are no unlisted referrers */
  readonly outcome: StepOutcome
  readonly unlisted: readonly UnlistedReferrer[]
}

/** A step of a run. */
export interface StartedStep {
  readonly step: Step
  readonly performed: Promise<PerformedStep>
  /** resolves when what the step has pushed is listed */
  readonly listed: Promise<StepOutcome>
}
