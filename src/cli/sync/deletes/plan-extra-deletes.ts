import type { Protection } from '../../../config/retention/policy.ts'
import { retentionOf } from '../../../config/retention/retention.ts'
import type { Call } from '../../../lib/call.ts'
import { digestOf } from '../../../oci/digest.ts'
import { formatRepository, type RepositoryName } from '../../../oci/reference.ts'
import type { PrunePlan, PruneRefusal } from '../../../plan/prune/prune-plan.ts'
import { InUseReader } from '../../prune/images-in-use.ts'
import { RunInventories } from '../../prune/inventory/run-inventories.ts'
import { KnownRepositories } from '../../prune/known-repositories.ts'
import { beginRecordedPuts, readEarlierRuns } from '../../prune/prune-inputs.ts'
import { planPrune, type PruneInputs } from '../../prune/prune-run.ts'
import type { PruneFindings } from '../../prune/prune-types.ts'
import type { Context } from '../../wiring/context.ts'
import { deletePolicy, policyNameOf, protectionsOf, scopeOfDeletes } from './delete-policy.ts'
import type { DeletableTags, ExclusiveRepository, HeldDeletes } from './exclusive-repository.ts'
import { findDeletable } from './find-deletable.ts'
import { withSyncReasons } from './sync-reasons.ts'

export interface ExtraDeletesOptions {
  readonly auditFile: string | undefined
  /** use what earlier runs read */
  readonly cache: boolean
  /** lists of images in use, in addition to those of protections */
  readonly inUse?: readonly string[]
}

export interface ExtraDeletes {
  readonly plan: PrunePlan
  readonly findings: PruneFindings
  readonly warnings: readonly string[]
  readonly held: readonly HeldDeletes[]
}

/**
 * Plans the deletes of the extra tags of exclusive destinations: a prune in which a rule for each
 * repository selects these tags. Protections, holds, attached artifacts, shared digests and the
 * limits of the sync rule apply as in any prune. It reads only repositories with tags to delete.
 * @throws `config`, and what the sources of images in use throw.
 */
export async function planExtraDeletes(
  repositories: readonly ExclusiveRepository[],
  options: ExtraDeletesOptions,
  context: Context,
  call: Call,
): Promise<ExtraDeletes> {
  const recordedPuts = await beginRecordedPuts(options.auditFile, context)
  const readAt = context.clock.now()
  const { deletable, held } = await findDeletableNow(repositories, context, call)
  const names = deletable.map(({ repository }) => repository.target.repository)
  const { protect, shared } = await readForDeletes(names, options, context, call)
  const { config } = await context.config()
  const plans: PrunePlan[] = []
  const warnings = held.map(
    ({ repository, reason }) => `${formatRepository(repository.target.repository)}: ${reason}`,
  )
  for (const [rule, those] of Map.groupBy(deletable, ({ repository }) => repository.rule)) {
    const retention = deletePolicy(rule, protect)
    const inputs = { ...shared, retention, scope: scopeOfDeletes(retention, those, config) }
    const planned = await planPrune(inputs, context, call)
    plans.push(ofOneRule(planned.plan, those))
    warnings.push(...planned.warnings)
  }
  const { cache, interrupted, inUseReader, known } = shared
  return {
    plan: combine(plans, repositories, shared, context),
    findings: {
      readAt,
      contents: cache?.contents,
      recordedPuts,
      readInUse: () => inUseReader.readUsed(known, call),
      resumed: interrupted.runsWithin(names),
    },
    warnings: [...new Set(warnings)],
    held,
  }
}

/** The extra tags of each repository that may be deleted now. @throws as `findDeletable`. */
export async function findDeletableNow(
  repositories: readonly ExclusiveRepository[],
  context: Context,
  call: Call,
): ReturnType<typeof findDeletable> {
  const stores = await context.stores()
  const ports = { source: (of: RepositoryName) => stores.source(of), now: context.clock.now() }
  return await findDeletable(repositories, ports, call)
}

/** The inputs that all rules share. */
export type SharedInputs = Omit<PruneInputs, 'retention' | 'scope'>

/**
 * Reads what a prune of these repositories needs beside their content: the protections, the images
 * in use and the records of earlier runs. Nothing is read without a repository.
 * @throws as `planExtraDeletes`.
 */
export async function readForDeletes(
  names: readonly RepositoryName[],
  { auditFile, cache, inUse: lists = [] }: ExtraDeletesOptions,
  context: Context,
  call: Call,
): Promise<{ readonly protect: readonly Protection[]; readonly shared: SharedInputs }> {
  const loaded = await context.config()
  const protect = names.length === 0 ? [] : protectionsOf(retentionOf(loaded))
  const inUseReader = new InUseReader(protect, names.length === 0 ? [] : lists, context)
  const shared: SharedInputs = {
    warnings: [],
    known: new KnownRepositories(loaded.config, { protect, rules: [] }, names),
    inUse: await inUseReader.read(call),
    inUseReader,
    ...(await readEarlierRuns(auditFile, names, context)),
    inventories: new RunInventories(context),
    cache: cache ? await context.pruneCache(call) : undefined,
  }
  return { protect, shared }
}

/** Names the rule and its reasons. A limit of one rule stops only the deletes of this rule. */
function ofOneRule(plan: PrunePlan, deletable: readonly DeletableTags[]): PrunePlan {
  const byName = new Map(
    deletable.map((one) => [formatRepository(one.repository.target.repository), one] as const),
  )
  const refusals = plan.refusals.flatMap((refusal): readonly PruneRefusal[] =>
    refusal.repository === undefined
      ? plan.repositories.map(({ repository }) => ({ ...refusal, repository }))
      : [refusal],
  )
  const repositories = plan.repositories.map((one) => {
    const found = byName.get(formatRepository(one.repository))
    return found === undefined ? one : withSyncReasons(one, found)
  })
  return { ...plan, repositories, refusals }
}

function combine(
  plans: readonly PrunePlan[],
  repositories: readonly ExclusiveRepository[],
  { inUse }: SharedInputs,
  { clock, version }: Context,
): PrunePlan {
  const rules = [...new Set(repositories.map(({ rule }) => rule))]
  return {
    schema: 'dray.plan/1',
    operation: 'prune',
    createdAt: new Date(clock.now()).toISOString(),
    tool: version,
    policy: hashOfRules(rules),
    policyName: policyNameOf(rules),
    inUse: inUse.sources,
    repositories: plans.flatMap((plan) => plan.repositories),
    refusals: plans.flatMap(({ refusals }) => refusals),
  }
}

/** The hash of the rules that delete, in any order. */
export function hashOfRules(rules: readonly ExclusiveRepository['rule'][]): string {
  return digestOf(JSON.stringify(rules.map(({ hash }) => hash).toSorted()))
}
