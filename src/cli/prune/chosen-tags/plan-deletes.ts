import type { Protection } from '../../../config/retention/policy.ts'
import { retentionOf } from '../../../config/retention/retention.ts'
import type { Call } from '../../../lib/call.ts'
import { formatRepository, type RepositoryName } from '../../../oci/reference.ts'
import type { PrunePlan, PruneRefusal } from '../../../plan/prune/prune-plan.ts'
import type { Context } from '../../wiring/context.ts'
import { InUseReader } from '../images-in-use.ts'
import { RunInventories } from '../inventory/run-inventories.ts'
import { KnownRepositories } from '../known-repositories.ts'
import { beginRecordedPuts, readEarlierRuns } from '../prune-inputs.ts'
import { planPrune, type PruneInputs } from '../prune-run.ts'
import type { PruneFindings } from '../prune-types.ts'
import { type ChosenTags, deletePolicy, protectionsOf, scopeOfDeletes } from './delete-policy.ts'

export interface DeletesOptions {
  readonly auditFile: string | undefined
  /** use what earlier runs read */
  readonly cache: boolean
  /** lists of images in use, in addition to those of protections */
  readonly inUse?: readonly string[]
}

export interface PlannedTagDeletes {
  readonly plan: PrunePlan
  readonly findings: PruneFindings
  readonly warnings: readonly string[]
}

/**
 * Plans the deletes of chosen tags: a prune in which a rule for each repository selects these tags.
 * Protections, holds, attached artifacts, shared digests and the limits of each choice apply as in
 * any prune. Only repositories with tags to delete are read.
 * @param named the policy of the whole plan
 * @param choose returns the tags; the records of this run begin before it reads them
 * @throws `config`, and what the sources of images in use throw.
 */
export async function planDeletes(
  named: { readonly policy: string; readonly policyName: string },
  choose: () => Promise<readonly ChosenTags[]>,
  options: DeletesOptions,
  context: Context,
  call: Call,
): Promise<PlannedTagDeletes> {
  const recordedPuts = await beginRecordedPuts(options.auditFile, context)
  const readAt = context.clock.now()
  const chosen = await choose()
  const names = chosen.flatMap(({ repositories }) => repositories.map(({ repository }) => repository))
  const { protect, shared } = await readForDeletes(names, options, context, call)
  const { config } = await context.config()
  const plans: PrunePlan[] = []
  const warnings: string[] = []
  for (const one of chosen) {
    const retention = deletePolicy(one, protect)
    const inputs = { ...shared, retention, scope: scopeOfDeletes(retention, one, config) }
    const planned = await planPrune(inputs, context, call)
    plans.push(ofOneChoice(planned.plan, one))
    warnings.push(...planned.warnings)
  }
  const { cache, interrupted, inUseReader, known, inUse } = shared
  return {
    plan: {
      schema: 'dray.plan/1',
      operation: 'prune',
      createdAt: new Date(context.clock.now()).toISOString(),
      tool: context.version,
      ...named,
      inUse: inUse.sources,
      repositories: plans.flatMap((plan) => plan.repositories),
      refusals: plans.flatMap(({ refusals }) => refusals),
    },
    findings: {
      readAt,
      contents: cache?.contents,
      recordedPuts,
      readInUse: () => inUseReader.readUsed(known, call),
      resumed: interrupted.runsWithin(names),
    },
    warnings: [...new Set(warnings)],
  }
}

/** The inputs that all choices share. */
export type SharedInputs = Omit<PruneInputs, 'retention' | 'scope'>

/**
 * Reads what a prune of these repositories needs in addition to their content: the protections, the
 * images in use and the records of earlier runs. Nothing is read without a repository.
 * @throws as `planDeletes`.
 */
export async function readForDeletes(
  names: readonly RepositoryName[],
  { auditFile, cache, inUse: lists = [] }: DeletesOptions,
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

/** A limit of one choice stops only the deletes of this choice. */
function ofOneChoice(plan: PrunePlan, { repositories }: ChosenTags): PrunePlan {
  const explained = new Map(repositories.map((one) => [formatRepository(one.repository), one.explain]))
  const refusals = plan.refusals.flatMap((refusal): readonly PruneRefusal[] =>
    refusal.repository === undefined
      ? plan.repositories.map(({ repository }) => ({ ...refusal, repository }))
      : [refusal],
  )
  return {
    ...plan,
    repositories: plan.repositories.map(
      (one) => explained.get(formatRepository(one.repository))?.(one) ?? one,
    ),
    refusals,
  }
}
