import { channelOf, higherInLine, isTagOfLine, type Line } from './line.ts'
import { compareText } from './number.ts'
import type { TagLevel, TagPolicy } from './tag-policy.ts'
import { presentTags, decideVPrefix } from './v-prefix.ts'
import { withVariant } from './variant.ts'
import {
  formatVersion,
  formatVersionTag,
  isSameVersion,
  isStable,
  type Version,
  type VersionTag,
  versionTagsIn,
} from './version.ts'

/** The tags of a version in a repository. */
export interface VersionTags {
  readonly version: Version
  /** the version tag */
  readonly exact: string
  /** other spellings of this version in the repository; they must be on the same image */
  readonly same: readonly string[]
  readonly floating: readonly FloatingTag[]
}

export interface FloatingTag {
  readonly tag: string
  readonly line: Line
  readonly moves: boolean
  /** for the user: `highest 1.4`, `2.0.0 is higher` */
  readonly reason: string
  /** it moves to a lower version by `allowBackward` */
  readonly backward?: true
}

/**
 * Returns the tags of a version, and which of its floating tags move to it: pure. They only move
 * forward, by the complete tag list. `1.3.9` after `1.4.0` moves `1.3` and nothing else.
 * @param given the version as the user wrote it
 * @param tags all tags of the repository
 * @param beside versions that come to the repository in the same run
 */
export function versionTags(
  given: VersionTag,
  tags: readonly string[],
  policy: TagPolicy,
  beside: readonly Version[] = [],
): VersionTags {
  const { version } = given
  const present = versionTagsIn(tags, policy)
  // the given version counts too, so that the next run sees the same floating tags
  const { floating } = presentTags(tags, [...present, given], policy)
  const prefix = decideVPrefix(given, { versions: present, floating }, policy)
  const exact = formatVersionTag(version, prefix.exact)
  const versions = present.map((one) => one.version)
  return {
    version,
    exact,
    same: present
      .filter((one) => one.tag !== exact && isSameVersion(one.version, version))
      .map(({ tag }) => tag),
    floating: candidates(version, { hasV: prefix.floating, present: floating }, policy).map((one) => ({
      tag: one.tag,
      line: one.line,
      ...(one.whyKept === undefined
        ? decideMove(version, one, { versions, beside }, policy)
        : { moves: false, reason: one.whyKept }),
    })),
  }
}

/** A floating tag that a version may have. */
interface FloatingCandidate {
  readonly tag: string
  readonly line: Line
  /** why it never moves to this version */
  readonly whyKept?: string
}

/** The floating tags that exist, and whether those to write begin with `v`. */
interface FloatingSpelling {
  readonly hasV: boolean
  readonly present: readonly string[]
}

function candidates(
  version: Version,
  spelling: FloatingSpelling,
  policy: TagPolicy,
): readonly FloatingCandidate[] {
  const text = formatVersion(version)
  // the next version would move them back, because the tag of this one is not read as a version
  const unread =
    version.build.length > 0 && !policy.buildMetadata
      ? `${text} is not read back as a version here (buildMetadata is not set)`
      : undefined
  const preRelease = isStable(version) ? undefined : `${text} is a pre-release`
  const stable = floatingOf(version, spelling)
    .filter(({ level }) => isMaintained(level, policy))
    .map(({ level, tag, line }) => {
      const majorZero = isMajorZero(level, version, policy) ? 'major version 0 has no such tag' : undefined
      return candidate(tag, line, majorZero ?? preRelease ?? unread)
    })
  const channel = channelOf(version)
  if (channel === undefined || !policy.channels.includes(channel)) return stable
  const { variant } = version
  const line = { channel, ...(variant !== '' && { variant }) }
  return [candidate(withVariant(channel, variant), line, unread), ...stable]
}

function candidate(tag: string, line: Line, whyKept: string | undefined): FloatingCandidate {
  return { tag, line, ...(whyKept !== undefined && { whyKept }) }
}

function isMaintained(level: TagLevel, { levels, scheme, twoNumbers }: TagPolicy): boolean {
  // with two numbers, 7.2 is a version and never a floating tag
  return levels.includes(level) && !(level === 'minor' && scheme === 'loose' && twoNumbers)
}

function floatingOf(
  { major, minor, spelled, variant }: Version,
  spelling: FloatingSpelling,
): readonly { readonly level: TagLevel; readonly tag: string; readonly line: Line }[] {
  const [first = '', second = '0'] = spelled
  const own = variant === '' ? {} : { variant }
  const minorLine = { major, minor, ...own }
  const majorLine = { major, ...own }
  return [
    { level: 'minor', tag: spell(`${first}.${second}`, minorLine, spelling), line: minorLine },
    { level: 'major', tag: spell(first, majorLine, spelling), line: majorLine },
    { level: 'latest', tag: variant === '' ? 'latest' : variant, line: own },
  ]
}

/** Spells a floating tag as the existing one; else with the numbers of the version. */
function spell(numbers: string, line: Line, { hasV, present }: FloatingSpelling): string {
  const tag = withVariant(`${hasV ? 'v' : ''}${numbers}`, line.variant ?? '')
  const existing = present.filter((one) => one.startsWith('v') === hasV && isTagOfLine(one, line))
  return existing.includes(tag) ? tag : (existing.toSorted(compareText)[0] ?? tag)
}

function isMajorZero(level: TagLevel, { major }: Version, { majorZero }: TagPolicy): boolean {
  return level === 'major' && major === 0 && !majorZero
}

function decideMove(
  version: Version,
  { tag, line }: FloatingCandidate,
  { versions, beside }: { readonly versions: readonly Version[]; readonly beside: readonly Version[] },
  { allowBackward }: TagPolicy,
): Pick<FloatingTag, 'moves' | 'reason' | 'backward'> {
  const higher = higherInLine([...versions, ...beside], line, version)
  if (higher === undefined)
    return { moves: true, reason: `highest ${tag === 'latest' ? 'version' : tag.replace(/^v(?=\d)/, '')}` }
  const reason = `${formatVersion(higher)} is higher`
  // of several versions in one run only the highest gets the tag, backward or not
  const mayMove = allowBackward && higherInLine(beside, line, version) === undefined
  return mayMove ? { moves: true, reason, backward: true } : { moves: false, reason }
}
