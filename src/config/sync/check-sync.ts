import type { Config } from '../config.ts'
import { RegistryNames } from '../registry-names.ts'
import type { WrittenSync } from '../schema/schema-sync.ts'
import type { KnownNames } from '../sections/sections.ts'
import { namedTwice } from '../sections/named-entries.ts'
import { regExpProblem } from '../sections/regexp-problem.ts'
import type { Issue, ReportIssue } from '../shape.ts'
import { readRule } from './read-rule.ts'
import type { SyncRule } from './sync-rule.ts'

/** The parts of a file that its sync rules can name. */
export interface SyncSurroundings {
  readonly config: Config
  readonly known: KnownNames
  /** resolves a path that is relative to the file */
  readonly absolute: (path: string) => string
  /** milliseconds since 1970 */
  readonly now: number
  /** false: parts of the section are missing, so that its rules cannot be compared */
  readonly isWhole?: boolean
}

/**
 * Checks the section `sync`. Returns its rules in the order of the file, and every mistake. A rule
 * with a mistake is omitted. Import this file lazily: it loads the engines of regular expressions
 * and of versions.
 */
export function checkSync(
  section: WrittenSync,
  surroundings: SyncSurroundings,
): { readonly rules: readonly SyncRule[]; readonly issues: readonly Issue[] } {
  const issues: Issue[] = []
  const report: ReportIssue = (path, message, at = 'value', needs = false) =>
    void issues.push({ path, at, message, ...(needs && { needs }) })
  const names = new RegistryNames(surroundings.config.registries)
  const context = { ...surroundings, names, issues, report, regExpProblem }
  const rules = section.map((written, i) => readRule(written, ['sync', i], context))
  issues.push(...namedTwice(section, ['sync']))
  return { rules: rules.filter((one) => one !== undefined), issues }
}
