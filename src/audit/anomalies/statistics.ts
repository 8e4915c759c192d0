/** A normal distribution has this ratio of its standard deviation and its MAD. */
const normalRatio = 1.4826
const deviations = 5

export interface Usual {
  readonly median: number
  readonly limit: number
}

/** The median of numbers; 0 without any. */
function median(numbers: readonly number[]): number {
  if (numbers.length === 0) return 0
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2
}

/**
 * The usual count and the limit above which another count is unusual: five deviations above the
 * median. The deviation is robust (median absolute deviation), at least that of a Poisson
 * distribution, and at least 1: counts of a regular job do not deviate at all.
 */
export function usualCount(counts: readonly number[]): Usual {
  const middle = median(counts)
  const absolute = median(counts.map((count) => Math.abs(count - middle)))
  return {
    median: middle,
    limit: middle + deviations * Math.max(normalRatio * absolute, Math.sqrt(middle), 1),
  }
}
