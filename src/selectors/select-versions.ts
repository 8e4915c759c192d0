import { matchesAnyGlob } from '../oci/tag-glob.ts'
import { compareText } from '../semver/number.ts'
import { lineOf } from '../semver/line.ts'
import {
  classifyTag,
  compareByDigits,
  compareVersions,
  parseVersionTag,
  releaseKey,
  type VersionReading,
  type VersionTag,
  versionTagsIn,
} from '../semver/version.ts'
import { splitVariant } from '../semver/variant.ts'
import { suspectVariant, suspectVariants } from '../semver/warn-about-tags.ts'
import type { NewestVersions } from './newest-versions.ts'
import { type RangePreReleases, selectTag, type TagMatch } from './select-tag.ts'
import type { TagSelector } from './tag-selector.ts'

/** Selects tags and, with a range, the versions of some variants and the highest of each line. */
export interface VersionSelection {
  readonly tags: TagSelector
  /**
   * globs of variants, with a range: only the versions of these variants, which the repository need
   * not declare
   */
  readonly variant?: readonly string[]
  /** only the highest versions of each line, with a range */
  readonly newest?: NewestVersions
}

/** The tags that a protection keeps. */
export interface ProtectedTags {
  readonly tags: readonly string[]
  /** the version-like tags among them: a protection by version keeps what it cannot read */
  readonly versionLike: readonly string[]
}

/**
 * Returns the reading of protections: undeclared suffixes that look like variants are variants, so
 * that `1.4.2-alpine` is no pre-release below 1.4.2.
 * @param tags all image tags of the repository
 */
export function readingOfProtections(tags: readonly string[], reading: VersionReading): VersionReading {
  const suspected = undeclaredVariants(tags, reading)
  return suspected.length === 0 ? reading : { ...reading, variants: [...reading.variants, ...suspected] }
}

/**
 * Returns the suffixes that look like undeclared variants: those of two or more versions, and those
 * of one version that is there without the suffix too. A suffix that looks like a commit does not
 * count if it follows one version.
 */
export function undeclaredVariants(tags: readonly string[], reading: VersionReading): readonly string[] {
  const versions = versionTagsIn(tags, reading).map(({ version }) => version)
  const stable = new Set(versions.filter(({ prerelease }) => prerelease.length === 0).map(releaseKey))
  const single = versions.flatMap((version) => {
    const suffix = suspectVariant(version)
    return suffix === undefined || commit.test(suffix) || !stable.has(releaseKey(version)) ? [] : [suffix]
  })
  return [...new Set([...suspectVariants(versions), ...single])].toSorted(compareText)
}

const commit = /^(?:g|sha-?)?[0-9a-f]{7,40}$/

/** Returns the reading of a selection, which declares its variants. */
export function readingOfSelection({ variant }: VersionSelection, reading: VersionReading): VersionReading {
  return variant === undefined ? reading : { ...reading, variants: [...reading.variants, ...variant] }
}

/**
 * Matches a whole tag, without counting the highest versions; undefined if it does not match.
 * @param reading as from `readingOfSelection`
 */
export function matchVersion(
  { tags, variant }: VersionSelection,
  tag: string,
  reading: VersionReading,
  preReleases?: RangePreReleases,
): TagMatch | undefined {
  const match = selectTag(tags, tag, reading, preReleases)
  if (match === undefined || variant === undefined) return match
  // a version-like tag has its variant in any scheme
  return matchesAnyGlob(variant, splitVariant(tag, reading.variants).variant) ? match : undefined
}

/**
 * Returns the tags that a protection selects; with `newest`, those of the highest versions of each
 * line. A protection by version also keeps version-like tags.
 * @param reading as from `readingOfProtections`
 */
export function selectProtected(
  selection: VersionSelection,
  tags: readonly string[],
  reading: VersionReading,
): ProtectedTags {
  const read = readingOfSelection(selection, reading)
  const selected = tags.filter((tag) => matchVersion(selection, tag, read) !== undefined)
  if (selection.tags.kind !== 'semver') return { tags: selected, versionLike: [] }
  const versionLike = selected.filter((tag) => classifyTag(tag, read) === 'versionLike')
  const { newest } = selection
  if (newest === undefined) return { tags: selected, versionLike }
  return { tags: [...selectHighest(selected, newest, read), ...versionLike], versionLike }
}

/**
 * Returns the tags of the highest versions of each line by precedence, and by digits as numbers.
 */
export function selectHighest(
  tags: readonly string[],
  { per, count }: NewestVersions,
  reading: VersionReading,
): readonly string[] {
  return [...linesOf(tags, per, reading).values()].flatMap((line) => [...findHighest(line, count)])
}

/** Returns the versions of each line; each variant has lines of its own. */
export function linesOf(
  tags: readonly string[],
  per: NewestVersions['per'],
  reading: VersionReading,
): ReadonlyMap<string, readonly VersionTag[]> {
  return Map.groupBy(
    tags.flatMap((tag) => parseVersionTag(tag, reading) ?? []),
    ({ version }) => `${lineOf(version, per)} ${version.variant}`,
  )
}

/**
 * Returns the `count` highest versions by precedence, and those with digits in identifiers as
 * numbers: `rc10` is below `rc9` by precedence. Versions of equal precedence count once.
 */
function findHighest(line: readonly VersionTag[], count: number): ReadonlySet<string> {
  return new Set(
    [compareVersions, compareByDigits].flatMap((compare) => {
      const sorted = line.toSorted((a, b) => compare(b.version, a.version))
      let versions = 0
      const highest = sorted.filter((one, i) => {
        const before = sorted[i - 1]
        if (before === undefined || compare(before.version, one.version) !== 0) versions += 1
        return versions <= count
      })
      return highest.map(({ tag }) => tag)
    }),
  )
}
