import type { WatchRule } from '../../../config/watch/watch-config.ts'
import type { Call } from '../../../lib/call.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { WatchRun } from '../../../usecases/watch/queue/watch-work.ts'
import type { Context } from '../../wiring/context.ts'

/** The flags of `dray watch` that its runs use. */
export interface RuleFlags {
  readonly 'dry-run': boolean
  readonly 'audit-file': string | undefined
}

export interface RuleRunner {
  readonly rules: ReadonlyMap<string, WatchRule>
  /** Creates the context of one run, which it closes. */
  readonly openContext: () => Context
  readonly clock: Clock
  readonly flags: RuleFlags
  /** aborted: no further step begins */
  readonly stop: AbortSignal
  readonly call: Call
  /** Whether a run of the event's rule ended a short time ago with this digest of its tag. */
  readonly isHandled: (event: WatchRun['events'][number], digest: Digest) => boolean
}
