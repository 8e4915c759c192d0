import type { Clock } from '../../lib/clock.ts'

export interface RepeatOptions<T> {
  readonly clock: Clock
  /** milliseconds between the end of one pass and the begin of the next */
  readonly intervalMs: number
  /** ends the passes, also while one reads */
  readonly signal: AbortSignal
  readonly read: () => Promise<T>
  readonly show: (result: T, before: T | undefined) => void
}

/**
 * Reads and shows again and again until the signal ends it. Keeps only the last result, and returns
 * it. A pass that the signal cut short is shown only if it is the first. @throws what `read` throws
 * for another reason.
 */
export async function repeat<T>(options: RepeatOptions<T>): Promise<T | undefined> {
  const { clock, intervalMs, signal, read, show } = options
  let last: T | undefined
  while (!signal.aborted) {
    try {
      const result = await read()
      if (signal.aborted && last !== undefined) break
      show(result, last)
      last = result
      await clock.sleep(intervalMs, signal)
    } catch (thrown) {
      if (!signal.aborted) throw thrown
    }
  }
  return last
}
