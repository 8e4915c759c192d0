import { channelOf, higherInLine, type Line } from './line.ts'
import type { TagLevel, TagPolicy } from './tag-policy.ts'
import { presentTags, vPrefixOf } from './v-prefix.ts'
import {
  compareVersions,
  formatVersion,
  isStable,
  tagOfVersion,
  type Version,
  type VersionTag,
  versionTagsIn,
} from './version.ts'

/** The tags of a version in a repository. */
export interface VersionTags {
  readonly version: Version
  /** the tag of the whole version */
  readonly exact: string
  /** tags of the repository that are this version too, otherwise spelled or with other build metadata: they must be on the same image */
  readonly same: readonly string[]
  readonly floating: readonly FloatingTag[]
}

/** A tag that moves with the versions of its line, and whether it does now. */
export interface FloatingTag {
  readonly tag: string
  readonly line: Line
  readonly moves: boolean
  /** why, for a person: `the highest 1.4`, `2.0.0 is higher` */
  readonly reason: string
  /** it moves to a lower version because that was asked for */
  readonly backward?: true
}

/**
 * Which tags a version has, and which of the floating ones move to it: forward only, by the complete list of the repository's tags, whether or not floating
 * tags were kept up before. Pure. `1.3.9` after `1.4.0` moves `1.3` and nothing else.
 * @param given the version as it was written
 * @param tags all tags of the repository
 * @param beside versions that come to it with this one
 */
export function versionTags(
  given: VersionTag,
  tags: readonly string[],
  policy: TagPolicy,
  beside: readonly Version[] = [],
): VersionTags {
  const { version } = given
  const present = versionTagsIn(tags, policy)
  // a floating tag that stood for none of the versions so far stands for this one: its spelling counts as it will in the next run
  const { floating } = presentTags(tags, [...present, given])
  const prefix = vPrefixOf(given, { versions: present, floating }, policy)
  const exact = tagOfVersion(version, prefix.exact)
  const versions = present.map((one) => one.version)
  return {
    version,
    exact,
    same: present
      .filter((one) => one.tag !== exact && compareVersions(one.version, version) === 0)
      .map(({ tag }) => tag),
    floating: candidates(version, prefix.floating, policy).map(({ tag, line, not }) => ({
      tag,
      line,
      ...(not === undefined
        ? judge(version, line, { versions, beside }, policy)
        : { moves: false, reason: not }),
    })),
  }
}

/** What may be said of a version beyond its grammar: floating tags that it can have, and why it has them not. */
interface Candidate {
  readonly tag: string
  readonly line: Line
  readonly not?: string
}

function candidates(version: Version, hasV: boolean, policy: TagPolicy): readonly Candidate[] {
  const text = formatVersion(version)
  // nothing would keep the next version from moving them back: in the list of tags this one is none
  const unread =
    version.build.length > 0 && !policy.buildMetadata
      ? `${text} is not read back as a version here (buildMetadata is not set)`
      : undefined
  const preRelease = isStable(version) ? undefined : `${text} is a pre-release`
  const stable = floatingOf(version, hasV)
    .filter(({ level }) => policy.levels.includes(level))
    .map(({ level, tag, line }) => {
      const majorZero = isMajorZero(level, version, policy) ? 'major version 0 has no such tag' : undefined
      return candidate(tag, line, majorZero ?? preRelease ?? unread)
    })
  const channel = channelOf(version)
  if (channel === undefined || !policy.channels.includes(channel)) return stable
  return [candidate(channel, { channel }, unread), ...stable]
}

function candidate(tag: string, line: Line, not: string | undefined): Candidate {
  return { tag, line, ...(not !== undefined && { not }) }
}

function floatingOf(
  { major, minor }: Version,
  hasV: boolean,
): readonly { readonly level: TagLevel; readonly tag: string; readonly line: Line }[] {
  const v = hasV ? 'v' : ''
  return [
    { level: 'minor', tag: `${v}${major}.${minor}`, line: { major, minor } },
    { level: 'major', tag: `${v}${major}`, line: { major } },
    { level: 'latest', tag: 'latest', line: {} },
  ]
}

function isMajorZero(level: TagLevel, { major }: Version, { majorZero }: TagPolicy): boolean {
  return level === 'major' && major === 0 && !majorZero
}

function judge(
  version: Version,
  line: Line,
  { versions, beside }: { readonly versions: readonly Version[]; readonly beside: readonly Version[] },
  { allowBackward }: TagPolicy,
): Pick<FloatingTag, 'moves' | 'reason' | 'backward'> {
  const higher = higherInLine([...versions, ...beside], line, version)
  if (higher === undefined) return { moves: true, reason: `the highest ${nameOfLine(line)}` }
  const reason = `${formatVersion(higher)} is higher`
  // of versions that come together only the highest can have the tag, backward or not
  const mayMove = allowBackward && higherInLine(beside, line, version) === undefined
  return mayMove ? { moves: true, reason, backward: true } : { moves: false, reason }
}

function nameOfLine({ major, minor, channel }: Line): string {
  if (channel !== undefined) return channel
  if (major === undefined) return 'of all'
  return minor === undefined ? `${major}` : `${major}.${minor}`
}
