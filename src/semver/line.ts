import { isNumeric, parseNumber, type VersionNumber } from './number.ts'
import { isVariant, withVariant } from './variant.ts'
import { compareVersions, isStable, type Version, type VersionReading, type VersionTag } from './version.ts'

/**
 * The versions that a floating tag may be on: `{}` is all stable versions (`latest`), `{ major: 1
 * }` those of `1`, and `{ major: 1, minor: 4 }` those of `1.4`. With `channel`, pre-releases with
 * that first identifier. All of one variant, by default of versions without one.
 */
export interface Line {
  readonly major?: VersionNumber
  readonly minor?: VersionNumber
  readonly channel?: string
  readonly variant?: string
}

/** A line of a major or minor version. */
export interface NumberedLine extends Line {
  readonly major: VersionNumber
}

const numbered = /^v?(\d+)(?:\.(\d+))?(?:-(.+))?$/

/**
 * Returns the line of a tag such as `1`, `1.4`, `v1` or `1.4-alpine`; also of `20240101`, which
 * never moves.
 */
export function numberedLine(tag: string, reading: VersionReading): NumberedLine | undefined {
  const { scheme, variants, twoNumbers } = reading
  const [, major, minor, variant] = numbered.exec(tag) ?? []
  if (major === undefined || (variant !== undefined && !isVariant(variant, variants))) return undefined
  if (minor !== undefined && scheme === 'loose' && twoNumbers) return undefined
  if (scheme === 'semver' && [major, minor ?? ''].some((number) => /^0\d/.test(number))) return undefined
  return {
    major: parseNumber(major),
    ...(minor !== undefined && { minor: parseNumber(minor) }),
    ...(variant !== undefined && { variant }),
  }
}

/**
 * Returns the line of any tag that may be a floating one: also of `latest`, of a channel
 * (`beta-alpine`) and of a variant (`alpine`).
 */
export function floatingLine(
  tag: string,
  reading: VersionReading,
  channels: readonly string[],
): Line | undefined {
  if (tag === 'latest') return {}
  const line = numberedLine(tag, reading)
  if (line !== undefined) return line
  if (isVariant(tag, reading.variants)) return { variant: tag }
  for (const channel of channels) {
    if (tag === channel) return { channel }
    const variant = tag.startsWith(`${channel}-`) ? tag.slice(channel.length + 1) : undefined
    if (variant !== undefined && isVariant(variant, reading.variants)) return { channel, variant }
  }
  return undefined
}

/**
 * Returns the line of a tag that follows the versions of a repository: `latest`, a channel, and
 * otherwise only a tag with a version of its numbers and variant.
 */
export function floatingLineIn(
  tag: string,
  versions: readonly VersionTag[],
  reading: VersionReading,
  channels: readonly string[],
): Line | undefined {
  const line = floatingLine(tag, reading, channels)
  if (line === undefined || line.channel !== undefined || tag === 'latest') return line
  const { major, minor, variant = '' } = line
  const isFollowed = versions.some(
    ({ version }) =>
      version.variant === variant &&
      (major === undefined || version.major === major) &&
      (minor === undefined || version.minor === minor),
  )
  return isFollowed ? line : undefined
}

export function isInLine(version: Version, { major, minor, channel, variant = '' }: Line): boolean {
  if (version.variant !== variant) return false
  if (channel !== undefined) return channelOf(version) === channel
  return (
    isStable(version) &&
    (major === undefined || version.major === major) &&
    (minor === undefined || version.minor === minor)
  )
}

/** Whether a tag is the floating tag of a line, with or without `v`, in any zero padding. */
export function isTagOfLine(tag: string, { major, minor, channel, variant = '' }: Line): boolean {
  if (channel !== undefined) return tag === withVariant(channel, variant)
  if (major === undefined) return tag === (variant === '' ? 'latest' : variant)
  const [, first = '', second, suffix = ''] = numbered.exec(tag) ?? []
  return (
    suffix === variant &&
    parseNumber(first) === major &&
    (second === undefined ? undefined : parseNumber(second)) === minor
  )
}

/** Returns the first identifier of a pre-release unless it is a number: `beta` of 2.0.0-beta.3. */
export function channelOf({ prerelease: [first] }: Version): string | undefined {
  return first === undefined || isNumeric(first) ? undefined : first
}

/** The parts of a version that a rule can group tags by. */
export const versionGroups: readonly string[] = ['major', 'minor', 'patch', 'variant']

/**
 * Returns the key of the line that a version is in, without its variant: `1.4` of 1.4.2 per minor
 * version. Numbers have no zero padding.
 */
export function lineOf(
  { major, minor, patch }: Version,
  per: 'repository' | 'major' | 'minor' | 'patch',
): string {
  const numbers = { repository: [], major: [major], minor: [major, minor], patch: [major, minor, patch] }
  return numbers[per].join('.')
}

/** Returns the highest version of a line that is above `than`; undefined if none is. */
export function higherInLine(versions: readonly Version[], line: Line, than: Version): Version | undefined {
  let highest = than
  for (const version of versions) {
    if (isInLine(version, line) && compareVersions(version, highest) > 0) highest = version
  }
  return highest === than ? undefined : highest
}
