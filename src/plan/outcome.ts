import type { ErrorInfo } from '../lib/errors.ts'
import type { Digest } from '../oci/digest.ts'
import type { TagMover } from './attempts/tag-mover.ts'
import type { GateResult } from './gates/gate-result.ts'
import type {
  Placement,
  PlacementId,
  PlacementOperation,
  Plan,
  PlannedTag,
  Refusal,
  Step,
  StepId,
} from './plan.ts'

/** The outcome of one step. */
export interface StepOutcome {
  readonly step: StepId
  readonly result: 'done' | 'unchanged' | 'conflict' | 'failed' | 'notAttempted'
  /** with `conflict`, `failed` and `notAttempted` */
  readonly error?: ErrorInfo
  /**
   * of a step that writes a tag: what the tag pointed at, as the last check found it; null: it was
   * not there
   */
  readonly before?: Digest | null
  /**
   * of a `conflict` about a tag: the run that moved it; null: the audit log has no record of the
   * move
   */
  readonly movedBy?: TagMover | null
  readonly transferred: Transferred
  /** the step pushed a referrer, and no list of referrers shows it for certain; with an `error` */
  readonly isUnlisted?: true
  /** of a `conflict` with the gates of the image: their results just before the step */
  readonly gates?: readonly GateResult[]
}

/** Counted by blob; `bytes` are those that went over the network to the destination. */
export interface Transferred {
  readonly mounted: number
  readonly uploaded: number
  readonly present: number
  readonly bytes: number
}

export const nothingTransferred: Transferred = { mounted: 0, uploaded: 0, present: 0, bytes: 0 }

function addTransferred(a: Transferred, b: Transferred): Transferred {
  return {
    mounted: a.mounted + b.mounted,
    uploaded: a.uploaded + b.uploaded,
    present: a.present + b.present,
    bytes: a.bytes + b.bytes,
  }
}

export type DoneStatus = 'promoted' | 'tagged' | 'rolledBack' | 'synced'

/** The status of an image. Each operation has its own name for a change. */
export type PlacementStatus = DoneStatus | 'unchanged' | 'refused' | 'conflict' | 'failed' | 'notAttempted'

/** `reason`, `override` and `deletesBefore` as in the plan. */
interface TagOutcome extends Omit<PlannedTag, 'change' | 'before'> {
  /** what the last check found; null: there was no such tag; absent: the tag was not checked */
  readonly before?: Digest | null
  /** what the tag points at now; absent: dray did not see it */
  readonly after?: Digest | null
  readonly changed: boolean
  /** of a tag that was not moved to the image: what the plan saw */
  readonly planned?: Digest | null
  /** of a tag that was not moved to the image: the digest of the image */
  readonly wanted?: Digest
  /** of a conflict: as in `StepOutcome` */
  readonly movedBy?: TagMover | null
}

/** The outcome of one image at one target. */
export interface PlacementOutcome {
  readonly placement: PlacementId
  readonly status: PlacementStatus
  readonly tags: readonly TagOutcome[]
  readonly transferred: Transferred
  /** referrers and evidence tags written by this run */
  readonly evidenceCopied: number
  /** steps that pushed attached artifacts which are not listed; absent if there are none */
  readonly evidenceUnlisted?: number
  /** the results of the gates; those just before the tags if a gate refused the image then */
  readonly gates?: readonly GateResult[]
  readonly errors: readonly ErrorInfo[]
}

/** An image for which no plan could be made is among the refusals only. */
export interface RunOutcome {
  readonly placements: readonly PlacementOutcome[]
  readonly refusals: readonly Refusal[]
  readonly transferred: Transferred
}

const doneStatus: Readonly<Record<PlacementOperation, DoneStatus>> = {
  promote: 'promoted',
  copy: 'promoted',
  tag: 'tagged',
  rollback: 'rolledBack',
  sync: 'synced',
  bundle: 'synced',
  // its plan has no placements
  gitops: 'tagged',
}

/** Whether the run changed something for the image. */
export function isChanged({ status }: PlacementOutcome): boolean {
  return Object.values(doneStatus).some((done) => done === status)
}

/**
 * Summarises the outcomes of steps for each placement: pure. Steps without an outcome count as not
 * attempted.
 */
export function summarise(plan: Plan, outcomes: readonly StepOutcome[]): RunOutcome {
  const byStep = new Map(outcomes.map((outcome) => [outcome.step, outcome]))
  const steps = Map.groupBy(plan.steps, (step) => step.placement)
  const refusals = Map.groupBy(plan.refusals, (refusal) => refusal.image)
  const placements = plan.placements.map((placement) =>
    summarisePlacement(
      placement,
      { steps: steps.get(placement.id) ?? [], ofImage: refusals.get(placement.image) ?? [] },
      byStep,
      doneStatus[plan.operation],
    ),
  )
  return {
    placements,
    refusals: plan.refusals,
    transferred: placements.reduce((sum, p) => addTransferred(sum, p.transferred), nothingTransferred),
  }
}

function summarisePlacement(
  placement: Placement,
  { steps, ofImage }: { readonly steps: readonly Step[]; readonly ofImage: readonly Refusal[] },
  byStep: ReadonlyMap<StepId, StepOutcome>,
  done: DoneStatus,
): PlacementOutcome {
  const results = steps.map((step) => byStep.get(step.id)?.result ?? 'notAttempted')
  const refusals = ofImage.filter((r) => r.placement === undefined || r.placement === placement.id)
  const errors = distinct([
    ...refusals.map((r) => r.error),
    ...steps.flatMap((step) => errorOf(byStep.get(step.id))),
  ])
  const tagOutcomes = new Map(
    steps.flatMap((step) => (step.kind === 'tag' ? [[step.tag, byStep.get(step.id)] as const] : [])),
  )
  const unlisted = steps.filter((step) => byStep.get(step.id)?.isUnlisted === true).length
  return {
    placement: placement.id,
    status: refusals.length > 0 ? 'refused' : statusOf(results, isSkipped(placement, steps, ofImage), done),
    tags: placement.tags.map((tag) => summariseTag(tag, placement.root.digest, tagOutcomes.get(tag.tag))),
    transferred: steps.reduce(
      (sum, step) => addTransferred(sum, byStep.get(step.id)?.transferred ?? nothingTransferred),
      nothingTransferred,
    ),
    evidenceCopied: steps.filter((step, i) => step.kind === 'attach' && results[i] === 'done').length,
    ...(unlisted > 0 && { evidenceUnlisted: unlisted }),
    ...gatesOf(placement, steps, byStep),
    errors,
  }
}

function gatesOf(
  { gates: planned }: Placement,
  steps: readonly Step[],
  byStep: ReadonlyMap<StepId, StepOutcome>,
): Pick<PlacementOutcome, 'gates'> {
  const [gates = planned] = steps.flatMap(({ id }) => {
    const refused = byStep.get(id)?.gates
    return refused === undefined ? [] : [refused]
  })
  return gates === undefined ? {} : { gates }
}

/** Reports only what was read: the reading of the plan does not show what the tag is now. */
function summariseTag(
  { change, before: planned, ...tag }: PlannedTag,
  root: Digest,
  outcome: StepOutcome | undefined,
): TagOutcome {
  const { result, before, movedBy } = outcome ?? {}
  if (change === 'unchanged' || result === 'done' || result === 'unchanged')
    return { ...tag, before: before ?? planned, after: root, changed: result === 'done' }
  return {
    ...tag,
    ...(before !== undefined && { before }),
    ...(before !== undefined && result === 'conflict' && { after: before }),
    changed: false,
    planned,
    wanted: root,
    ...(movedBy !== undefined && { movedBy }),
  }
}

/** An error of several steps is reported once. */
function distinct(errors: readonly ErrorInfo[]): readonly ErrorInfo[] {
  return [...new Map(errors.map((error) => [JSON.stringify(error), error])).values()]
}

/** The error of a step that was not attempted is reported with the step that failed before it. */
function errorOf(outcome: StepOutcome | undefined): readonly ErrorInfo[] {
  return outcome?.error === undefined || outcome.result === 'notAttempted' ? [] : [outcome.error]
}

/** Whether an image is to be changed and has no step, because another target of it is refused. */
function isSkipped(placement: Placement, steps: readonly Step[], ofImage: readonly Refusal[]): boolean {
  if (steps.length > 0 || ofImage.length === 0) return false
  const { tags, evidence } = placement
  return tags.length === 0 || tags.some((tag) => tag.change !== 'unchanged') || evidence.missing > 0
}

function statusOf(
  results: readonly StepOutcome['result'][],
  skipped: boolean,
  done: DoneStatus,
): PlacementStatus {
  if (skipped) return 'notAttempted'
  if (results.includes('failed')) return 'failed'
  if (results.includes('conflict')) return 'conflict'
  if (results.includes('notAttempted')) return 'notAttempted'
  return results.includes('done') ? done : 'unchanged'
}
