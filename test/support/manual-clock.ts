import type { Clock } from '../../src/lib/clock.ts'

interface Sleeper {
  readonly at: number
  readonly wake: () => void
}

/** A clock that stands until it is turned. */
export interface ManualClock extends Clock {
  /** Turns it on by `ms`, waking every sleeper whose time comes on the way, in order. */
  advance(ms: number): Promise<void>
  /** Resolves when at least `count` sleepers wait. */
  sleepers(count: number): Promise<void>
  /** how long each sleep that began was to last, milliseconds */
  readonly naps: readonly number[]
}

/** Lets all work that is ready to go on do so, network events of this process included. */
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

/** A clock on which sleeping costs no time: each sleep turns it on and returns. */
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
