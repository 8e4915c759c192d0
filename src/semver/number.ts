/** A number of a version: decimal digits without leading zeros if it has more than 15 of them. */
export type VersionNumber = number | string

/** @param digits with any number of leading zeros */
export function parseNumber(digits: string): VersionNumber {
  const short = digits.length < exactDigits ? digits : withoutZeros(digits)
  return short.length < exactDigits ? Number(short) : short
}

/** Numbers with fewer digits are exact in JavaScript. */
const exactDigits = 16

export function nextNumber(number: VersionNumber): VersionNumber {
  return parseNumber(`${BigInt(number) + 1n}`)
}

export function compareNumbers(a: VersionNumber, b: VersionNumber): number {
  if (typeof a === 'number') return typeof b === 'number' ? a - b : -1
  return typeof b === 'number' ? 1 : compareDigits(a, b)
}

/** Compares decimal digits as numbers of any length, without leading zeros. */
export function compareDigits(a: string, b: string): number {
  const [one, other] = [withoutZeros(a), withoutZeros(b)]
  return one.length - other.length || compareText(one, other)
}

/** Compares by code unit, and runs of digits as numbers: `build-9` before `build-10`. */
export function compareNaturally(a: string, b: string): number {
  const [these, those] = [splitByDigits(a), splitByDigits(b)]
  for (let i = 0; i < Math.min(these.length, those.length); i++) {
    const [one = '', other = ''] = [these[i], those[i]]
    const order = isNumeric(one) && isNumeric(other) ? compareDigits(one, other) : compareText(one, other)
    if (order !== 0) return order
  }
  return these.length - those.length
}

export function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

export function isNumeric(text: string): boolean {
  return /^\d+$/.test(text)
}

function splitByDigits(text: string): readonly string[] {
  return text.match(/\d+|\D+/g) ?? []
}

function withoutZeros(digits: string): string {
  return digits.replace(/^0+(?=\d)/, '')
}
