import { LinearRegExp } from '../../lib/linear-regexp.ts'
import { fitsSomeTag } from '../../oci/tag-glob.ts'
import type { TagSelector } from '../../selectors/tag-selector.ts'
import { isSatisfiable, parseRange } from '../../semver/range.ts'
import { findProblem } from '../check/find-problem.ts'
import type { WrittenSelector } from '../schema/schema-retention.ts'
import type { Issue, Path } from '../shape.ts'

/** The use of a selector: protections include pre-releases, rules never do. */
export type SelectorUse = 'protection' | 'rule'

const selectorKeys = ['glob', 'regex', 'semver'] as const
/** Syntax that only an engine with backtracking supports. */
const backtracking = /\(\?(?:[=!>]|<[=!])|\\[1-9]|\\k|[*+?}]\+/

/** Parses the selector of `tags`; undefined if it has a mistake, which is added to `issues`. */
export function parseSelector(
  written: WrittenSelector,
  use: SelectorUse,
  path: Path,
  issues: Issue[],
): TagSelector | undefined {
  if (Array.isArray(written)) return parseGlobs(written, path, issues)
  const { glob, regex, semver } = written
  const given = selectorKeys.filter((key) => written[key] !== undefined)
  if (given.length !== 1) {
    const message = 'must have one of `glob`, `regex` and `semver`'
    issues.push(
      given.length === 0
        ? { path, at: 'value', message, needs: true }
        : { path, at: 'value', message: `${message}, not several` },
    )
    return undefined
  }
  if (glob !== undefined) return parseGlobs(glob, [...path, 'glob'], issues)
  if (semver !== undefined) return parseVersions(semver, use, [...path, 'semver'], issues)
  return parseRegex(regex ?? '', [...path, 'regex'], issues)
}

/** Parses a range of versions as a selector; undefined as above. */
export function parseVersions(
  text: string,
  use: SelectorUse,
  path: Path,
  issues: Issue[],
): TagSelector | undefined {
  const complaint = findProblem(() => parseRange(text)) ?? emptyRange(text, use)
  if (complaint !== undefined) {
    issues.push({ path, at: 'value', message: complaint })
    return undefined
  }
  return { kind: 'semver', range: parseRange(text, { preReleases: use === 'protection' }), text: text.trim() }
}

function emptyRange(text: string, use: SelectorUse): string | undefined {
  const quoted = JSON.stringify(text)
  if (!isSatisfiable(parseRange(text, { preReleases: true }))) return `${quoted} matches no version`
  if (use === 'protection' || isSatisfiable(parseRange(text))) return undefined
  return `${quoted} matches only pre-releases, and the range of a rule never selects those: use \`regex\``
}

function parseGlobs(
  written: string | readonly string[],
  path: Path,
  issues: Issue[],
): TagSelector | undefined {
  const globs = typeof written === 'string' ? [written] : written
  const wrong = globs.flatMap((glob, i): Issue[] => {
    if (fitsSomeTag(glob)) return []
    const message = `${JSON.stringify(glob)} matches no tag: a glob consists of letters, digits, ".", "_", "-", "*" and "?"`
    const more = /[()[\]|+\\^$]/.test(glob) ? '; write a regular expression under `regex`' : ''
    const at = typeof written === 'string' ? path : [...path, i]
    return [{ path: at, at: 'value', message: message + more }]
  })
  issues.push(...wrong)
  return wrong.length === 0 ? { kind: 'glob', globs } : undefined
}

function parseRegex(source: string, path: Path, issues: Issue[]): TagSelector | undefined {
  const complaint = findProblem(() => LinearRegExp.parse(source))
  if (complaint === undefined) return { kind: 'regex', regex: LinearRegExp.parse(source) }
  const more = backtracking.test(source)
    ? '; RE2 has no look-around, back references or possessive quantifiers'
    : ''
  issues.push({ path, at: 'value', message: complaint + more })
  return undefined
}
