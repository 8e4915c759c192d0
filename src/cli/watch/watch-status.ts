import type { Call } from '../../lib/call.ts'
import type { Clock } from '../../lib/clock.ts'
import type { StatusView } from '../../usecases/views/status/status.ts'
import { repeat } from './repeat.ts'
import type { StatusDisplay, StatusPass } from './status-display.ts'

export interface WatchOptions {
  readonly clock: Clock
  readonly intervalMs: number
  /** its signal ends the watch */
  readonly call: Call
  readonly read: (call: Call, at: Date) => Promise<StatusView>
  readonly display: StatusDisplay
}

/** Reads and shows the status until the signal ends it, and returns the last pass. */
export async function watchStatus(options: WatchOptions): Promise<StatusPass | undefined> {
  const { clock, intervalMs, read, display, call } = options
  const readPass = async (): Promise<StatusPass> => {
    const warnings = new Set<string>()
    const notify: Call['notify'] = (event) => {
      if (event.kind !== 'warning') call.notify(event)
      else warnings.add(event.from === undefined ? event.text : `${event.from}: ${event.text}`)
    }
    const at = new Date(clock.now())
    const view = await withOwnSignal(call.signal, (signal) => read({ signal, notify }, at))
    return { view, warnings: [...warnings], at }
  }
  return await repeat({
    clock,
    intervalMs,
    signal: call.signal,
    read: readPass,
    show: (pass, before) => display.show(pass, before),
  })
}

/** Runs one pass under a signal of its own: signals that follow a long-lived one stay in memory. */
async function withOwnSignal<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const own = new AbortController()
  const follow = (): void => own.abort(signal.reason)
  signal.addEventListener('abort', follow, { once: true })
  try {
    return await work(own.signal)
  } finally {
    signal.removeEventListener('abort', follow)
  }
}
