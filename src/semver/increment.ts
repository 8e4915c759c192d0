import { withVariant } from './variant.ts'
import { parseVersion, type Version, type VersionReading } from './version.ts'

/**
 * Returns the next stable version, with the zero padding of the last one; undefined if the reading
 * does not have it. In `calver`, `patch` is the last number, and there are no other parts.
 * @param variant of the next version
 */
export function incrementVersion(
  { spelled }: Version,
  part: 'major' | 'minor' | 'patch',
  reading: VersionReading,
  variant: string,
): Version | undefined {
  const isDate = reading.scheme === 'calver'
  if (isDate && part !== 'patch') return undefined
  const at = isDate ? spelled.length - 1 : { major: 0, minor: 1, patch: 2 }[part]
  const count = isDate ? spelled.length : Math.max(at + 1, Math.min(spelled.length, 3))
  const numbers = Array.from({ length: count }, (_, i) => {
    const digits = spelled[i] ?? '0'
    if (i < at) return digits
    return padLike(digits, i === at ? `${BigInt(digits) + 1n}` : '0')
  })
  return parseVersion(withVariant(numbers.join('.'), variant), reading)
}

function padLike(padded: string, number: string): string {
  return padded.startsWith('0') ? number.padStart(padded.length, '0') : number
}
