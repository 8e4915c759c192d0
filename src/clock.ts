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
