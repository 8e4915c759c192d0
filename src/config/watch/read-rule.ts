import type { RepositoryPattern } from '../../selectors/repository-pattern.ts'
import { noEnvironment, unknownName } from '../check/unknown-name.ts'
import type { Config } from '../config.ts'
import type { Path } from '../key-path.ts'
import { repositoriesIn } from '../retention/retention-repositories.ts'
import { parseSelector } from '../retention/retention-selector.ts'
import type { WrittenWatchRule } from '../schema/schema-watch.ts'
import type { KnownNames } from '../sections/sections.ts'
import type { Issue, ReportIssue } from '../shape.ts'
import type { SyncRule } from '../sync/sync-rule.ts'
import type { PromoteOnEvent, SyncOnEvent, WatchRule } from './watch-config.ts'

export interface WatchRuleContext {
  readonly config: Config
  readonly known: KnownNames
  /** absolute, of dray.yaml */
  readonly folder: string
  readonly issues: Issue[]
  readonly report: ReportIssue
  /** the rules of the section `sync` */
  readonly syncRules: readonly SyncRule[]
  /** the names in the section `sync`, also of rules with mistakes */
  readonly syncNames: readonly string[]
  /** the environments with deployment files */
  readonly withFiles: ReadonlySet<string>
}

/** The keys that only one kind of rule has. */
const keysOf = { promote: ['to', 'gitops'], sync: ['rule'] } as const

/** Parses a rule; undefined if it has a mistake, which is reported. */
export function readWatchRule(
  written: WrittenWatchRule,
  path: Path,
  context: WatchRuleContext,
): WatchRule | undefined {
  const before = context.issues.length
  const other = written.do === 'promote' ? 'sync' : 'promote'
  for (const key of keysOf[other])
    if (written[key] !== undefined)
      context.report([...path, key], `\`${key}\` is for rules that ${other}`, 'key')
  const rule =
    written.do === 'promote' ? readPromotion(written, path, context) : readSync(written, path, context)
  return context.issues.length > before ? undefined : rule
}

function readPromotion(
  written: WrittenWatchRule,
  path: Path,
  context: WatchRuleContext,
): PromoteOnEvent | undefined {
  const { report } = context
  const { to } = written
  const gitops = written.gitops === true ? 'edit' : (written.gitops ?? false)
  const on = readOn(written.on, path, context)
  const tags = readTags(written.tags, path, context)
  if (on === undefined)
    report(path, 'a rule that promotes needs `on`: images of an environment', 'value', true)
  if (written.tags === undefined)
    report(path, 'a rule that promotes needs `tags`: the tags to promote', 'value', true)
  if (to === undefined) report(path, 'a rule that promotes needs `to`: an environment', 'value', true)
  if (on === undefined || tags === undefined || to === undefined) return undefined
  checkDestination(to, on, path, context)
  if (gitops !== false && context.config.environments.has(to) && !context.withFiles.has(to))
    report([...path, 'gitops'], `the environment ${to} has no deployment files: add \`gitops\` to it`)
  return { ...common(written, `${textOf(on)} -> ${to}`), do: 'promote', on, tags, to, gitops }
}

function readSync(written: WrittenWatchRule, path: Path, context: WatchRuleContext): SyncOnEvent | undefined {
  const { report, syncRules, syncNames } = context
  const { rule: name } = written
  const on = readOn(written.on, path, context)
  const tags = readTags(written.tags, path, context)
  if (name === undefined) {
    report(path, 'a rule that syncs needs `rule`: the name of a sync rule', 'value', true)
    return undefined
  }
  if (!syncNames.includes(name)) report([...path, 'rule'], unknownName('sync rule', name, syncNames))
  const rule = syncRules.find((one) => one.name === name)
  if (rule === undefined) return undefined
  if (rule.from.kind === 'layout') {
    report([...path, 'rule'], `the sync rule ${name} reads an image layout, which has no events`)
    return undefined
  }
  const own = on === undefined ? `sync ${name}` : `${textOf(on)} -> sync ${name}`
  return {
    ...common(written, own),
    do: 'sync',
    rule,
    ...(on !== undefined && { on }),
    ...(tags !== undefined && { tags }),
  }
}

function common(
  { name, reason, ticket }: WrittenWatchRule,
  own: string,
): Pick<WatchRule, 'name' | 'reason' | 'ticket'> {
  return {
    name: name ?? own,
    ...(reason !== undefined && { reason }),
    ...(ticket !== undefined && { ticket }),
  }
}

function textOf(on: readonly RepositoryPattern[]): string {
  return on.map(({ text }) => text).join(', ')
}

function readOn(
  written: WrittenWatchRule['on'],
  path: Path,
  context: WatchRuleContext,
): readonly RepositoryPattern[] | undefined {
  if (written === undefined) return undefined
  const at = [...path, 'on']
  const texts = typeof written === 'string' ? [written] : written
  // The path of a single text has no index.
  const issues: Issue[] = []
  const found = repositoriesIn(texts, { ...context, issues }, at) ?? []
  context.issues.push(
    ...issues.map((issue) => (typeof written === 'string' ? { ...issue, path: at } : issue)),
  )
  for (const [i, { in: scope, glob, isPlain, text }] of found.entries()) {
    const own = typeof written === 'string' ? at : [...at, i]
    const { images } = context.config
    if (scope.kind === 'registry')
      context.report(own, `${text} is not in an environment: write one such as @staging/*`)
    else if (isPlain && images !== undefined && !images.has(glob))
      context.report(own, unknownName('image', glob, context.known.images))
  }
  return found
}

function readTags(
  written: WrittenWatchRule['tags'],
  path: Path,
  { issues }: WatchRuleContext,
): PromoteOnEvent['tags'] | undefined {
  return written === undefined ? undefined : parseSelector(written, 'copy', [...path, 'tags'], issues)
}

/** Whether the environment exists and takes images from those of `on`. */
function checkDestination(
  to: string,
  on: readonly RepositoryPattern[],
  path: Path,
  { config, known, report }: WatchRuleContext,
): void {
  const environment = config.environments.get(to)
  if (environment === undefined) {
    report([...path, 'to'], noEnvironment(to, known.environments))
    return
  }
  const from = new Set(
    on.flatMap(({ in: scope }) => (scope.kind === 'environment' ? [scope.environment] : [])),
  )
  for (const name of from) {
    const { promoteFrom } = environment
    if (name === to) report([...path, 'to'], `${to} cannot be promoted from itself`)
    else if (promoteFrom !== undefined && !promoteFrom.includes(name))
      report(
        [...path, 'to'],
        `${to} does not take images from ${name}: its promoteFrom is ${promoteFrom.join(', ')}`,
      )
  }
}
