import { findNearest } from '../lib/nearest.ts'
import { isInLine, numberedLine } from './line.ts'
import { sortBySemver } from './order.ts'
import {
  compareDescending,
  compareVersions,
  isSameVersion,
  isStable,
  parseVersion,
  type Version,
  type VersionReading,
  type VersionTag,
  versionTagsIn,
} from './version.ts'

/** How many tags a suggestion names. */
const nearShown = 2
const highestShown = 3
const tagsShown = 5

/**
 * Suggests tags instead of one that does not exist: the nearest ones, and the highest versions.
 * @param tags all tags of the repository that name images
 */
export function suggestTags(tag: string, tags: readonly string[], reading: VersionReading): string {
  if (tags.length === 0) return 'Check the name of the repository: it has no tags.'
  const near = nearestTags(tag, tags, reading)
  const highest = highestVersions(tags, reading)
  if (near.length > 0) {
    const more = near.includes(highest[0] ?? '') ? [] : highest.slice(0, 1)
    return [`Did you mean ${near.join(' or ')}?`, ...listHighest(more)].join(' ')
  }
  if (highest.length > 0) return listHighest(highest).join('')
  const all = sortBySemver(tags, reading)
  return all.length <= tagsShown
    ? `The tags are ${all.join(', ')}.`
    : `The repository has ${all.length} tags, and none of them is a version.`
}

/** The tags that a mistyped one most likely means, the nearest first. */
function nearestTags(tag: string, tags: readonly string[], reading: VersionReading): readonly string[] {
  const versions = compareDescending(versionTagsIn(tags, reading))
  const version = parseVersion(tag, reading)
  if (version !== undefined) return neighboursOf(version, versions).map((one) => one.tag)
  const highest = highestOfLine(tag, versions, reading)
  if (highest !== undefined) return [highest.tag]
  // Of two that are equally near, the higher one comes first.
  return findNearest(tag, sortBySemver(tags, reading), nearShown)
}

/**
 * Another spelling of the version; else the versions of its variant just below and above it with
 * its minor version, or with its major version if there are none.
 * @param versions from the highest down
 */
function neighboursOf(version: Version, versions: readonly VersionTag[]): readonly VersionTag[] {
  const same = versions.find((one) => isSameVersion(one.version, version))
  if (same !== undefined) return [same]
  const major = versions.filter(
    (one) => one.version.major === version.major && one.version.variant === version.variant,
  )
  const minor = major.filter((one) => one.version.minor === version.minor)
  const line = minor.length > 0 ? minor : major
  const below = line.find((one) => compareVersions(one.version, version) < 0)
  const above = line.findLast((one) => compareVersions(one.version, version) > 0)
  return [below, above].filter((one) => one !== undefined)
}

/** The highest version of `1.4` or `1`, a stable one if there is one. */
function highestOfLine(
  tag: string,
  versions: readonly VersionTag[],
  reading: VersionReading,
): VersionTag | undefined {
  const line = numberedLine(tag, reading)
  if (line === undefined) return undefined
  const stable = versions.find(({ version }) => isInLine(version, line))
  const { major, minor, variant = '' } = line
  return (
    stable ??
    versions.find(
      ({ version }) =>
        version.major === major &&
        (minor === undefined || version.minor === minor) &&
        version.variant === variant,
    )
  )
}

/** The highest versions from the highest down, stable ones if there are any. */
function highestVersions(tags: readonly string[], reading: VersionReading): readonly string[] {
  const versions = versionTagsIn(tags, reading)
  const stable = versions.filter(({ version }) => isStable(version))
  return compareDescending(stable.length > 0 ? stable : versions)
    .slice(0, highestShown)
    .map(({ tag }) => tag)
}

function listHighest(tags: readonly string[]): readonly string[] {
  if (tags.length === 0) return []
  return [`The highest ${tags.length === 1 ? 'version is' : 'versions are'} ${tags.join(', ')}.`]
}
