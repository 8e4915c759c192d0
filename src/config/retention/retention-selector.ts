import { LinearRegExp } from '../../lib/linear-regexp.ts'
import { fitsSomeTag } from '../../oci/tag-glob.ts'
import { includesSelector, type TagSelector } from '../../selectors/tag-selector.ts'
import { isSatisfiable, parseRange } from '../../semver/range/range.ts'
import { findProblem } from '../check/find-problem.ts'
import { namesPreRelease } from './range-releases.ts'
import type { WrittenSelector } from '../schema/schema-retention.ts'
import type { Path } from '../key-path.ts'
import type { Issue } from '../shape.ts'

/**
 * Whether dray keeps or deletes the selected tags. A range includes pre-releases if its versions
 * are kept, and does not if they are deleted. The exceptions of a protection may be deleted, and
 * those of a rule are kept. A sync rule copies them (`copy`): its ranges and their exceptions
 * include a pre-release only if they name one of its version, like the range of a retention rule.
 */
export type SelectorUse = 'keep' | 'delete' | 'copy'

const useOfExceptions: Readonly<Record<SelectorUse, SelectorUse>> = {
  keep: 'delete',
  delete: 'keep',
  copy: 'copy',
}

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
  const { exclude } = written
  if (exclude === undefined) return parseMap(written, use, path, issues)
  const except = parseSelector(exclude, useOfExceptions[use], [...path, 'exclude'], issues)
  const selected = hasSelector(written) ? parseMap(written, use, path, issues) : everyTag
  if (selected === undefined || except === undefined) return undefined
  if (includesSelector([except], selected)) {
    const message = 'it excludes everything: no tag is selected'
    issues.push({ path: [...path, 'exclude'], at: 'value', message })
    return undefined
  }
  return { ...selected, exclude: except }
}

/** The selection of a map that has only `exclude`. */
const everyTag: TagSelector = { kind: 'glob', globs: ['*'] }

type WrittenMap = Exclude<WrittenSelector, readonly string[]>

function hasSelector(written: WrittenMap): boolean {
  return selectorKeys.some((key) => written[key] !== undefined)
}

function parseMap(
  written: WrittenMap,
  use: SelectorUse,
  path: Path,
  issues: Issue[],
): TagSelector | undefined {
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
  return { kind: 'semver', range: parseRange(text, { includePrerelease: use === 'keep' }), text: text.trim() }
}

function emptyRange(text: string, use: SelectorUse): string | undefined {
  const quoted = JSON.stringify(text)
  if (!isSatisfiable(parseRange(text, { includePrerelease: true }))) return `${quoted} matches no version`
  if (use === 'keep' || isSatisfiable(parseRange(text))) return undefined
  if (use === 'copy') {
    if (namesPreRelease(parseRange(text))) return undefined
    return `${quoted} matches only pre-releases, and does not name one: write a range such as >=1.5.0-rc.1`
  }
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
