import { numberedLine } from './line.ts'
import { compareVersions, isStable, parseVersionTag, type Reading, type Version } from './version.ts'

/** What a tag is sorted by, worked out once. */
type Key =
  | { readonly rank: 'latest' }
  | { readonly rank: 'version'; readonly version: Version }
  /** a floating tag stands above the versions that it may be on */
  | { readonly rank: 'version'; readonly floating: { readonly major: number; readonly minor?: number } }
  | { readonly rank: 'other' }

const ranks = { latest: 0, version: 1, other: 2 } as const

/**
 * Tags for a person, the first what matters most: `latest`; versions by precedence from the highest down, with `2` and `2.1` above the versions of
 * their line; all others, by their names from the last back, runs of digits by their number. Total: the same tags always come in the same order.
 */
export function inSemverOrder(tags: Iterable<string>, reading: Reading): string[] {
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
  // a number is a floating tag only where there is a version for it to be on: 20240101 is none
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

/** Major, minor, patch and whether it is stable, as numbers; what a floating tag leaves open is above every number. */
function partsOf(key: Extract<Key, { readonly rank: 'version' }>): readonly number[] {
  if ('version' in key) {
    const { major, minor, patch } = key.version
    return [major, minor, patch, isStable(key.version) ? 1 : 0]
  }
  const { major, minor = Infinity } = key.floating
  return [major, minor, Infinity, 1]
}

/** Orders tags by code unit, but runs of digits by their number: `build-9` before `build-10`. Total: equal only where the tags are the same. */
function compareTags(a: string, b: string): number {
  const these = pieces(a)
  const those = pieces(b)
  for (let i = 0; i < Math.min(these.length, those.length); i++) {
    const order = comparePieces(these[i] ?? '', those[i] ?? '')
    if (order !== 0) return order
  }
  return these.length - those.length || compareText(a, b)
}

function comparePieces(a: string, b: string): number {
  if (!isNumber(a) || !isNumber(b)) return compareText(a, b)
  const [one, other] = [a.replace(/^0+/, ''), b.replace(/^0+/, '')]
  // longer is larger, without leading zeros; a tag has room for more digits than a number
  return one.length - other.length || compareText(one, other)
}

function pieces(tag: string): readonly string[] {
  return tag.match(/\d+|\D+/g) ?? []
}

function isNumber(piece: string): boolean {
  return /^\d/.test(piece)
}

function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
