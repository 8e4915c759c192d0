import { setTimeout as delay } from 'node:timers/promises'

/** Time as a port, so that a test can turn it. */
export interface Clock {
  /** milliseconds since 1970-01-01T00:00Z */
  now(): number
  /** Resolves after `ms`, or rejects with the signal's reason. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    try {
      await delay(ms, undefined, { signal })
    } catch (cause) {
      throw signal.aborted ? signal.reason : cause
    }
  },
}

/** How long something may take. */
interface TimeLimit {
  readonly ms: number
  readonly clock: Clock
  /** what its signal is aborted with */
  readonly reason: () => Error
}

/**
 * Does work under a signal that is aborted with the reason of `signal`, or with that of the limit once its time is over. The work is what ends it:
 * it has to heed the signal. No timer is left behind.
 */
export async function withTimeLimit<T>(
  limit: TimeLimit,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController()
  const done = new AbortController()
  const timer = limit.clock.sleep(limit.ms, done.signal).then(
    () => over.abort(limit.reason()),
    () => undefined,
  )
  try {
    return await work(AbortSignal.any([signal, over.signal]))
  } finally {
    done.abort()
    await timer
  }
}
