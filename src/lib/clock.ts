/** Time as a port, so that a test can control it. */
export interface Clock {
  /** milliseconds since 1970-01-01T00:00Z */
  now(): number
  /** Resolves after `ms`, or rejects with the signal's reason. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  // The timers of `node:timers/promises` create an error with a stack for each sleep that is
  // aborted.
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      const leave = (): void => {
        clearTimeout(timer)
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the caller's reason
        reject(signal.reason)
      }
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', leave)
        resolve()
      }, ms)
      if (signal.aborted) leave()
      else signal.addEventListener('abort', leave, { once: true })
    }),
}

/** A limit on the time of some work. */
interface TimeLimit {
  readonly ms: number
  readonly clock: Clock
  /** the reason with which the signal is aborted */
  readonly reason: () => Error
}

/**
 * Runs work under a signal that is aborted with the reason of `signal`, or with that of the limit
 * when the time is over. The work has to obey the signal. The timer is always cleared.
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
    done.abort('over')
    await timer
  }
}
