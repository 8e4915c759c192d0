import type { JudgedImage } from '../evidence.ts'
import type { EvaluationContext } from '../kind-result.ts'

/** A larger difference means that one of the clocks is wrong. */
const maxDifferenceMs = 60 * 60 * 1000
/** How far the clock of a signer may be ahead. */
const maxAheadMs = 5 * 60 * 1000

/** The clock of this machine and that of the registry, in order. */
export interface Clocks {
  /** for what has to wait: a soak time ends by the clock that is behind */
  readonly earlier: number
  /** for what ends: ages and expiry count by the clock that is ahead */
  readonly later: number
}

/**
 * Returns the two clocks, in milliseconds since 1970. They are equal if the registry sent no time.
 */
export function clocksOf(image: JudgedImage, context: EvaluationContext): Clocks {
  const difference = image.clockDifference ?? 0
  return {
    earlier: Math.min(context.now, context.now + difference),
    later: Math.max(context.now, context.now + difference),
  }
}

/** Whether the clocks differ by more than an hour. Then no gate that depends on time can pass. */
export function clocksDisagree({ clockDifference = 0 }: JudgedImage): boolean {
  return !(Math.abs(clockDifference) <= maxDifferenceMs)
}

/** Whether a statement has a date in the future. Such a statement does not count. */
export function isInFuture(time: number, clocks: Clocks): boolean {
  return !(time <= clocks.earlier + maxAheadMs)
}
