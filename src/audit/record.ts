import type { ErrorInfo } from '../errors.ts'
import type { Digest } from '../oci/digest.ts'
import type { Hash, Operation, Step } from '../plan/plan.ts'

/** Who did it: the user and machine that dray ran as. */
export interface Actor {
  readonly user: string
  readonly host: string
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
  /** version of dray */
  readonly tool: string
}

/** What a step did or was about to do, at one of its phases: the one canonical record. Every field is meant to be read by others: no secret is ever in it. */
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
  readonly tool: string
  /** the step as it stands in the plan; absent where an image was refused before there was one */
  readonly step?: Step
  /** with `refused`: the image as it was named */
  readonly image?: string
  /** the digest of the tag that the step sets, as it was read just before */
  readonly before?: Digest | null
  readonly after?: Digest | null
  readonly result?: 'done' | 'unchanged' | 'conflict' | 'failed'
  readonly error?: ErrorInfo
}
