import { numberedLine, type NumberedLine } from './line.ts'
import {
  compareNaturally,
  compareNumbers,
  compareRuns,
  compareText,
  splitByDigits,
  type VersionNumber,
} from './number.ts'
import { isVariant } from './variant.ts'
import { compareVersions, type Version, type VersionReading, versionTagsIn } from './version.ts'

/** The sort key of a tag. */
type Key =
  /** `latest`, and the tag that takes its place for a variant */
  | { readonly rank: 'latest'; readonly variant: string }
  | { readonly rank: 'version'; readonly version: Version }
  /** a floating tag comes before the versions of its line */
  | { readonly rank: 'version'; readonly floating: NumberedLine }
  | { readonly rank: 'other'; readonly runs: readonly string[] }

const ranks = { latest: 0, version: 1, other: 2 } as const

/**
 * Sorts tags for display: `latest`, then versions from the highest down with `2` and `2.1` before
 * the versions of their line, then all others by name in descending order, with digits as numbers.
 * A variant comes after the same version without one. The order is total: it does not depend on the
 * order of the input.
 */
export function sortBySemver(tags: Iterable<string>, reading: VersionReading): string[] {
  const list = [...tags]
  const versions = versionTagsIn(list, reading)
  const byTag = new Map(versions.map(({ tag, version }) => [tag, version]))
  const lines = new Set(versions.flatMap(({ version }) => [lineKey(version), version.variant]))
  const keyed = list.map((tag) => ({ tag, key: keyOf(tag, byTag.get(tag), lines, reading) }))
  return keyed.sort((a, b) => compareKeys(a.key, b.key) || compareTags(b.tag, a.tag)).map(({ tag }) => tag)
}

/** @param lines the major versions and variants of all versions */
function keyOf(
  tag: string,
  version: Version | undefined,
  lines: ReadonlySet<string>,
  reading: VersionReading,
): Key {
  if (version !== undefined) return { rank: 'version', version }
  if (tag === 'latest') return { rank: 'latest', variant: '' }
  if (lines.has(tag) && isVariant(tag, reading.variants)) return { rank: 'latest', variant: tag }
  const floating = numberedLine(tag, reading)
  // a number without a version of its line is no floating tag: 20240101
  if (floating === undefined || !lines.has(lineKey(floating)))
    return { rank: 'other', runs: splitByDigits(tag) }
  return { rank: 'version', floating }
}

function lineKey({ major, variant = '' }: NumberedLine): string {
  return `${major} ${variant}`
}

function compareKeys(a: Key, b: Key): number {
  if (a.rank === 'latest' && b.rank === 'latest') return compareText(a.variant, b.variant)
  if (a.rank === 'other' && b.rank === 'other') return compareRuns(b.runs, a.runs)
  if (a.rank !== 'version' || b.rank !== 'version') return ranks[a.rank] - ranks[b.rank]
  const order = 'version' in a && 'version' in b ? compareVersions(b.version, a.version) : compareLines(a, b)
  return order || compareText(variantOf(a), variantOf(b))
}

type VersionKey = Extract<Key, { readonly rank: 'version' }>

/** Compares by the common numbers, then by their count: floating tags have fewer than versions. */
function compareLines(a: VersionKey, b: VersionKey): number {
  const [these, those] = [numbersOf(a), numbersOf(b)]
  for (let i = 0; i < Math.min(these.length, those.length); i++) {
    const order = compareNumbers(those[i] ?? 0, these[i] ?? 0)
    if (order !== 0) return order
  }
  return these.length - those.length
}

function numbersOf(key: VersionKey): readonly VersionNumber[] {
  if ('version' in key) return [key.version.major, key.version.minor, key.version.patch]
  const { major, minor } = key.floating
  return minor === undefined ? [major] : [major, minor]
}

function variantOf(key: VersionKey): string {
  return ('version' in key ? key.version : key.floating).variant ?? ''
}

/** Compares digits as numbers, then text: the order is total. */
function compareTags(a: string, b: string): number {
  return compareNaturally(a, b) || compareText(a, b)
}
