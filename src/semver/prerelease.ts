import { compareDigits, compareNaturally, compareText, isNumeric } from './number.ts'

/** Words that projects begin a pre-release with. */
export const preReleaseWords: readonly string[] = [
  'alpha',
  'beta',
  'canary',
  'cr',
  'dev',
  'development',
  'ea',
  'edge',
  'experimental',
  'insider',
  'insiders',
  'milestone',
  'next',
  'nightly',
  'pr',
  'pre',
  'prerelease',
  'preview',
  'rc',
  'snapshot',
  'unstable',
]

const words: ReadonlySet<string> = new Set(preReleaseWords)

/** Whether a suffix begins with a pre-release word, with or without a number: `rc1-slim`. */
export function beginsWithPreReleaseWord(suffix: string): boolean {
  const [letters = ''] = /^[A-Za-z]*/.exec(suffix) ?? []
  return words.has(letters.toLowerCase())
}

/**
 * Compares pre-releases by precedence (semver.org, 11): a version without one is the highest.
 * @param byDigits digits inside an identifier compare as numbers: `rc9` below `rc10`
 */
export function comparePreReleases(a: readonly string[], b: readonly string[], byDigits: boolean): number {
  if (a.length === 0 || b.length === 0) return b.length - a.length
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = compareIdentifiers(a[i] ?? '', b[i] ?? '', byDigits)
    if (order !== 0) return order
  }
  return a.length - b.length
}

function compareIdentifiers(a: string, b: string, byDigits: boolean): number {
  const [isNumber, isOtherNumber] = [isNumeric(a), isNumeric(b)]
  if (isNumber && isOtherNumber) return compareDigits(a, b)
  if (isNumber !== isOtherNumber) return isNumber ? -1 : 1
  return byDigits ? compareNaturally(a, b) : compareText(a, b)
}
