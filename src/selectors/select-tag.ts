import { matchesAnyGlob } from '../oci/tag-glob.ts'
import { versionGroups } from '../semver/line.ts'
import { isInRange, type VersionRange } from '../semver/range/range.ts'
import { classifyTag, isStable, parseVersionTag, type VersionReading } from '../semver/version.ts'
import type { TagSelector } from './tag-selector.ts'

/** A tag that a selector matches. */
export interface TagMatch {
  /** the named groups of a regular expression */
  readonly groups: Readonly<Record<string, string>>
}

/**
 * The pre-releases that a range selects if it was not parsed with all of them: `none`, as in
 * retention rules, which delete; `named`, those of a version of which the range names a pre-release
 * (`isInRange`), as in sync rules, which copy.
 */
export type RangePreReleases = 'none' | 'named'

/**
 * Matches a whole tag; undefined if it does not match. A range that was parsed with pre-releases,
 * as in protections, also matches version-like tags: whether they are in the range is unknown, and
 * dray keeps what it cannot read.
 */
export function selectTag(
  selector: TagSelector | undefined,
  tag: string,
  reading: VersionReading,
  preReleases: RangePreReleases = 'none',
): TagMatch | undefined {
  if (selector === undefined) return noGroups
  const { exclude } = selector
  if (exclude !== undefined && selectTag(exclude, tag, reading, preReleases) !== undefined) return undefined
  switch (selector.kind) {
    case 'glob':
      return matchesAnyGlob(selector.globs, tag) ? noGroups : undefined
    case 'regex': {
      const groups = selector.regex.match(tag)
      return groups === undefined ? undefined : { groups }
    }
    case 'semver':
      return hasVersion(selector.range, tag, reading, preReleases) ? noGroups : undefined
  }
}

const noGroups: TagMatch = { groups: {} }

function hasVersion(
  range: VersionRange,
  tag: string,
  reading: VersionReading,
  preReleases: RangePreReleases,
): boolean {
  const { includePrerelease } = range
  const version = parseVersionTag(tag, reading)?.version
  if (version === undefined) return includePrerelease && classifyTag(tag, reading) === 'versionLike'
  const mayMatch = includePrerelease || preReleases === 'named' || isStable(version)
  return mayMatch && isInRange(version, range)
}

/** The parts of a rule that can read tags as versions. */
export interface CountedTags {
  /** undefined: every tag */
  readonly tags?: TagSelector
  /** named groups of the regular expression, or parts of the version */
  readonly groupBy?: readonly string[]
  readonly orderBy?: { readonly by: string }
}

/** Whether a rule reads tags as versions: to select, group or order them. */
export function isByVersion({ tags, groupBy = [], orderBy }: CountedTags): boolean {
  if (tags?.kind === 'semver' || tags?.exclude?.kind === 'semver' || orderBy?.by === 'version') return true
  const named = tags?.kind === 'regex' ? tags.regex.groups : []
  return groupBy.some((name) => versionGroups.includes(name) && !named.includes(name))
}

/**
 * Matches a version-like tag that a rule by version cannot read, and therefore keeps. Undefined for
 * any other tag, and if the rule does not select it by anything else than versions.
 */
export function matchVersionLike(
  rule: CountedTags,
  tag: string,
  reading: VersionReading,
): TagMatch | undefined {
  if (!isByVersion(rule) || classifyTag(tag, reading) !== 'versionLike') return undefined
  return selectTag(withoutVersions(rule.tags), tag, reading)
}

/** Returns a selector without its conditions on versions; undefined selects every tag. */
function withoutVersions(selector: TagSelector | undefined): TagSelector | undefined {
  if (selector === undefined) return undefined
  const { exclude, ...own } = selector
  const base: TagSelector = own.kind === 'semver' ? { kind: 'glob', globs: ['*'] } : own
  return exclude === undefined || exclude.kind === 'semver' ? base : { ...base, exclude }
}

/** Describes a selector as it is written in `dray.yaml`. */
export function describeSelector(selector: TagSelector | undefined): string {
  if (selector === undefined) return 'every tag'
  const except = selector.exclude === undefined ? '' : ` except ${describeSelector(selector.exclude)}`
  switch (selector.kind) {
    case 'glob':
      return selector.globs.join(', ') + except
    case 'regex':
      return `regex ${selector.regex.source}${except}`
    case 'semver':
      return `semver ${selector.text}${except}`
  }
}
