import type { Call } from '../call.ts'

/**
 * Runs `work` on every item, at most `limit` at once, and gives the results in the order of the items. The first failure aborts the
 * others through the signal that they were given; it is thrown when all of them have ended, so that nothing goes on behind the caller's back.
 */
export async function inParallel<T, R>(
  items: readonly T[],
  limit: number,
  call: Call,
  work: (item: T, call: Call) => Promise<R>,
): Promise<R[]> {
  const stop = new AbortController()
  const inner: Call = { ...call, signal: AbortSignal.any([call.signal, stop.signal]) }
  const results: R[] = []
  let failure: { readonly reason: unknown } | undefined
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < items.length && failure === undefined) {
      const at = next++
      try {
        inner.signal.throwIfAborted()
        results[at] = await work(items[at] as T, inner)
      } catch (reason) {
        failure ??= { reason }
        stop.abort(reason)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker))
  if (failure !== undefined) throw failure.reason
  return results
}

/** One at a time for each key, in the order of asking. */
export class KeyedQueue {
  readonly #tails = new Map<string, Promise<unknown>>()

  async run<R>(key: string, work: () => Promise<R>): Promise<R> {
    const before = this.#tails.get(key)
    const mine = (async () => {
      await before?.catch(() => undefined)
      return await work()
    })()
    this.#tails.set(key, mine)
    try {
      return await mine
    } finally {
      if (this.#tails.get(key) === mine) this.#tails.delete(key)
    }
  }
}
