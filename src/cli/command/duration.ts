import { DrayError } from '../../lib/errors.ts'

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const
/** The longest delay of a timer in Node. */
const maxMs = 2 ** 31 - 1

/** Parses `90s`, `15m`, `1h30m`, `500ms` to milliseconds. @throws `usage`, naming `flag`. */
export function parseDuration(text: string, flag: string): number {
  const parts = [...text.matchAll(/(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)/g)]
  const whole = parts.map(([part]) => part).join('')
  const ms = parts.reduce(
    (sum, [, amount, unit]) => sum + Number(amount) * unitMs[unit as keyof typeof unitMs],
    0,
  )
  if (whole !== text || ms < 1 || ms > maxMs) {
    throw new DrayError('usage', `${flag} ${JSON.stringify(text)} is not a duration`, {
      hint: `A duration is a number with its unit, up to 24 days: ${flag} 90s, ${flag} 15m, ${flag} 1h30m.`,
    })
  }
  return Math.round(ms)
}
