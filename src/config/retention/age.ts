const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const
const maxYears = 100
const maxAge = maxYears * 365.25 * unitMs.d

/**
 * Parses `14d` to milliseconds, or returns the problem of the text.
 * @param atZero the consequence of an age of zero, for the message
 */
export function ageOf(text: string, atZero: string): number | string {
  const unit = unitMs[text.slice(-1) as keyof typeof unitMs]
  const ms = Number(text.slice(0, -1)) * unit
  if (ms === 0) return `${text} is not an age: ${atZero}`
  return ms <= maxAge ? ms : `${text} is too long: at most ${maxYears} years`
}
