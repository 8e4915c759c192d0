import { type Call, offAbort, onAbort } from '../lib/call.ts'
import { Semaphore } from '../lib/semaphore.ts'

/**
 * Runs `work` on every item, at most `limit` at once, and returns the results in the order of the
 * items. The first failure aborts the others through their signal. It is thrown after all of them
 * have ended, so that no work continues afterwards.
 */
export async function inParallel<T, R>(
  items: readonly T[],
  limit: number,
  call: Call,
  work: (item: T, call: Call) => Promise<R>,
): Promise<R[]> {
  if (items.length === 0) return []
  // A signal of `AbortSignal.any` would make each listener expensive.
  const stop = new AbortController()
  const follow = (): void => stop.abort(call.signal.reason)
  if (call.signal.aborted) follow()
  else onAbort(call.signal, follow)
  const linked: Call = { ...call, signal: stop.signal }
  const results: R[] = []
  let failure: { readonly reason: unknown } | undefined
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < items.length && failure === undefined) {
      const at = next++
      try {
        linked.signal.throwIfAborted()
        results[at] = await work(items[at] as T, linked)
      } catch (reason) {
        failure ??= { reason }
        stop.abort(reason)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker))
  offAbort(call.signal, follow)
  if (failure !== undefined) throw failure.reason
  return results
}

/** Runs the work of each key one at a time, in the order of the calls. */
export class KeyedQueue {
  readonly #tails = new Map<string, Promise<unknown>>()

  async run<R>(key: string, work: () => Promise<R>): Promise<R> {
    const previous = this.#tails.get(key)
    const current = (async () => {
      await previous?.catch(() => undefined)
      return await work()
    })()
    this.#tails.set(key, current)
    try {
      return await current
    } finally {
      if (this.#tails.get(key) === current) this.#tails.delete(key)
    }
  }
}

/**
 * Work that has to succeed once for each key. One caller at a time does it, in the order of the
 * calls. If the work fails, only its own caller fails and the next one does its own. The first
 * success serves all other callers, waiting and later ones.
 */
export class OncePerKey<R> {
  readonly #results = new Map<string, R>()
  readonly #turns = new Map<string, Semaphore>()

  /**
   * Returns the result, and whether this call did the work.
   * @throws what `work` throws; the signal's reason, if the call is aborted while it waits.
   */
  async run(
    key: string,
    call: Call,
    work: () => Promise<R>,
  ): Promise<{ readonly result: R; readonly isOwn: boolean }> {
    const turn = this.#turns.get(key) ?? new Semaphore(1)
    if (!this.#results.has(key)) this.#turns.set(key, turn)
    const release = await turn.acquire(call.signal)
    try {
      if (this.#results.has(key)) return { result: this.#results.get(key) as R, isOwn: false }
      call.signal.throwIfAborted()
      const result = await work()
      this.#results.set(key, result)
      // The waiting calls have the semaphore already, and no later call needs it.
      this.#turns.delete(key)
      return { result, isOwn: true }
    } finally {
      release()
    }
  }
}
