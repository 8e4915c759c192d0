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
  return compareRuns(splitByDigits(a), splitByDigits(b))
}

/** Compares the texts that `splitByDigits` split, as `compareNaturally` does. */
export function compareRuns(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const [one = '', other = ''] = [a[i], b[i]]
    const order = isDigit(one) && isDigit(other) ? compareDigits(one, other) : compareText(one, other)
    if (order !== 0) return order
  }
  return a.length - b.length
}

/** Splits into runs of digits and of other characters. */
export function splitByDigits(text: string): readonly string[] {
  return text.match(/\d+|\D+/g) ?? []
}

export function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

export function isNumeric(text: string): boolean {
  return /^\d+$/.test(text)
}

/** Whether a text begins with a digit. */
function isDigit(text: string): boolean {
  const code = text.charCodeAt(0)
  return code >= 48 && code <= 57
}

function withoutZeros(digits: string): string {
  return digits.startsWith('0') ? digits.replace(/^0+(?=\d)/, '') : digits
}
