import type { ErrorInfo } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import type { RunEnd } from './queue/watch-work.ts'

/** The result of an event, or of a request of a source. */
export type EventResult =
  | 'queued'
  | 'merged'
  | 'duplicate'
  | 'ignored'
  | 'full'
  | 'unauthorized'
  | 'malformed'
  | 'tooLarge'
  | 'unavailable'

/** How a run ended. */
export type WatchRunResult = 'changed' | 'unchanged' | 'planned' | 'absent' | 'refused' | 'failed' | 'retried'

/** An event of a source, for a person or a program. */
export interface EventReport {
  readonly kind: 'event'
  /** RFC 3339 */
  readonly at: string
  readonly source: string
  readonly result: EventResult
  readonly repository: string
  readonly tag: string
  readonly digest?: string
  /** the names of the rules that it starts */
  readonly rules: readonly string[]
}

/** One run of a rule for an image. */
export interface RunReport {
  readonly kind: 'run'
  /** the end, RFC 3339 */
  readonly at: string
  readonly rule: string
  readonly subject: string
  /** the sources of its events */
  readonly sources: readonly string[]
  readonly tags: readonly string[]
  readonly result: WatchRunResult
  /** the number of the attempt, from 1 */
  readonly attempt: number
  readonly durationMs: number
  /** by tag, as the registry had them */
  readonly digests: Readonly<Record<string, Digest>>
  readonly warnings: readonly string[]
  readonly errors: readonly ErrorInfo[]
}

/** dray receives events from now on. */
export interface ListeningReport {
  readonly kind: 'listening'
  /** `http://127.0.0.1:8730` */
  readonly address: string
  /** the URL of the metrics; null: there is none */
  readonly metrics: string | null
}

export type WatchReport = EventReport | RunReport

export interface FinishedRun {
  readonly report: RunReport
  readonly end: RunEnd
}
