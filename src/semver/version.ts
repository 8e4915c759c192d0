import type SemVer from 'semver/classes/semver.js'
import parse from 'semver/functions/parse.js'

/** A version by semver.org 2.0.0; make it with `parseVersion` only. */
export type Version = Readonly<SemVer>

/** A tag that is a whole version, as it is written. */
export interface VersionTag {
  readonly tag: string
  readonly version: Version
  /** written with a `v` before it */
  readonly hasV: boolean
}

/** How tags are read. */
export interface Reading {
  /** `1.4.1_build.7` is the version 1.4.1+build.7: `+` is not legal in a tag; else it is no version */
  readonly buildMetadata: boolean
}

/** Where nothing else is configured: an underscore in a tag is an underscore. */
export const plainReading: Reading = { buildMetadata: false }

/**
 * `MAJOR.MINOR.PATCH[-pre][+build]` with an optional leading `v` (semver.org 2.0.0, Backus–Naur Form Grammar). `1`, `1.4`, a date or a git hash are no
 * versions. Undefined for anything else.
 */
export function parseVersion(text: string): Version | undefined {
  // the package takes `=`, spaces and a second `v` as well
  if (!/^v?\d\S*$/.test(text)) return undefined
  return parse(text) ?? undefined
}

/** The version that a tag is; undefined where it is none. */
export function parseVersionTag(tag: string, { buildMetadata }: Reading): VersionTag | undefined {
  const version = parseVersion(buildMetadata ? tag.replace('_', '+') : tag)
  return version === undefined ? undefined : { tag, version, hasV: tag.startsWith('v') }
}

/** Those of the tags that are versions, in their order. */
export function versionTagsIn(tags: readonly string[], reading: Reading): readonly VersionTag[] {
  return tags.flatMap((tag) => parseVersionTag(tag, reading) ?? [])
}

/** Whether a tag is a whole version: what does not move. */
export function isExactVersion(tag: string, reading: Reading): boolean {
  return parseVersionTag(tag, reading) !== undefined
}

/** By precedence (semver.org, 11): negative where `a` is lower, 0 also where they differ in build metadata only. */
export function compareVersions(a: Version, b: Version): number {
  return a.compare(b)
}

/** Without `v`: `1.4.1-rc.1+build.7`. */
export function formatVersion({ version, build }: Version): string {
  return build.length === 0 ? version : `${version}+${build.join('.')}`
}

/** The tag of a version: `+` is not legal there and is written `_` (distribution-spec, Pulling manifests, tag grammar). */
export function tagOfVersion(version: Version, hasV: boolean): string {
  return `${hasV ? 'v' : ''}${formatVersion(version).replace('+', '_')}`
}

export function isStable({ prerelease }: Version): boolean {
  return prerelease.length === 0
}

/** The highest by precedence, of equals the first. */
export function highestTag<T extends Pick<VersionTag, 'version'>>(tags: readonly T[]): T | undefined {
  let highest: T | undefined
  for (const tag of tags) {
    if (highest === undefined || compareVersions(tag.version, highest.version) > 0) highest = tag
  }
  return highest
}

/** By precedence, the highest first. */
export function highestFirst<T extends Pick<VersionTag, 'version'>>(tags: readonly T[]): T[] {
  return tags.toSorted((a, b) => compareVersions(b.version, a.version))
}

/** The stable version after this one: 1.4.2 -> 1.4.3, 1.5.0, 2.0.0. Undefined where its number would be too large to count on (2^53). */
export function nextVersion(
  { major, minor, patch }: Version,
  part: 'major' | 'minor' | 'patch',
): Version | undefined {
  switch (part) {
    case 'major':
      return parseVersion(`${major + 1}.0.0`)
    case 'minor':
      return parseVersion(`${major}.${minor + 1}.0`)
    case 'patch':
      return parseVersion(`${major}.${minor}.${patch + 1}`)
  }
}
