import type { Digest } from '../../../oci/digest.ts'

/** An authenticated event about a tag that a rule reads. */
export interface AcceptedEvent {
  /** the name of the source in `dray.yaml`, or `every` for a check without an event */
  readonly source: string
  /** formatted, by its name in `dray.yaml` */
  readonly repository: string
  readonly tag: string
  /** as the event says; a run uses the digest that the registry has */
  readonly digest?: Digest
}

/** A run that an event starts. */
export interface Trigger {
  /** the name of the rule */
  readonly rule: string
  /** the image or repository of the run, as the rule reads it */
  readonly subject: string
  /** one text for each repository that the run writes; two runs with a common one do not overlap */
  readonly targets: readonly string[]
}

/** An event that waits for its run, or is in it. */
export interface QueuedEvent extends AcceptedEvent, Trigger {
  /** increases with every queued event of the journal */
  readonly seq: number
  /** milliseconds since 1970 */
  readonly firstAt: number
  readonly lastAt: number
  /** the runs that failed */
  readonly attempts: number
  /** the earliest time of the next attempt, milliseconds since 1970 */
  readonly notBefore: number
}

/** One run: all tags of an image that are due, by one rule. */
export interface WatchRun extends Trigger {
  readonly events: readonly QueuedEvent[]
}

/** How a run ended. */
export interface RunEnd {
  /** `retry`: a registry was not available; the events stay in the queue */
  readonly kind: 'done' | 'retry'
  /** by tag: the digests that the registry had, of tags whose run succeeded */
  readonly digests: ReadonlyMap<string, Digest>
}

/** The digest of a tag that a rule has processed. */
export interface HandledTag {
  readonly rule: string
  readonly repository: string
  readonly tag: string
  readonly digest: Digest
  /** milliseconds since 1970 */
  readonly at: number
}

/** An event with the runs that it starts; none if no rule reads its tag. */
export interface MatchedEvent {
  readonly event: AcceptedEvent
  readonly triggers: readonly Trigger[]
}
