import { LinearRegExp } from '../../lib/linear-regexp.ts'
import { fitsSomeTag, includesGlob } from '../../oci/tag-glob.ts'
import { isSatisfiable, parseRange, type VersionRange } from '../../semver/range.ts'
import { complaintOf } from '../check/complaint.ts'
import type { WrittenSelector } from '../schema/schema-retention.ts'
import type { Issue, Path } from '../shape.ts'

/** Tags by their names. */
export type TagSelector =
  /** anchored; any of them */
  | { readonly kind: 'glob'; readonly globs: readonly string[] }
  | { readonly kind: 'regex'; readonly regex: LinearRegExp }
  /** of a protection, read so that it has all pre-releases between its bounds */
  | { readonly kind: 'semver'; readonly range: VersionRange; readonly text: string }

/** Whose selector it is: protections include pre-releases, rules never do. */
export type SelectorUse = 'protection' | 'rule'

const selectorKeys = ['glob', 'regex', 'semver'] as const
/** What only an engine that backtracks can do. */
const backtracking = /\(\?(?:[=!>]|<[=!])|\\[1-9]|\\k|[*+?}]\+/

/** What `tags` says; undefined where it has a mistake, which is added to `issues`. */
export function selectorOf(
  written: WrittenSelector,
  use: SelectorUse,
  path: Path,
  issues: Issue[],
): TagSelector | undefined {
  if (Array.isArray(written)) return globsOf(written, path, issues)
  const { glob, regex, semver } = written
  const given = selectorKeys.filter((key) => written[key] !== undefined)
  if (given.length !== 1) {
    const message = 'must have one of `glob`, `regex` and `semver`'
    issues.push({ path, at: 'value', message: given.length === 0 ? message : `${message}, not several` })
    return undefined
  }
  if (glob !== undefined) return globsOf(glob, [...path, 'glob'], issues)
  if (semver !== undefined) return versionsOf(semver, use, [...path, 'semver'], issues)
  return regexOf(regex ?? '', [...path, 'regex'], issues)
}

/** A range of versions as a selector. */
export function versionsOf(
  text: string,
  use: SelectorUse,
  path: Path,
  issues: Issue[],
): TagSelector | undefined {
  const complaint = complaintOf(() => parseRange(text)) ?? emptyRange(text, use)
  if (complaint !== undefined) {
    issues.push({ path, at: 'value', message: complaint })
    return undefined
  }
  return { kind: 'semver', range: parseRange(text, { preReleases: use === 'protection' }), text: text.trim() }
}

function emptyRange(text: string, use: SelectorUse): string | undefined {
  const quoted = JSON.stringify(text)
  if (!isSatisfiable(parseRange(text, { preReleases: true }))) return `${quoted} has no version in it`
  if (use === 'protection' || isSatisfiable(parseRange(text))) return undefined
  return `${quoted} has only pre-releases in it, and a range never selects those for deletion: write a regex`
}

function globsOf(written: string | readonly string[], path: Path, issues: Issue[]): TagSelector | undefined {
  const globs = typeof written === 'string' ? [written] : written
  const wrong = globs.flatMap((glob, i): Issue[] => {
    if (fitsSomeTag(glob)) return []
    const message = `${JSON.stringify(glob)} fits no tag: a glob has letters, digits, ".", "_", "-", "*" and "?"`
    const more = /[()[\]|+\\^$]/.test(glob) ? '; a regular expression stands under `regex`' : ''
    const at = typeof written === 'string' ? path : [...path, i]
    return [{ path: at, at: 'value', message: message + more }]
  })
  issues.push(...wrong)
  return wrong.length === 0 ? { kind: 'glob', globs } : undefined
}

function regexOf(source: string, path: Path, issues: Issue[]): TagSelector | undefined {
  const complaint = complaintOf(() => LinearRegExp.parse(source))
  if (complaint === undefined) return { kind: 'regex', regex: LinearRegExp.parse(source) }
  const more = backtracking.test(source)
    ? '; look-around, back references and possessive counts make an engine backtrack, and are left out'
    : ''
  issues.push({ path, at: 'value', message: complaint + more })
  return undefined
}

/** Whether every tag that `inner` selects is selected by one of `outer`, as far as can be told from their texts: true is sure. Undefined selects all. */
export function includesSelector(outer: readonly TagSelector[], inner: TagSelector | undefined): boolean {
  const globs = outer.flatMap((one) => (one.kind === 'glob' ? one.globs : []))
  if (globs.some((glob) => /^\*+$/.test(glob))) return true
  switch (inner?.kind) {
    case undefined:
      return false
    case 'glob':
      return inner.globs.every((own) => globs.some((glob) => includesGlob(glob, own)))
    case 'regex':
      return outer.some((one) => one.kind === 'regex' && one.regex.source === inner.regex.source)
    case 'semver':
      return outer.some((one) => one.kind === 'semver' && one.range.raw === inner.range.raw)
  }
}

/** As a person would say it: `latest, prod-*`. */
export function describeSelector(selector: TagSelector): string {
  switch (selector.kind) {
    case 'glob':
      return selector.globs.join(', ')
    case 'regex':
      return `/${selector.regex.source}/`
    case 'semver':
      return selector.text
  }
}
