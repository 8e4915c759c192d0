import type { Call } from '../../lib/call.ts'
import { DrayError, isDrayError } from '../../lib/errors.ts'
import type { StatusView } from '../../usecases/views/status/status.ts'
import { type DisplayOptions, openStatusDisplay } from './open-display.ts'
import { watchStatus, type WatchOptions } from './watch-status.ts'

type RunOptions = Omit<DisplayOptions, 'signal'> &
  Pick<WatchOptions, 'clock' | 'call' | 'read' | 'intervalMs'>

/**
 * Shows the status again and again. Returns the last one if the time limit of the run or the reader
 * of the output ended the watch, and undefined if a person did.
 */
export async function runStatusWatch(options: RunOptions): Promise<StatusView | undefined> {
  const { output, clock, intervalMs, read, call } = options
  const gone = new AbortController()
  const leave = (): void => gone.abort(new DrayError('io', 'the reader closed the output'))
  output.once('error', leave)
  const signal = AbortSignal.any([call.signal, gone.signal])
  const { display, isScreen, close } = openStatusDisplay({ ...options, signal })
  const notify: Call['notify'] = isScreen ? () => undefined : call.notify
  try {
    const last = await watchStatus({ clock, intervalMs, read, display, call: { signal, notify } })
    const { reason } = signal as { readonly reason: unknown }
    return isDrayError(reason) && reason.code === 'interrupted' ? undefined : last?.view
  } finally {
    output.off('error', leave)
    const text = close()
    if (text !== '') output.write(`${text}\n`)
  }
}
