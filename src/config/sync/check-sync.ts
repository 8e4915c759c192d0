import type { Config } from '../config.ts'
import { RegistryNames } from '../registry-names.ts'
import type { WrittenSync } from '../schema/schema-sync.ts'
import type { KnownNames } from '../sections/sections.ts'
import { namedTwice } from '../sections/named-entries.ts'
import { regExpProblem } from '../sections/regexp-problem.ts'
import type { Issue, ReportIssue } from '../shape.ts'
import { checkDestinations } from './check-destinations.ts'
import { readRule } from './read-rule.ts'
import { checkCycles } from './relations/check-cycles.ts'
import { checkWrites, type ComparedRule } from './relations/check-writes.ts'
import { flowsOf } from './relations/flows.ts'
import { selectedTags } from './relations/tag-overlap.ts'
import { ComparisonBudget } from './relations/text-set.ts'
import type { SyncRule } from './sync-rule.ts'

/** Steps of the comparisons of rules. They take about a second. */
const maxSteps = 4_000_000

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
  const rules = section.map((written, i) => {
    const path = ['sync', i]
    const rule = readRule(written, path, context)
    return rule !== undefined && checkDestinations(rule, written, path, context) ? rule : undefined
  })
  issues.push(...namedTwice(section, ['sync']))
  // A part that is missing can make a rule select more than it does.
  if (surroundings.isWhole !== false) issues.push(...compareRules(rules, surroundings.config))
  return { rules: rules.filter((one) => one !== undefined), issues }
}

/** Finds mistakes between rules. Those with mistakes of their own are skipped. */
function compareRules(rules: readonly (SyncRule | undefined)[], config: Config): readonly Issue[] {
  const compared = rules.flatMap((rule, index): readonly ComparedRule[] =>
    rule === undefined
      ? []
      : [{ index, rule, flows: flowsOf(rule, index, config), tags: selectedTags(rule, config) }],
  )
  const budget = new ComparisonBudget(maxSteps)
  const issues = [...checkWrites(compared, budget), ...checkCycles(compared, budget)]
  if (!budget.isSpent) return issues
  const message =
    'the rules have too many patterns to compare: name repositories without wildcards, or split the file'
  return [...issues, { path: ['sync'], at: 'key', message }]
}
