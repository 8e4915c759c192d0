import type SemVer from 'semver/classes/semver.js'
import parse from 'semver/functions/parse.js'

/** A version by semver.org 2.0.0; only `parseVersion` makes one. */
export type Version = Readonly<SemVer>

/** A tag that is a whole version. */
export interface VersionTag {
  readonly tag: string
  readonly version: Version
  /** begins with `v` */
  readonly hasV: boolean
}

/** How tags are read as versions. */
export interface VersionReading {
  /** `1.4.1_build.7` is the version 1.4.1+build.7, as `+` is not legal in a tag; else no version */
  readonly buildMetadata: boolean
}

/** The reading without configuration. */
export const plainReading: VersionReading = { buildMetadata: false }

/**
 * Parses `MAJOR.MINOR.PATCH[-pre][+build]` with an optional leading `v` (semver.org 2.0.0,
 * Backus–Naur Form Grammar). Returns undefined for anything else: `1`, `1.4`, a date, a git hash.
 */
export function parseVersion(text: string): Version | undefined {
  // the package also accepts `=`, spaces and a second `v`
  if (!/^v?\d\S*$/.test(text)) return undefined
  return parse(text) ?? undefined
}

export function parseVersionTag(tag: string, { buildMetadata }: VersionReading): VersionTag | undefined {
  const version = parseVersion(buildMetadata ? tag.replace('_', '+') : tag)
  return version === undefined ? undefined : { tag, version, hasV: tag.startsWith('v') }
}

export function versionTagsIn(tags: readonly string[], reading: VersionReading): readonly VersionTag[] {
  return tags.flatMap((tag) => parseVersionTag(tag, reading) ?? [])
}

export function isExactVersion(tag: string, reading: VersionReading): boolean {
  return parseVersionTag(tag, reading) !== undefined
}

/** Whether a tag may be a version in any scheme: it begins with two numbers, as `1.4` does. */
export function isVersionLike(tag: string): boolean {
  return /^v?\d+\.\d/.test(tag)
}

/** Compares by precedence without build metadata (semver.org, 11): negative if `a` is lower. */
export function compareVersions(a: Version, b: Version): number {
  return a.compare(b)
}

/** Returns the version without `v`: `1.4.1-rc.1+build.7`. */
export function formatVersion({ version, build }: Version): string {
  return build.length === 0 ? version : `${version}+${build.join('.')}`
}

/** Returns the tag of a version, with `_` for `+` (distribution-spec, Pulling manifests). */
export function formatVersionTag(version: Version, hasV: boolean): string {
  return `${hasV ? 'v' : ''}${formatVersion(version).replace('+', '_')}`
}

export function isStable({ prerelease }: Version): boolean {
  return prerelease.length === 0
}

/** Returns the highest tag by precedence, the first of equal ones. */
export function findHighestTag<T extends Pick<VersionTag, 'version'>>(tags: readonly T[]): T | undefined {
  let highest: T | undefined
  for (const tag of tags) {
    if (highest === undefined || compareVersions(tag.version, highest.version) > 0) highest = tag
  }
  return highest
}

export function compareDescending<T extends Pick<VersionTag, 'version'>>(tags: readonly T[]): T[] {
  return tags.toSorted((a, b) => compareVersions(b.version, a.version))
}

/** Returns the next stable version; undefined if its number would exceed 2^53. */
export function incrementVersion(
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
