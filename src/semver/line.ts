import { compareVersions, isStable, type Version } from './version.ts'

/**
 * The versions that a floating tag may be on: `{}` all stable ones (`latest`), `{ major: 1 }` those of `1`, `{ major: 1, minor: 4 }` those of `1.4`; with
 * `channel` the pre-releases whose first identifier it is.
 */
export interface Line {
  readonly major?: number
  readonly minor?: number
  readonly channel?: string
}

const numbered = /^v?(0|[1-9]\d{0,14})(?:\.(0|[1-9]\d{0,14}))?$/

/** The line that a tag names by its numbers: `1` and `1.4`, also with a `v`. Whether it is a floating tag its name does not say: `20240101` is read as well. */
export function numberedLine(tag: string): { readonly major: number; readonly minor?: number } | undefined {
  const [, major, minor] = numbered.exec(tag) ?? []
  if (major === undefined) return undefined
  return { major: Number(major), ...(minor !== undefined && { minor: Number(minor) }) }
}

/** Whether a version is one of those that the tag of a line may be on. */
export function isInLine(version: Version, { major, minor, channel }: Line): boolean {
  if (channel !== undefined) return channelOf(version) === channel
  return (
    isStable(version) &&
    (major === undefined || version.major === major) &&
    (minor === undefined || version.minor === minor)
  )
}

/** Whether a tag is called as the versions of a line are: `1.4` and `v1.4`, `1`, `latest`, a channel. */
export function isTagOfLine(tag: string, { major, minor, channel }: Line): boolean {
  if (channel !== undefined) return tag === channel
  if (major === undefined) return tag === 'latest'
  return tag.replace(/^v/, '') === (minor === undefined ? `${major}` : `${major}.${minor}`)
}

/** The first identifier of a pre-release, where it is a name: `beta` of 2.0.0-beta.3. */
export function channelOf({ prerelease }: Version): string | undefined {
  const [first] = prerelease
  return typeof first === 'string' ? first : undefined
}

/** The highest version of a line that is above the one given; undefined where that one is the highest. */
export function higherInLine(versions: readonly Version[], line: Line, than: Version): Version | undefined {
  let highest = than
  for (const version of versions) {
    if (isInLine(version, line) && compareVersions(version, highest) > 0) highest = version
  }
  return highest === than ? undefined : highest
}
