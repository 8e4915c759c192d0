import type { Clock } from '../../../src/lib/clock.ts'
import { manualClock } from '../manual-clock.ts'

/**
 * Longer than the time limit for a response or its next byte, and shorter than that for an upload.
 */
const stepMs = 61_000
/** After so many milliseconds without activity, only the stalled transfer is left. */
const quietMs = 25

export interface StallClock {
  /** the clock of transfers, which only advances if one of them stalls */
  readonly clock: Clock
  /** Reports activity. */
  moved(): void
  /** Reports a stalled response. The clock advances once there is no other activity. */
  stalled(): void
  stop(): void
}

export function stallClock(): StallClock {
  const clock = manualClock(Date.now())
  let lastMove = 0
  const stopped = new AbortController()
  const wait = async (): Promise<void> => {
    // Other transfers continue first, so that their time limits do not expire.
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
