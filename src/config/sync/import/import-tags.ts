import { LinearRegExp } from '../../../lib/linear-regexp.ts'
import { fitsSomeTag } from '../../../oci/tag-glob.ts'
import { findProblem } from '../../check/find-problem.ts'
import { parseSelector, parseVersions } from '../../retention/retention-selector.ts'
import { quoted, textsIn } from './imported-rule.ts'

/** The selectors of tags of an entry. */
export interface ImportedTags {
  /** undefined: all tags */
  readonly include?: readonly object[]
  readonly exclude?: object
}

/**
 * Converts the filters `tags` and `tagSets` of regsync. Its expressions match the whole tag.
 * Undefined if no tag can be selected without the parts that have no equivalent.
 */
export function importTagSets(
  sets: readonly Readonly<Record<string, unknown>>[],
  notes: string[],
): ImportedTags | undefined {
  const only = sets.length === 1
  const include = sets.flatMap((set): readonly object[] => {
    const [allow, deny, ranges] = [textsIn(set['allow']), textsIn(set['deny']), textsIn(set['semverRange'])]
    const exclude = only ? undefined : excludeOf(deny, notes)
    if (allow.length > 0 && ranges.length > 0)
      notes.push(
        '`semverRange` together with `allow` has no equivalent: the rule selects all tags of `allow`.',
      )
    if (allow.length > 0) return expressionsOf(allow, exclude, notes)
    if (ranges.length > 0) {
      if (deny.length > 0 && !only)
        notes.push('`deny` together with `semverRange` in `tagSets` has no equivalent.')
      return versionsOf(ranges.join(' || '), notes)
    }
    return [{ tags: { glob: '*', ...(exclude !== undefined && { exclude }) } }]
  })
  if (sets.length > 0 && include.length === 0) return undefined
  const exclude = only ? excludeOf(textsIn(sets[0]?.['deny']), notes) : undefined
  const isAll = sets.length === 0 || (only && JSON.stringify(include) === '[{"tags":{"glob":"*"}}]')
  return { ...(!isAll && { include }), ...(exclude !== undefined && { exclude }) }
}

/** Converts a constraint such as `>= 3.12.0, < 4` to an entry; none with a note if it cannot. */
export function versionsOf(constraint: string, notes: string[]): readonly object[] {
  const range = constraint
    .replaceAll(/\s*,\s*/g, ' ')
    .replaceAll(/([<>=~^])\s+/g, '$1')
    .replaceAll('=>', '>=')
    .replaceAll('=<', '<=')
  if (parseVersions(range, 'copy', [], []) !== undefined) return [{ semver: { range } }]
  notes.push(`the range ${quoted(constraint)} has no equivalent.`)
  return []
}

/** Converts expressions that match the whole tag. Names become a list. */
function expressionsOf(
  all: readonly string[],
  exclude: object | undefined,
  notes: string[],
): readonly object[] {
  const names = all.filter((text) => /^[\w-]+$/.test(text) && fitsSomeTag(text))
  const others = all.filter((text) => !names.includes(text)).filter((text) => isExpression(text, notes))
  const more = exclude === undefined ? {} : { exclude }
  const entries = [
    ...(names.length === 0 ? [] : [{ tags: exclude === undefined ? names : { glob: names, ...more } }]),
    ...others.map((regex) => ({ tags: { regex: withoutAnchors(regex), ...more } })),
  ]
  return entries.filter(({ tags }) => parseSelector(tags, 'copy', [], []) !== undefined)
}

function excludeOf(deny: readonly string[], notes: string[]): object | undefined {
  const valid = deny.filter((text) => isExpression(text, notes)).map(withoutAnchors)
  if (valid.length === 0) return undefined
  const regex = valid.length === 1 ? (valid[0] ?? '') : valid.map((text) => `(?:${text})`).join('|')
  return isExpression(regex, notes) ? { regex } : undefined
}

/** Converts an expression that matches any part of the tag, as skopeo's do. */
export function partialExpression(source: string, notes: string[]): readonly object[] {
  const whole = /^\^[^|]*\$$/.test(source) && !source.endsWith(String.raw`\$`)
  const regex = whole ? withoutAnchors(source) : `.*(?:${source}).*`
  return isExpression(regex, notes) ? [{ tags: { regex } }] : []
}

function withoutAnchors(source: string): string {
  if (source.includes('|')) return source
  const end = source.endsWith('$') && !source.endsWith(String.raw`\$`) ? -1 : undefined
  return source.slice(source.startsWith('^') ? 1 : 0, end)
}

function isExpression(source: string, notes: string[]): boolean {
  if (source !== '' && findProblem(() => LinearRegExp.parse(source)) === undefined) return true
  notes.push(`${quoted(source)} is not an expression that dray reads.`)
  return false
}
