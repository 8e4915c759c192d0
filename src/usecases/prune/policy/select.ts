import type { Rule } from '../../../config/retention/policy.ts'
import type { TagSelector } from '../../../selectors/tag-selector.ts'
import { matchesAnyGlob } from '../../../oci/tag-glob.ts'
import { lineOf, versionGroups } from '../../../semver/line.ts'
import { isInRange, type VersionRange } from '../../../semver/range/range.ts'
import { classifyTag, isStable, parseVersionTag, type VersionReading } from '../../../semver/version.ts'

/** A tag that a selector matches. */
export interface TagMatch {
  /** the named groups of a regular expression */
  readonly groups: Readonly<Record<string, string>>
}

/**
 * Matches a whole tag; undefined if it does not match. A range matches pre-releases and
 * version-like tags only if it was parsed with pre-releases, as in protections: whether a
 * version-like tag is in a range is unknown, and dray keeps what it cannot read.
 */
export function selectTag(
  selector: TagSelector | undefined,
  tag: string,
  reading: VersionReading,
): TagMatch | undefined {
  if (selector === undefined) return noGroups
  const { exclude } = selector
  if (exclude !== undefined && selectTag(exclude, tag, reading) !== undefined) return undefined
  switch (selector.kind) {
    case 'glob':
      return matchesAnyGlob(selector.globs, tag) ? noGroups : undefined
    case 'regex': {
      const groups = selector.regex.match(tag)
      return groups === undefined ? undefined : { groups }
    }
    case 'semver':
      return hasVersion(selector.range, tag, reading) ? noGroups : undefined
  }
}

const noGroups: TagMatch = { groups: {} }

function hasVersion(range: VersionRange, tag: string, reading: VersionReading): boolean {
  const { includePrerelease } = range
  const version = parseVersionTag(tag, reading)?.version
  if (version === undefined) return includePrerelease && classifyTag(tag, reading) === 'versionLike'
  return (includePrerelease || isStable(version)) && isInRange(version, range)
}

/** Whether a rule reads tags as versions: to select, group or order them. */
export function isByVersion({ tags, groupBy = [], orderBy }: Rule): boolean {
  if (tags?.kind === 'semver' || tags?.exclude?.kind === 'semver' || orderBy.by === 'version') return true
  const named = tags?.kind === 'regex' ? tags.regex.groups : []
  return groupBy.some((name) => versionGroups.includes(name) && !named.includes(name))
}

/**
 * Matches a version-like tag that a rule by version cannot read, and therefore keeps. Undefined for
 * any other tag, and if the rule does not select it by anything else than versions.
 */
export function matchVersionLike(rule: Rule, tag: string, reading: VersionReading): TagMatch | undefined {
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

/** The group of a tag: a value for each name of `groupBy`. */
export type TagGroup = Readonly<Record<string, string>>

/** `number 12, variant (none)`; empty without groups. Equal groups have equal texts. */
export function formatGroup(group: TagGroup): string {
  return Object.entries(group)
    .map(([name, value]) => `${name} ${value === '' ? '(none)' : value}`)
    .join(', ')
}

/**
 * Returns the group in which a rule counts a tag, or the name of the first value that the tag does
 * not have. Without `groupBy`, all tags are in one group. A version without a variant has an empty
 * one.
 */
export function findGroup(
  { groupBy = [] }: Rule,
  tag: string,
  { groups }: TagMatch,
  reading: VersionReading,
): { readonly group: TagGroup } | { readonly missing: string } {
  const group: Record<string, string> = {}
  for (const name of groupBy) {
    const value = Object.hasOwn(groups, name) ? groups[name] : versionPart(name, tag, reading)
    if (value === undefined) return { missing: name }
    group[name] = value
  }
  return { group }
}

function versionPart(name: string, tag: string, reading: VersionReading): string | undefined {
  const version = parseVersionTag(tag, reading)?.version
  switch (name) {
    case 'major':
    case 'minor':
    case 'patch':
      return version && lineOf(version, name)
    case 'variant':
      return version?.variant
    default:
      return undefined
  }
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
