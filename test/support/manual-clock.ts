import type { Clock } from '../../src/lib/clock.ts'

interface Sleeper {
  readonly at: number
  readonly wake: () => void
}

/** A clock that only advances when a test advances it. */
export interface ManualClock extends Clock {
  /** Advances by `ms` and wakes the sleepers in order. */
  advance(ms: number): Promise<void>
  /** Resolves when there are at least `count` sleepers. */
  sleepers(count: number): Promise<void>
  /** Returns the number of sleepers. */
  asleep(): number
  /** the durations of all sleeps, milliseconds */
  readonly naps: readonly number[]
}

/** Lets all pending work of the event loop run, including network events of this process. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}

export function manualClock(start = Date.UTC(2026, 10, 23)): ManualClock {
  let now = start
  const naps: number[] = []
  const sleeping = new Set<Sleeper>()
  const next = (until: number): Sleeper | undefined =>
    [...sleeping].filter((one) => one.at <= until).sort((a, b) => a.at - b.at)[0]
  return {
    naps,
    now: () => now,
    asleep: () => sleeping.size,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the caller's reason
        if (signal.aborted) reject(signal.reason)
        naps.push(ms)
        const leave = (): void => {
          sleeping.delete(sleeper)
          // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the caller's reason
          reject(signal.reason)
        }
        const sleeper: Sleeper = {
          at: now + ms,
          wake: () => {
            signal.removeEventListener('abort', leave)
            sleeping.delete(sleeper)
            resolve()
          },
        }
        sleeping.add(sleeper)
        signal.addEventListener('abort', leave, { once: true })
      }),
    advance: async (ms) => {
      const until = now + ms
      for (let one = next(until); one !== undefined; one = next(until)) {
        now = Math.max(now, one.at)
        one.wake()
        await settle()
      }
      now = until
      await settle()
    },
    sleepers: async (count) => {
      while (sleeping.size < count) await settle()
    },
  }
}

/** A clock whose sleeps return at once and advance it. */
export function leapingClock(start = Date.UTC(2026, 10, 23)): Clock & { readonly naps: readonly number[] } {
  let now = start
  const naps: number[] = []
  return {
    naps,
    now: () => now,
    sleep: async (ms, signal) => {
      signal.throwIfAborted()
      naps.push(ms)
      now += ms
    },
  }
}
