import type { ErrorInfo } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import type { Hash, Operation, Step } from '../../plan/plan.ts'
import type { DeleteStep } from '../../plan/prune/prune-plan.ts'

/** Who did it: the user and machine that dray ran as, and the CI job where it ran in one. */
export interface Actor {
  readonly user: string
  readonly host: string
  readonly ci?: CiJob
  /** what `--actor` said: stands beside the rest and hides none of it */
  readonly says?: string
}

/** A job as its CI service describes it in the job's environment. Addresses are without userinfo and query. */
export interface CiJob {
  /** `github`, `gitlab`, `jenkins`, `buildkite`, `circleci` or `azure` */
  readonly service: string
  readonly user?: string
  readonly run?: string
  readonly job?: string
  readonly commit?: string
  readonly repository?: string
}

/** What all records of one run have in common. */
export interface Run {
  /** unique to the run */
  readonly id: string
  readonly operation: Operation
  readonly plan: Hash
  /** hash of the configuration and flags that decided */
  readonly policy: Hash
  readonly actor: Actor
  readonly reason?: string
  readonly ticket?: string
  /** version of dray */
  readonly tool: string
}

/** A step of a plan of any operation. */
export type RecordedStep = Step | DeleteStep

/**
 * What a step did or was about to do, at one of its phases: the one canonical record. Every field is meant to be read by others: no secret is ever in
 * it. `recovered` stands for what a crash left of a line that was being written.
 */
export interface AuditRecord {
  readonly schema: 'dray.audit/1'
  /** unique to the record */
  readonly id: string
  readonly run: string
  /** ISO 8601, UTC */
  readonly time: string
  readonly phase: 'intent' | 'outcome' | 'refused'
  readonly operation: Operation
  readonly plan: Hash
  readonly policy: Hash
  readonly actor: Actor
  readonly reason?: string
  readonly ticket?: string
  readonly tool: string
  /** the step as it stands in the plan; absent where an image was refused before there was one */
  readonly step?: RecordedStep
  /** the image as it was named in the plan */
  readonly image?: string
  /** the environments that the image goes between, where it does */
  readonly environment?: { readonly from?: string; readonly to?: string }
  /** the digest of the tag that the step sets, as it was read just before; what the step deletes, by its digest */
  readonly before?: Digest | null
  /** the digest of that tag now; null: it, or what was deleted, is not there */
  readonly after?: Digest | null
  /** `unchanged` with an error: a registry does not delete that one, and it stays; a delete that was not attempted has failed as `interrupted` */
  readonly result?: 'done' | 'unchanged' | 'conflict' | 'failed'
  /** the outcome was not seen: it was found out afterwards by reading the registry, by the run of this id */
  readonly resolvedBy?: string
  readonly error?: ErrorInfo
}

/** What a crash left at the end of a log, set aside: never glued to the next line, never called tampering. */
export interface RecoveredTail {
  readonly schema: 'dray.audit/1'
  readonly id: string
  readonly run: string
  readonly time: string
  readonly phase: 'recovered'
  /** the torn bytes, base64 */
  readonly torn: string
}

export type LogRecord = AuditRecord | RecoveredTail

/** A line of a log: the record with its place in the chain. */
export type LogEntry = LogRecord & {
  /** from 1, without a gap */
  readonly seq: number
  /** `sha256:` and hex of the previous line's exact bytes without its line break; null in the first line */
  readonly prev: Hash | null
  /** where the line was before logs were merged into this one */
  readonly origin?: Origin
}

/** The place of a line in another log: what is needed to write the line as it stood there. */
export interface Origin {
  /** the name that the log was merged under */
  readonly log: string
  /** hash of that log's last line when it was merged */
  readonly head: Hash
  readonly seq: number
  readonly prev: Hash | null
  /** where the line was before that log was merged in its turn */
  readonly origin?: Origin
}
