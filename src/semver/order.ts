import { numberedLine } from './line.ts'
import { compareVersions, isStable, parseVersionTag, type VersionReading, type Version } from './version.ts'

/** The sort key of a tag. */
type Key =
  | { readonly rank: 'latest' }
  | { readonly rank: 'version'; readonly version: Version }
  /** a floating tag comes before the versions of its line */
  | { readonly rank: 'version'; readonly floating: { readonly major: number; readonly minor?: number } }
  | { readonly rank: 'other' }

const ranks = { latest: 0, version: 1, other: 2 } as const

/**
 * Sorts tags for display: `latest`, then versions from the highest down with `2` and `2.1` before
 * the versions of their line, then all others by name in descending order, with digits as numbers.
 * The order is total: it does not depend on the order of the input.
 */
export function sortBySemver(tags: Iterable<string>, reading: VersionReading): string[] {
  const list = [...tags]
  const versions = list.flatMap((tag) => parseVersionTag(tag, reading) ?? [])
  const majors = new Set(versions.map(({ version }) => version.major))
  const byTag = new Map(versions.map(({ tag, version }) => [tag, version]))
  const keyed = list.map((tag) => ({ tag, key: keyOf(tag, byTag.get(tag), majors) }))
  return keyed.sort((a, b) => compareKeys(a.key, b.key) || compareTags(b.tag, a.tag)).map(({ tag }) => tag)
}

function keyOf(tag: string, version: Version | undefined, majors: ReadonlySet<number>): Key {
  if (version !== undefined) return { rank: 'version', version }
  if (tag === 'latest') return { rank: 'latest' }
  const floating = numberedLine(tag)
  // a number without a version of its line is no floating tag: 20240101
  if (floating === undefined || !majors.has(floating.major)) return { rank: 'other' }
  return { rank: 'version', floating }
}

function compareKeys(a: Key, b: Key): number {
  if (a.rank !== 'version' || b.rank !== 'version') return ranks[a.rank] - ranks[b.rank]
  if ('version' in a && 'version' in b) return compareVersions(b.version, a.version)
  const [these, those] = [partsOf(a), partsOf(b)]
  for (let i = 0; i < these.length; i++) {
    const [x = 0, y = 0] = [these[i], those[i]]
    if (x !== y) return y > x ? 1 : -1
  }
  return 0
}

/** Returns major, minor, patch and stability as numbers; Infinity if a floating tag lacks one. */
function partsOf(key: Extract<Key, { readonly rank: 'version' }>): readonly number[] {
  if ('version' in key) {
    const { major, minor, patch } = key.version
    return [major, minor, patch, isStable(key.version) ? 1 : 0]
  }
  const { major, minor = Infinity } = key.floating
  return [major, minor, Infinity, 1]
}

/** Compares tags by code unit, and runs of digits as numbers: `build-9` before `build-10`. */
function compareTags(a: string, b: string): number {
  const these = partsOfTag(a)
  const those = partsOfTag(b)
  for (let i = 0; i < Math.min(these.length, those.length); i++) {
    const order = compareParts(these[i] ?? '', those[i] ?? '')
    if (order !== 0) return order
  }
  return these.length - those.length || compareText(a, b)
}

function compareParts(a: string, b: string): number {
  if (!isNumber(a) || !isNumber(b)) return compareText(a, b)
  const [one, other] = [a.replace(/^0+/, ''), b.replace(/^0+/, '')]
  // numbers in tags may be too long for a JavaScript number
  return one.length - other.length || compareText(one, other)
}

function partsOfTag(tag: string): readonly string[] {
  return tag.match(/\d+|\D+/g) ?? []
}

function isNumber(part: string): boolean {
  return /^\d/.test(part)
}

function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
