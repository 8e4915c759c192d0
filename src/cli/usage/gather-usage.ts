import type { Call } from '../../lib/call.ts'
import { dayMs } from '../../lib/day.ts'
import { isDrayError, toDrayError } from '../../lib/errors.ts'
import { formatRepository } from '../../oci/reference.ts'
import type { PrunePlan } from '../../plan/prune/prune-plan.ts'
import { buildUsageReport } from '../../usecases/usage/build-report.ts'
import { recordOf } from '../../usecases/usage/growth/usage-record.ts'
import type { UsageRequest } from '../../usecases/usage/request.ts'
import type { UsageReport } from '../../usecases/usage/usage-report.ts'
import { RunInventories } from '../prune/inventory/run-inventories.ts'
import { expectToRead } from '../prune/prune-run.ts'
import type { PruneScope } from '../prune/prune-scope.ts'
import type { Context } from '../wiring/context.ts'
import { UsageHistoryFile } from './history-file.ts'
import { readRepositories } from './read-repositories.ts'
import { UsageNotes } from './usage-notes.ts'
import { UsagePlanner } from './usage-planner.ts'
import { resolveUsageScope } from './usage-scope.ts'
import { UsageStorages } from './usage-storages.ts'

/** The arguments and options that say what is read. */
export interface UsageArguments {
  readonly patterns: readonly string[]
  /** undefined: the only one */
  readonly policy: string | undefined
  /** prune's planner decides what the policy would delete */
  readonly isWhatIf: boolean
  /** files, or `-` */
  readonly inUse: readonly string[]
  readonly cache: boolean
  readonly auditFile: string | undefined
}

export interface GatheredReport {
  readonly report: UsageReport
  /** of `isWhatIf`: the plan whose deletes are in the report */
  readonly plan?: PrunePlan
  /** of that plan */
  readonly warnings: readonly string[]
}

/**
 * Reads repositories and reports what they store. Adds today's sizes to the growth file. Sends only
 * GET and HEAD.
 * @throws `usage`, `config`, `interrupted`, and what the policy's sources throw for a what-if.
 */
export async function gatherUsageReport(
  args: UsageArguments,
  request: UsageRequest,
  context: Context,
  call: Call,
): Promise<GatheredReport> {
  const scope = await resolveUsageScope(args.patterns, context, call)
  const notes = new UsageNotes()
  if (scope.unmatched.length > 0) notes.addUnmatched(scope.unmatched)
  const planner = await openPlanner(args, request, scope, notes, context, call)
  const file = new UsageHistoryFile(context.env, context.clock)
  const { records, notes: historyNotes } = await file.read()
  for (const note of historyNotes) notes.add(note)
  const now = context.clock.now()
  const { config } = await context.config()
  const storages = new UsageStorages(config)
  await expectToRead(scope, context)
  const { contents, unreachable } = await readRepositories(
    scope.repositories,
    {
      stores: await context.stores(),
      inventories: new RunInventories(context),
      planner,
      cache: args.cache ? await context.pruneCache(call) : undefined,
      storages,
      clock: context.clock,
      notes,
      since: now - request.sinceDays * dayMs,
    },
    call,
  )
  const planned = args.isWhatIf ? planner?.finish() : undefined
  const facts = {
    now,
    storages: storages.divide(contents),
    unreachable,
    vendors: await findVendors(scope, context),
    records,
    ...(planned !== undefined && { policy: planned.facts }),
  }
  const report = buildUsageReport({ ...facts, notes: notes.all }, request)
  const known = new Set(records.map(({ repository }) => repository))
  const today = report.repositories
    .map((one) => recordOf(one, now))
    .filter(({ manifests, repository }) => manifests > 0 || known.has(repository))
  // A run that reached its time limit only shows what it read until then.
  const unsaved = call.signal.aborted ? [] : await file.add(today, call)
  return {
    report: { ...report, notes: [...report.notes, ...unsaved] },
    ...(planned !== undefined && { plan: planned.plan }),
    warnings: planned?.warnings ?? [],
  }
}

/** The registries that have an inventory. Sends no request. @throws `config`. */
async function findVendors({ repositories }: PruneScope, context: Context): Promise<ReadonlySet<string>> {
  const found = new Set<string>()
  for (const registry of new Set(repositories.map((one) => one.repository.registry)))
    if ((await context.inventory(registry)) !== undefined) found.add(registry)
  return found
}

/**
 * The planner of `--policy`. With `--not-pulled` alone, the protections of the only policy explain
 * why images are kept; if they cannot be read, the report says so.
 */
async function openPlanner(
  args: UsageArguments,
  { notPulledFor }: UsageRequest,
  scope: PruneScope,
  notes: UsageNotes,
  context: Context,
  call: Call,
): Promise<UsagePlanner | undefined> {
  const { policy, inUse, cache, auditFile, isWhatIf } = args
  const patterns = scope.repositories.map(({ repository }) => formatRepository(repository))
  if (!isWhatIf && notPulledFor === undefined) return undefined
  const [{ findPolicy, retentionOf }, loaded] = await Promise.all([
    import('../../config/retention/retention.ts'),
    context.config(),
  ])
  const policies = retentionOf(loaded)
  // A planner without patterns would read all repositories of the policy.
  if (isWhatIf && patterns.length === 0) findPolicy(policies, policy, loaded.file)
  if (patterns.length === 0) return undefined
  const open = (): Promise<UsagePlanner> =>
    UsagePlanner.open({ patterns, policy, inUse, cache, auditFile }, isWhatIf, context, call)
  if (isWhatIf) return await open()
  if (policies.length === 0) return undefined
  if (policies.length > 1) {
    notes.add('dray.yaml has several retention policies. Pass --policy to see why unpulled images are kept.')
    return undefined
  }
  try {
    return await open()
  } catch (error) {
    call.signal.throwIfAborted()
    if (!isDrayError(error)) throw error
    const { message } = toDrayError(error)
    notes.add(`It is unknown which unpulled images are in use or protected: ${message}.`)
    return undefined
  }
}
