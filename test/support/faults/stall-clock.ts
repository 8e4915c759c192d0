import type { Clock } from '../../../src/lib/clock.ts'
import { manualClock } from '../manual-clock.ts'

/** Longer than an answer, or the next byte of one, is waited for; shorter than the source of an upload is. */
const stepMs = 61_000
/** So long nothing has happened when all that is left waits for the one that stalls, milliseconds. */
const quietMs = 25

export interface StallClock {
  /** of transfers: stands still but where one of them stalls */
  readonly clock: Clock
  /** something goes on */
  moved(): void
  /** An answer will not come any more: as soon as nothing goes on besides, time goes by. */
  stalled(): void
  stop(): void
}

export function stallClock(): StallClock {
  const clock = manualClock(Date.now())
  let lastMove = 0
  const stopped = new AbortController()
  const wait = async (): Promise<void> => {
    // whatever else can go on does so first: its own watchdog is not to bark
    while (!stopped.signal.aborted && performance.now() - lastMove < quietMs)
      await new Promise((resolve) => setTimeout(resolve, 1))
    if (!stopped.signal.aborted) await clock.advance(stepMs)
  }
  const moved = (): void => {
    lastMove = performance.now()
  }
  return {
    clock,
    moved,
    stalled: () => {
      moved()
      void wait()
    },
    stop: () => {
      stopped.abort()
    },
  }
}
