import { compareVersions, isStable, type Version } from './version.ts'

/**
 * The versions that a floating tag may be on: `{}` is all stable versions (`latest`), `{ major: 1
 * }` those of `1`, and `{ major: 1, minor: 4 }` those of `1.4`. With `channel`, pre-releases with
 * that first identifier.
 */
export interface Line {
  readonly major?: number
  readonly minor?: number
  readonly channel?: string
}

const numbered = /^v?(0|[1-9]\d{0,14})(?:\.(0|[1-9]\d{0,14}))?$/

/** Returns the line of a tag such as `1`, `1.4` or `v1`; also of `20240101`, which never moves. */
export function numberedLine(tag: string): { readonly major: number; readonly minor?: number } | undefined {
  const [, major, minor] = numbered.exec(tag) ?? []
  if (major === undefined) return undefined
  return { major: Number(major), ...(minor !== undefined && { minor: Number(minor) }) }
}

export function isInLine(version: Version, { major, minor, channel }: Line): boolean {
  if (channel !== undefined) return channelOf(version) === channel
  return (
    isStable(version) &&
    (major === undefined || version.major === major) &&
    (minor === undefined || version.minor === minor)
  )
}

/** Whether a tag is the floating tag of a line, with or without `v`. */
export function isTagOfLine(tag: string, { major, minor, channel }: Line): boolean {
  if (channel !== undefined) return tag === channel
  if (major === undefined) return tag === 'latest'
  return tag.replace(/^v/, '') === (minor === undefined ? `${major}` : `${major}.${minor}`)
}

/** Returns the first identifier of a pre-release unless it is a number: `beta` of 2.0.0-beta.3. */
export function channelOf({ prerelease }: Version): string | undefined {
  const [first] = prerelease
  return typeof first === 'string' ? first : undefined
}

/** Returns the highest version of a line that is above `than`; undefined if none is. */
export function higherInLine(versions: readonly Version[], line: Line, than: Version): Version | undefined {
  let highest = than
  for (const version of versions) {
    if (isInLine(version, line) && compareVersions(version, highest) > 0) highest = version
  }
  return highest === than ? undefined : highest
}
