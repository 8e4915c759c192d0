import type { NewestVersions, TagProtection } from '../../../config/retention/policy.ts'
import { compareText } from '../../../semver/number.ts'
import { lineOf } from '../../../semver/line.ts'
import {
  classifyTag,
  compareByDigits,
  compareVersions,
  parseVersionTag,
  releaseKey,
  type VersionReading,
  type VersionTag,
  versionTagsIn,
} from '../../../semver/version.ts'
import { suspectVariant, suspectVariants } from '../../../semver/warn-about-tags.ts'
import { selectTag } from './select.ts'

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

/**
 * Returns the tags that a protection selects; with `newest`, those of the highest versions of each
 * line. A protection by version also keeps version-like tags.
 * @param reading as from `readingOfProtections`
 */
export function selectProtected(
  { tags: selector, newest }: TagProtection,
  tags: readonly string[],
  reading: VersionReading,
): ProtectedTags {
  const selected = tags.filter((tag) => selectTag(selector, tag, reading) !== undefined)
  if (selector.kind !== 'semver') return { tags: selected, versionLike: [] }
  const versionLike = selected.filter((tag) => classifyTag(tag, reading) === 'versionLike')
  if (newest === undefined) return { tags: selected, versionLike }
  const highest = [...linesOf(selected, newest.per, reading).values()].flatMap((line) => [
    ...findHighest(line, newest.count),
  ])
  return { tags: [...highest, ...versionLike], versionLike }
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
