import type { Rule } from '../../../config/retention/policy.ts'
import type { TagSelector } from '../../../selectors/tag-selector.ts'
import { matchesGlob } from '../../../oci/tag-glob.ts'
import { isInRange } from '../../../semver/range.ts'
import { isStable, parseVersionTag, plainReading } from '../../../semver/version.ts'

/** A tag that a selector matches. */
export interface TagMatch {
  /** the named groups of a regular expression */
  readonly groups: Readonly<Record<string, string>>
}

/**
 * Matches a whole tag; undefined if it does not match. A range matches pre-releases only if it was
 * parsed with them, as in protections.
 */
export function selectTag(selector: TagSelector | undefined, tag: string): TagMatch | undefined {
  if (selector === undefined) return noGroups
  if (selector.exclude !== undefined && selectTag(selector.exclude, tag) !== undefined) return undefined
  switch (selector.kind) {
    case 'glob':
      return selector.globs.some((glob) => matchesGlob(glob, tag)) ? noGroups : undefined
    case 'regex': {
      const groups = selector.regex.match(tag)
      return groups === undefined ? undefined : { groups }
    }
    case 'semver': {
      const version = parseVersionTag(tag, plainReading)?.version
      const isMeant = version !== undefined && (selector.range.includePrerelease || isStable(version))
      return isMeant && isInRange(version, selector.range) ? noGroups : undefined
    }
  }
}

const noGroups: TagMatch = { groups: {} }

/**
 * Returns the group in which a rule counts a tag, which is the values of `groupBy`; undefined if
 * the tag lacks one. Without `groupBy`, all tags are in one group.
 */
export function findGroup({ groupBy = [] }: Rule, tag: string, { groups }: TagMatch): string | undefined {
  const values = groupBy.map((name) => (Object.hasOwn(groups, name) ? groups[name] : versionPart(name, tag)))
  const found = values.filter((value) => value !== undefined)
  return found.length === values.length ? found.join(', ') : undefined
}

function versionPart(name: string, tag: string): string | undefined {
  const version = parseVersionTag(tag, plainReading)?.version
  if (version === undefined) return undefined
  const { major, minor, patch } = version
  const numbers = { major: [major], minor: [major, minor], patch: [major, minor, patch] }
  return name in numbers ? numbers[name as keyof typeof numbers].join('.') : undefined
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
