import { hasWildcard } from '../../../oci/tag-glob.ts'
import { matchVersion, readingOfSelection } from '../../../selectors/select-versions.ts'
import { selectTag } from '../../../selectors/select-tag.ts'
import { includesSelector, type TagSelector } from '../../../selectors/tag-selector.ts'
import { isSatisfiable, type VersionRange } from '../../../semver/range/range.ts'
import { plainReading, type VersionReading } from '../../../semver/version.ts'
import type { Config } from '../../config.ts'
import { namesPreRelease } from '../../retention/range-releases.ts'
import { readingIn } from '../../settings/version-reading.ts'
import type { SyncRule, SyncSelector } from '../sync-rule.ts'
import { type ComparisonBudget, TextSet } from './text-set.ts'

/** The tags that a rule selects, for comparisons with other rules. */
export interface SelectedTags {
  readonly parts: readonly TagPart[]
  readonly exclude: readonly TagSelector[]
  /** the ways in which its tags may be read as versions */
  readonly readings: readonly VersionReading[]
}

/** A glob, an expression or a range of an entry of `include`. */
interface TagPart {
  readonly entry: Pick<SyncSelector, 'tags' | 'variant'>
  /** the only tag that it can select */
  readonly plain?: string
  /** all tags that it can select, and perhaps others */
  readonly sets: readonly TextSet[]
}

export function selectedTags(rule: SyncRule, config: Config): SelectedTags {
  const readings = readingsOf(rule, config)
  const entries: readonly TagPart['entry'][] =
    rule.include.length === 0 ? [{ tags: { kind: 'glob', globs: ['*'] } }] : rule.include
  return { parts: entries.flatMap((entry) => partsOf(entry, readings)), exclude: rule.exclude, readings }
}

/**
 * Returns a tag or a description of tags that two rules can both select. Undefined if that is
 * impossible by the texts of both rules: regular expressions can have a tag in common unless the
 * text that they begin with differs or a rule excludes the expression of the other.
 */
export function findCommonTag(
  a: SelectedTags,
  b: SelectedTags,
  budget: ComparisonBudget,
): string | undefined {
  for (const one of a.parts)
    for (const other of b.parts) {
      const plain = one.plain ?? other.plain
      if (!budget.spend(plain === undefined ? 1 : 10)) return undefined
      if (plain === undefined) {
        if (canMeet(one, other, { a, b }, budget)) return `tags such as ${describe(other)}`
      } else if (selects(one, a, plain) && selects(other, b, plain)) return `the tag ${plain}`
    }
  return undefined
}

/** Every environment counts, because a path can belong to one. */
function readingsOf({ reading }: SyncRule, config: Config): readonly VersionReading[] {
  const images = [undefined, ...(config.images?.keys() ?? [])]
  const ofEnvironments = [...config.environments.keys()].flatMap((environment) =>
    images.map((image) => readingIn(config, environment, image)),
  )
  const readings = [plainReading, ...ofEnvironments].map((one) => ({ ...one, ...reading }))
  return [...new Map(readings.map((one) => [JSON.stringify(one), one])).values()]
}

function partsOf(entry: TagPart['entry'], readings: readonly VersionReading[]): readonly TagPart[] {
  const { tags, variant } = entry
  if (tags.kind === 'glob')
    return tags.globs.map((glob) => ({
      entry: { tags: { ...tags, globs: [glob] } },
      ...(!hasWildcard(glob) && { plain: glob }),
      sets: [TextSet.ofTags(glob)],
    }))
  if (tags.kind === 'regex') return [{ entry, sets: [TextSet.beginningWith(beginningOf(tags.regex.source))] }]
  const variants = variant ?? [...new Set(readings.flatMap((one) => one.variants))]
  const suffixes = [
    ...(variant === undefined ? [''] : []),
    ...variants.map((glob) => `-${glob}`),
    ...(namesPreRelease(tags.range) ? ['-*'] : []),
    ...(readings.some(({ buildMetadata }) => buildMetadata) ? ['_*'] : []),
  ]
  return [{ entry, sets: suffixes.map((suffix) => TextSet.ofVersions(suffix)) }]
}

function selects({ entry }: TagPart, { exclude, readings }: SelectedTags, tag: string): boolean {
  return readings.some(
    (reading) =>
      matchVersion(entry, tag, readingOfSelection(entry, reading), 'named') !== undefined &&
      !exclude.some((one) => selectTag(one, tag, reading, 'named') !== undefined),
  )
}

/** Whether two parts without a plain tag can have a tag in common. */
function canMeet(
  one: TagPart,
  other: TagPart,
  rules: { readonly a: SelectedTags; readonly b: SelectedTags },
  budget: ComparisonBudget,
): boolean {
  const { tags: ofOne } = one.entry
  const { tags: ofOther } = other.entry
  const exclude = [...rules.a.exclude, ...rules.b.exclude]
  if (isExcluded(one, [...exclude, ofOther.exclude], rules)) return false
  if (isExcluded(other, [...exclude, ofOne.exclude], rules)) return false
  if (ofOne.kind === 'semver' && ofOther.kind === 'semver' && !rangesMeet(ofOne.range, ofOther.range))
    return false
  return one.sets.some((a) => other.sets.some((b) => a.meets(b, budget)))
}

/** Whether the exceptions of both rules have everything that a part selects. */
function isExcluded(
  { entry }: TagPart,
  exclude: readonly (TagSelector | undefined)[],
  { a, b }: { readonly a: SelectedTags; readonly b: SelectedTags },
): boolean {
  // Another reading or a variant can make a version of what is none for the exception.
  const isSameReading =
    entry.variant === undefined && JSON.stringify(a.readings) === JSON.stringify(b.readings)
  const certain = exclude
    .filter((one) => one !== undefined)
    .filter(({ kind }) => kind !== 'semver' || isSameReading)
  return includesSelector(certain, entry.tags)
}

function rangesMeet(a: VersionRange, b: VersionRange): boolean {
  const sets = a.sets.flatMap((one) => b.sets.map((other) => [...one, ...other]))
  const includePrerelease = namesPreRelease(a) || namesPreRelease(b)
  return isSatisfiable({ raw: `${a.raw} ${b.raw}`, includePrerelease, sets })
}

/** The text that every match of an expression begins with. */
function beginningOf(source: string): string {
  const [, literal = '', next = ''] = /^\^?([A-Za-z0-9_-]*)([^]?)/.exec(source) ?? []
  if (hasAlternative(source)) return ''
  // A quantifier is about the last character.
  return /[*+?{]/.test(next) ? literal.slice(0, -1) : literal
}

/** Whether an expression has `|` outside of groups. */
function hasAlternative(source: string): boolean {
  let depth = 0
  for (const [token] of source.matchAll(/\\Q.*?\\E|\\.|\[\]?(?:\[:\^?\w+:\]|\\.|[^\]])*\]|[^]/g)) {
    if (token === '(') depth++
    else if (token === ')') depth--
    else if (token === '|' && depth === 0) return true
  }
  return false
}

function describe({ entry: { tags, variant } }: TagPart): string {
  if (tags.kind === 'regex') return `/${tags.regex.source}/`
  if (tags.kind === 'glob') return tags.globs.join(', ')
  return variant === undefined ? tags.text : `${tags.text} of ${variant.join(', ')}`
}
