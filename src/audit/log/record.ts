import type { ErrorInfo } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import type { TagMover } from '../../plan/attempts/tag-mover.ts'
import type { EditStep } from '../../plan/edits/edit-step.ts'
import type { GateResult } from '../../plan/gates/gate-result.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import type { Hash, RecordedOperation, Step, StepId } from '../../plan/plan.ts'
import type { DeleteStep } from '../../plan/prune/prune-plan.ts'

/** Who ran dray: the user, the machine and the CI job. */
export interface Actor {
  readonly user: string
  readonly host: string
  readonly ci?: CiJob
  /** the value of `--actor`; it never replaces the other fields */
  readonly says?: string
}

/** A CI job by its environment variables. URLs have no userinfo and no query. */
export interface CiJob {
  /** `github`, `gitlab`, `jenkins`, `buildkite`, `circleci` or `azure` */
  readonly service: string
  readonly user?: string
  readonly run?: string
  readonly job?: string
  readonly commit?: string
  readonly repository?: string
}

/** The fields that all records of one run share. */
export interface AuditedRun {
  /** unique to the run */
  readonly id: string
  readonly operation: RecordedOperation
  readonly plan: Hash
  /** hash of the configuration and flags of the decision */
  readonly policy: Hash
  readonly actor: Actor
  readonly reason?: string
  readonly ticket?: string
  /** version of dray */
  readonly tool: string
}

/** Attaches the statement of an approval or hold to an image. It belongs to no plan. */
export interface StatementStep {
  readonly id: StepId
  readonly kind: 'attest'
  readonly subject: Descriptor
  readonly repository: RepositoryName
  readonly predicateType: string
  /** the manifest of the statement; absent if there is no image to attach it to */
  readonly artifact?: Digest
  /** what the statement decides, such as `hold` or `release` */
  readonly decision?: string
  /** when it ends, as in the statement */
  readonly expires?: string
}

/** A step of a plan of any operation, or of a change without a plan. */
export type RecordedStep = Step | DeleteStep | StatementStep | EditStep

/** The record of a step in one of its phases, or of a refusal. It contains no secret. */
export interface AuditRecord extends Omit<AuditedRun, 'id'> {
  readonly schema: 'dray.audit/1'
  /** unique to the record */
  readonly id: string
  readonly run: string
  /** ISO 8601, UTC */
  readonly time: string
  readonly phase: 'intent' | 'outcome' | 'refused'
  /** the step as in the plan; absent if an image was refused before it had a step */
  readonly step?: RecordedStep
  /** the image as named in the plan */
  readonly image?: string
  /** the environments that the image is promoted from and to */
  readonly environment?: { readonly from?: string; readonly to?: string }
  /** the sync rule that selects the image */
  readonly rule?: string
  /** the digest of the tag just before the step, or of the manifest that the step deletes */
  readonly before?: Digest | null
  /** the digest of the tag after the step; null if it does not exist or was deleted */
  readonly after?: Digest | null
  /**
   * `unchanged` with an error: the registry refused the delete; a delete that was not attempted is
   * `failed` with the code `interrupted`
   */
  readonly result?: 'done' | 'unchanged' | 'conflict' | 'failed'
  /**
   * the tags that are gone, if they are not those of the step: all tags of an image that the
   * registry deleted together with a tag, or tags of an image that the registry keeps
   */
  readonly losesTags?: readonly string[]
  /**
   * of the outcome of a delete that was sent: the API that it was sent to, `oci` or the kind of the
   * vendor's
   */
  readonly by?: string
  /** the id of the later run that found out the outcome by reading the registry */
  readonly resolvedBy?: string
  readonly error?: ErrorInfo
  /**
   * of a `conflict`: the run of this log that moved the tag; null: the log had no record of the
   * move
   */
  readonly movedBy?: TagMover | null
  /** of a copy, or a tag, of an index without some of its platforms: those that were copied */
  readonly sparse?: { readonly platforms: readonly string[] }
  /** of an edit that was committed: the id of the commit */
  readonly commit?: string
  /** the bundle that the image comes from: the id of its document */
  readonly bundle?: Hash
  /** of the step that makes an image visible at its target, and of a refusal: as in the plan */
  readonly gates?: readonly GateResult[]
}

/**
 * A line, or a part of a long one, that was found behind the end of a log: torn by a crash, or
 * written by a run that had been suspended and had lost its lock. It is no record of the log.
 */
export interface RecoveredTail {
  readonly schema: 'dray.audit/1'
  readonly id: string
  readonly run: string
  readonly time: string
  readonly phase: 'recovered'
  /** the bytes without the line break, base64 */
  readonly torn: string
  /** the run that wrote the line while it had no lock; absent for a torn line */
  readonly writtenBy?: string
}

export type LogRecord = AuditRecord | RecoveredTail

/** A line of a log: a record and its position in the chain. */
export type LogEntry = LogRecord & {
  /** from 1, without gaps */
  readonly seq: number
  /** `sha256:` and hex of the previous line without its line break; null in the first line */
  readonly prev: Hash | null
  /** the position of the line in the log that was merged into this one */
  readonly origin?: Origin
}

/** The position of a line in another log, to restore the original line. */
export interface Origin {
  /** the name of the log in the merge */
  readonly log: string
  /** hash of the last line of that log at the time of the merge */
  readonly head: Hash
  readonly seq: number
  readonly prev: Hash | null
  /** the position before an earlier merge */
  readonly origin?: Origin
}
