import type { Config } from '../config.ts'
import { RegistryNames } from '../registry-names.ts'
import { ageOf } from '../retention/age.ts'
import type { WrittenConfig } from '../schema/schema.ts'
import type { WrittenWatch } from '../schema/schema-watch.ts'
import { namedTwice } from '../sections/named-entries.ts'
import type { KnownNames } from '../sections/sections.ts'
import type { Issue, ReportIssue } from '../shape.ts'
import { checkCycles, type CopyingRule } from '../sync/relations/check-cycles.ts'
import { flowsOf } from '../sync/relations/flows.ts'
import { ComparisonBudget } from '../sync/relations/text-set.ts'
import type { SyncRule } from '../sync/sync-rule.ts'
import { parseListenAddress } from './listen-address.ts'
import { readWatchRule } from './read-rule.ts'
import { readSource } from './read-source.ts'
import type { WatchConfig, WatchRule } from './watch-config.ts'

const defaultListen = '127.0.0.1:8730'
/** Steps of the comparison of rules. */
const maxSteps = 1_000_000
/** Milliseconds. A check sends requests for each rule and image. */
export const minEveryMs = 60_000

/** The parts of a file that the section can name. */
export interface WatchSurroundings {
  readonly written: WrittenConfig
  readonly config: Config
  readonly known: KnownNames
  /** absolute, of dray.yaml */
  readonly folder: string
  /** resolves a path that is relative to the file */
  readonly absolute: (path: string) => string
  readonly syncRules: readonly SyncRule[]
  /** false: parts of the section are missing, so that its rules cannot be compared */
  readonly isWhole?: boolean
}

/**
 * Checks the section `watch`. Returns it, and every mistake. Sources and rules with a mistake are
 * omitted. Import this file lazily: it loads the engines of regular expressions and of versions.
 */
export function checkWatch(
  section: WrittenWatch,
  surroundings: WatchSurroundings,
): { readonly watch: WatchConfig; readonly issues: readonly Issue[] } {
  const issues: Issue[] = []
  const report: ReportIssue = (path, message, at = 'value', needs = false) =>
    void issues.push({ path, at, message, ...(needs && { needs }) })
  const { written, config, absolute } = surroundings
  const names = new RegistryNames(config.registries)
  const sources = section.sources.map((one, i) =>
    readSource(one, ['watch', 'sources', i], { names, report, absolute }),
  )
  issues.push(...namedTwice(section.sources, ['watch', 'sources']))
  const context = {
    ...surroundings,
    issues,
    report,
    syncNames: (written.sync ?? []).map(({ name }) => name),
    withFiles: environmentsWithFiles(written),
  }
  const rules = section.rules.map((one, i) => readWatchRule(one, ['watch', 'rules', i], context))
  issues.push(...sameNames(rules))
  if (surroundings.isWhole !== false) issues.push(...cyclesIn(rules, config))
  const listen = parseListenAddress(section.listen ?? defaultListen)
  const metrics = section.metricsListen === undefined ? undefined : parseListenAddress(section.metricsListen)
  for (const key of ['listen', 'metricsListen'] as const)
    if (section[key] !== undefined && parseListenAddress(section[key]) === undefined)
      report(['watch', key], 'the port must be from 0 to 65535')
  const everyMs = readEvery(section.every, report)
  const watch: WatchConfig = {
    listen: listen ?? { host: '127.0.0.1', port: 0 },
    ...(metrics !== undefined && { metricsListen: metrics }),
    ...(section.journal !== undefined && { journal: absolute(section.journal) }),
    ...(everyMs !== undefined && { everyMs }),
    sources: sources.filter((one) => one !== undefined),
    rules: rules.filter((one) => one !== undefined),
  }
  return { watch, issues }
}

function environmentsWithFiles({ environments = {} }: WrittenConfig): ReadonlySet<string> {
  return new Set(Object.entries(environments).flatMap(([name, one]) => ('gitops' in one ? [name] : [])))
}

function readEvery(text: string | undefined, report: ReportIssue): number | undefined {
  if (text === undefined) return undefined
  const ms = ageOf(text, 'omit the key to check nothing without an event')
  const problem = typeof ms === 'string' ? ms : ms < minEveryMs ? 'must be at least 1m' : undefined
  if (problem !== undefined) report(['watch', 'every'], problem)
  return typeof ms === 'string' ? undefined : ms
}

/** Rules of one name: the journal and the metrics need different ones. */
function sameNames(rules: readonly (WatchRule | undefined)[]): readonly Issue[] {
  const seen = new Set<string>()
  return rules.flatMap((rule, i): readonly Issue[] => {
    if (rule === undefined) return []
    const isNew = !seen.has(rule.name)
    seen.add(rule.name)
    const message = `another rule has the name ${JSON.stringify(rule.name)}: give this one a \`name\``
    return isNew ? [] : [{ path: ['watch', 'rules', i], at: 'value', message }]
  })
}

/** Finds rules whose copies start each other without end. */
function cyclesIn(rules: readonly (WatchRule | undefined)[], config: Config): readonly Issue[] {
  const copying = rules.flatMap((rule, index): readonly CopyingRule[] =>
    rule === undefined
      ? []
      : [{ index, rule, flows: copiesOf(rule).flatMap((one) => flowsOf(one, index, config)) }],
  )
  return checkCycles(copying, new ComparisonBudget(maxSteps), ['watch', 'rules'])
}

/** The sync rules that copy from and to the same repositories. */
function copiesOf(rule: WatchRule): readonly SyncRule[] {
  if (rule.do === 'sync') return [rule.rule]
  return rule.on.flatMap(({ in: scope, glob, isPlain, regex }): readonly SyncRule[] => {
    if (scope.kind === 'registry') return []
    return [
      {
        name: rule.name,
        from: scope,
        repositories: [{ text: glob, isPlain, regex }],
        to: [{ kind: 'environment', environment: rule.to }],
        include: [],
        exclude: [],
        movedTags: 'follow',
        reading: {},
        timeFrom: [],
        gates: [],
        optional: true,
        hash: '',
      },
    ]
  })
}
