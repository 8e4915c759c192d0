import type { TagProtection } from '../../../../config/retention/policy.ts'
import {
  findHighestTag,
  formatVersion,
  isStable,
  releaseKey,
  type VersionReading,
  type VersionTag,
  versionKey,
  versionTagsIn,
} from '../../../../semver/version.ts'
import { joinFirst } from '../../../../lib/join-first.ts'
import {
  linesOf,
  matchVersion,
  readingOfSelection,
  selectProtected,
} from '../../../../selectors/select-versions.ts'

export interface ProtectedRepository {
  /** all image tags */
  readonly tags: readonly string[]
  /** as from `readingOfProtections` */
  readonly reading: VersionReading
  /** whether a protection or use keeps the image of a tag, or no rule selects the tag */
  readonly isKept: (tag: string) => boolean
}

/**
 * Warns if a protection by version keeps pre-releases while releases that a user expects are not
 * kept: the release of the same numbers, all releases of a line because pre-releases take its
 * places, or all releases because they are not read as versions. Pure.
 */
export function warnAboutPreReleases(
  protection: TagProtection,
  repository: ProtectedRepository,
): readonly string[] {
  if (protection.tags.kind !== 'semver') return []
  const { tags } = repository
  const selected = new Set(selectProtected(protection, tags, repository.reading).tags)
  const reading = readingOfSelection(protection, repository.reading)
  const preReleases = versionTagsIn([...selected], reading).filter(({ version }) => !isStable(version))
  if (preReleases.length === 0) return []
  const read = { ...repository, reading }
  const name = `the protection ${JSON.stringify(protection.name)}`
  return [
    ...warnAboutBounds(name, preReleases, read),
    ...warnAboutPlaces(name, protection, preReleases, read),
    ...warnAboutUnread(name, read),
  ]
}

/** Warns about pre-releases of releases that are there and not kept: 2.0.0-rc.1 of `<2.0.0`. */
function warnAboutBounds(
  name: string,
  preReleases: readonly VersionTag[],
  { tags, reading, isKept }: ProtectedRepository,
): readonly string[] {
  const releases = new Map(
    versionTagsIn(tags, reading)
      .filter(({ tag, version }) => isStable(version) && !isKept(tag))
      .map((one) => [versionKey(one.version), one]),
  )
  const pairs = preReleases.flatMap((preRelease) => {
    const release = releases.get(releaseKey(preRelease.version))
    return release === undefined ? [] : [{ preRelease, release }]
  })
  const [first] = pairs
  if (first === undefined) return []
  const end = formatVersion({ ...first.release.version, variant: '', build: [] })
  const texts = pairs.map(({ preRelease, release }) => `${preRelease.tag} and not ${release.tag}`)
  return [
    `${name} keeps pre-releases without their releases: ${joinFirst(texts)}. To exclude such pre-releases, end the range with <${end}-0.`,
  ]
}

/** Warns about lines in which pre-releases take all places and no release is kept. */
function warnAboutPlaces(
  name: string,
  protection: TagProtection,
  preReleases: readonly VersionTag[],
  { tags, reading, isKept }: ProtectedRepository,
): readonly string[] {
  const { newest } = protection
  if (newest === undefined) return []
  const kept = new Set(preReleases.map(({ tag }) => tag))
  const inRange = tags.filter((tag) => matchVersion(protection, tag, reading) !== undefined)
  const pairs = [...linesOf(inRange, newest.per, reading).values()].flatMap((line) => {
    const releases = line.filter(({ version }) => isStable(version))
    if (releases.some(({ tag }) => isKept(tag))) return []
    const release = findHighestTag(releases)
    const preRelease = findHighestTag(line.filter(({ tag }) => kept.has(tag)))
    return release === undefined || preRelease === undefined
      ? []
      : [`${preRelease.tag} and not ${release.tag}`]
  })
  if (pairs.length === 0) return []
  return [
    `${name} keeps pre-releases and no release of the same line, because pre-releases take all of its places: ${joinFirst(pairs)}. Raise its count.`,
  ]
}

/** Warns if only pre-releases are versions, and `1.4` or `api-1.4.2` may be the releases. */
function warnAboutUnread(name: string, { tags, reading, isKept }: ProtectedRepository): readonly string[] {
  if (versionTagsIn(tags, reading).some(({ version }) => isStable(version))) return []
  const unprotected = tags.filter((tag) => !isKept(tag))
  const twoNumbers = unprotected.filter((tag) => /^v?\d+\.\d+$/.test(tag))
  const prefixed = unprotected.filter(
    (tag) => /^.*[A-Za-z][-_.]?\d+\.\d+\.\d+$/.test(tag) && !/^v\d/.test(tag),
  )
  const fixes = [
    { found: twoNumbers, fix: 'set scheme: loose and omit minor from semver under tags in dray.yaml' },
    { found: prefixed, fix: 'protect them by a glob or a regular expression under tags' },
  ]
  return fixes.flatMap(({ found, fix }) =>
    found.length === 0
      ? []
      : [
          `${name} keeps only pre-releases, because the scheme ${reading.scheme} does not read ${joinFirst(found)} as versions. If they are releases, ${fix}.`,
        ],
  )
}
