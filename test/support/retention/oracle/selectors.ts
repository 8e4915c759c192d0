import type { SelectorData, TagsData } from '../policy-data.ts'
import { matchesAny } from './globs.ts'
import { isInRange } from './ranges.ts'
import { isVersionLike, type ReadingData, textOrderOf, versionOf } from './versions.ts'

export interface SelectionContext {
  readonly reading: ReadingData
  /** whether what the selector selects is kept: its ranges include pre-releases then */
  readonly isKept: boolean
}

/** Whether a selector selects a tag; undefined selects every tag. */
export function selects(tags: TagsData | undefined, tag: string, context: SelectionContext): boolean {
  if (tags === undefined) return true
  if (isGlobs(tags)) return matchesAny(tags, tag)
  const { exclude, ...selector } = tags
  if (!matches(selector, tag, context)) return false
  if (exclude === undefined) return true
  // An exception of a rule is kept, so its range includes pre-releases.
  const inverse = { ...context, isKept: !context.isKept }
  return isGlobs(exclude) ? !matchesAny(exclude, tag) : !matches(exclude, tag, inverse)
}

/** A map without `glob`, `regex` and `semver` selects every tag. */
function matches({ glob, regex, semver }: SelectorData, tag: string, context: SelectionContext): boolean {
  if (glob !== undefined) return matchesAny([glob].flat(), tag)
  if (regex !== undefined) return matchRegex(regex, tag) !== undefined
  if (semver === undefined) return true
  const version = versionOf(tag, context.reading)
  // Whether it is in the range is unknown, and dray keeps what it cannot read.
  if (version === undefined) return context.isKept && isVersionLike(tag, context.reading)
  return (
    (context.isKept || version.prerelease.length === 0) &&
    isInRange(version, semver, textOrderOf(context.reading))
  )
}

/** The named groups, if the regular expression matches the whole tag. */
export function matchRegex(
  pattern: string,
  tag: string,
): Readonly<Record<string, string | undefined>> | undefined {
  const found = new RegExp(`^(?:${pattern})$`, 's').exec(tag)
  return found === null ? undefined : (found.groups ?? {})
}

export function isGlobs(tags: TagsData | SelectorData): tags is readonly string[] {
  return Array.isArray(tags)
}
