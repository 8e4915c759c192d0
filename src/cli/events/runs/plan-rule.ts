import type { PromoteOnEvent, SyncOnEvent, WatchRule } from '../../../config/watch/watch-config.ts'
import type { WatchRun } from '../../../usecases/watch/queue/watch-work.ts'
import type { ChangePorts } from '../../changes/operation.ts'
import type { ChangeFlags } from '../../command/change-flags.ts'
import type { EditFlags } from '../../gitops/git-request.ts'
import type { Context } from '../../wiring/context.ts'
import { parseImageSubject } from '../image-subject.ts'
import type { RuleFlags } from './rule-runner.ts'
import { allRepositories } from '../whole-rule.ts'

/** The longest reason in an audit record has 2000 characters. */
const maxNamedTags = 20

/** The flags of a run, and the function that plans and carries it out as the command does. */
interface RuleExecution {
  readonly flags: ChangeFlags
  readonly plan: (context: Context, ports: ChangePorts) => Promise<void>
}

/** @param tags that the source has */
export function planRule(
  rule: WatchRule,
  run: WatchRun,
  tags: readonly string[],
  flags: RuleFlags,
): RuleExecution {
  const change = changeFlagsOf(rule, run, tags, flags)
  return {
    flags: change,
    plan: (context, ports) =>
      rule.do === 'promote'
        ? promote(rule, run, { tags, change }, context, ports)
        : sync(rule, run, change, context, ports),
  }
}

/** The defaults of flags about copies. No event can override a rule. */
const copyFlags = {
  evidence: true,
  attest: undefined,
  'allow-missing-evidence': false,
  'evidence-conflict': 'refuse',
  verify: false,
} as const

async function promote(
  rule: PromoteOnEvent,
  run: WatchRun,
  { tags, change }: { readonly tags: readonly string[]; readonly change: ChangeFlags },
  context: Context,
  ports: ChangePorts,
): Promise<void> {
  const [{ planPromotion }, { carryOut }, { operationNamed }, { withForwardEdits }] = await Promise.all([
    import('../../changes/promotion.ts'),
    import('../../changes/carry-out.ts'),
    import('../../changes/operations.ts'),
    import('./forward-edits.ts'),
  ])
  const { environment } = parseImageSubject(run.subject)
  const references = tags.map((tag) => `${run.subject}:${tag}`)
  const flags = {
    ...change,
    ...copyFlags,
    from: environment,
    to: rule.to,
    tag: undefined,
    platform: undefined,
    'expect-digest': undefined,
    'move-tag': false,
    'override-gate': undefined,
    'scan-report': undefined,
  }
  const planned = await planPromotion('promote', references, flags, context, ports.reading)
  const withFiles = await withForwardEdits(planned, editFlags(rule), context, ports.reading)
  await carryOut(await operationNamed('promote', withFiles.plan), withFiles, ports)
}

/** The flags of `dray promote` for the key `gitops` of a rule. */
function editFlags({ gitops }: PromoteOnEvent): EditFlags {
  return {
    gitops: gitops !== false,
    commit: gitops === 'commit',
    push: gitops === 'push',
    pr: gitops === 'pullRequest',
  }
}

async function sync(
  rule: SyncOnEvent,
  run: WatchRun,
  change: ChangeFlags,
  context: Context,
  ports: ChangePorts,
): Promise<void> {
  const [{ planSync }, { carryOut }, { operationNamed }] = await Promise.all([
    import('../../sync/plan-sync.ts'),
    import('../../changes/carry-out.ts'),
    import('../../changes/operations.ts'),
  ])
  const flags = {
    ...change,
    ...copyFlags,
    rules: [rule.rule.name],
    ...(run.subject !== allRepositories && { only: run.subject }),
    'overwrite-changed': false,
    full: false,
    delete: false,
  }
  const planned = await planSync(flags, context, ports.reading)
  await carryOut(await operationNamed('sync'), planned, ports)
}

function changeFlagsOf(
  rule: WatchRule,
  run: WatchRun,
  tags: readonly string[],
  { 'dry-run': isDryRun, 'audit-file': auditFile }: RuleFlags,
): ChangeFlags {
  const [source = ''] = run.events.map((event) => event.source)
  const named = tags.slice(0, maxNamedTags).join(', ')
  const more = tags.length > maxNamedTags ? ` and ${tags.length - maxNamedTags} more` : ''
  const what = run.subject === allRepositories ? 'all repositories' : `${run.subject} ${named}${more}`
  return {
    yes: true,
    'dry-run': isDryRun,
    'detailed-exitcode': false,
    'audit-file': auditFile,
    reason: rule.reason ?? `rule ${rule.name}: ${what}`,
    ticket: rule.ticket,
    actor: `watch:${source}`,
    report: undefined,
  }
}
