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
 * Returns the group in which a rule counts a tag; undefined if the tag has none. Without `groupBy`,
 * all tags are in one group.
 */
export function findGroup({ groupBy }: Rule, tag: string, { groups }: TagMatch): string | undefined {
  if (groupBy === undefined) return ''
  const named = Object.hasOwn(groups, groupBy) ? groups[groupBy] : undefined
  if (named !== undefined) return named
  if (groupBy !== 'major' && groupBy !== 'minor') return undefined
  const version = parseVersionTag(tag, plainReading)?.version
  if (version === undefined) return undefined
  return groupBy === 'major' ? `${version.major}` : `${version.major}.${version.minor}`
}

/** Describes a selector as it is written in `dray.yaml`. */
export function describeSelector(selector: TagSelector | undefined): string {
  switch (selector?.kind) {
    case undefined:
      return 'every tag'
    case 'glob':
      return selector.globs.join(', ')
    case 'regex':
      return `regex ${selector.regex.source}`
    case 'semver':
      return `semver ${selector.text}`
  }
}
