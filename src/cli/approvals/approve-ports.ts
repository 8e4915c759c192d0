import type { Call } from '../../lib/call.ts'
import type { Page } from '../../render/text/style.ts'
import type { Context } from '../wiring/context.ts'

/** The ports that the command gives to the run. */
export interface ApprovePorts {
  readonly context: Context
  readonly call: Call
  /** for reading; it ends at the first Ctrl-C */
  readonly reading: Call
  /** aborted: no further image is begun */
  readonly stop: AbortSignal
  /** of stderr */
  readonly page: Page
  warn(text: string): void
  /** Shows on stderr the decision to confirm. `text` is escaped. */
  show(text: string): void
  /** @throws `usage` if the run is non-interactive. */
  ask(question: string): Promise<boolean>
}
