import { lineOf } from '../semver/line.ts'
import { parseVersionTag, type VersionReading } from '../semver/version.ts'
import type { CountedTags, TagMatch } from './select-tag.ts'

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
  { groupBy = [] }: Pick<CountedTags, 'groupBy'>,
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
