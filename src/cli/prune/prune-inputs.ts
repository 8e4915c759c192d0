import { RecordedPuts } from '../../audit/query/recorded-puts.ts'
import type { Call } from '../../lib/call.ts'
import { RegistryNames } from '../../config/registry-names.ts'
import { formatWarnings } from '../../config/mistakes.ts'
import { findPolicy, retentionOf } from '../../config/retention/retention.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import type { PlannedChange } from '../changes/operation.ts'
import type { Context } from '../wiring/context.ts'
import { RetentionHistory } from './history/retention-history.ts'
import { InUseReader } from './images-in-use.ts'
import { RunInventories } from './inventory/run-inventories.ts'
import { KnownRepositories } from './known-repositories.ts'
import { RegistryMemory } from './memory/registry-memory.ts'
import { planPrune, type PruneInputs } from './prune-run.ts'
import { resolveScope } from './prune-scope.ts'
import type { PruneTypes } from './prune-types.ts'
import { PruneState } from './prune-state.ts'
import { parseShard } from '../arguments/shard.ts'

/** The arguments and options of a prune. */
export interface PruneArguments {
  readonly patterns: readonly string[]
  readonly policy: string | undefined
  readonly exclude: readonly string[]
  readonly shard: string | undefined
  /** files, or `-` */
  readonly inUse: readonly string[]
  readonly cache: boolean
  readonly auditFile: string | undefined
}

/**
 * Everything that a plan depends on beside the repositories: the policy, the scope, the images in
 * use, and what earlier runs recorded. The images in use come first: if they cannot be read, dray
 * asks no registry.
 * @throws `usage`, `config`, and what the sources throw.
 */
export async function gatherPruneInputs(
  args: PruneArguments,
  context: Context,
  call: Call,
): Promise<PruneInputs> {
  const shard = args.shard === undefined ? undefined : parseShard(args.shard)
  const loaded = await context.config()
  const retention = findPolicy(retentionOf(loaded), args.policy, loaded.file)
  const inUseReader = new InUseReader(retention.protect, args.inUse, context)
  const inUse = await inUseReader.read(call)
  const scope = await resolveScope(
    retention,
    { patterns: args.patterns, exclude: args.exclude, ...(shard !== undefined && { shard }) },
    loaded.config,
    (...of) => context.repositories(...of),
    call,
  )
  const repositories = scope.repositories.map(({ repository }) => repository)
  return {
    retention,
    warnings: formatWarnings(loaded.name ?? '', retention.hiddenRules, 'rules that never decide'),
    scope,
    known: new KnownRepositories(loaded.config, retention, repositories),
    inUse,
    inUseReader,
    ...(await readEarlierRuns(args.auditFile, repositories, context)),
    inventories: new RunInventories(context),
    cache: args.cache ? await context.pruneCache(call) : undefined,
  }
}

/** Reads what earlier runs recorded about the repositories. @throws what the files throw. */
export async function readEarlierRuns(
  auditFile: string | undefined,
  repositories: readonly RepositoryName[],
  context: Context,
): Promise<Pick<PruneInputs, 'interrupted' | 'history' | 'memory'>> {
  const log = await context.auditPath(auditFile)
  return {
    interrupted: await new PruneState(log, context.clock).interruptedRuns(),
    history: await RetentionHistory.open(auditFile, repositories, context),
    memory: await RegistryMemory.read(log),
  }
}

/** Reads the repositories and plans what to delete. @throws as `gatherPruneInputs`. */
export async function planDeletes(
  args: PruneArguments,
  context: Context,
  call: Call,
): Promise<PlannedChange<PruneTypes>> {
  const inputs = await gatherPruneInputs(args, context, call)
  const recordedPuts = await beginRecordedPuts(args.auditFile, context)
  const { plan, warnings, readAt } = await planPrune(inputs, context, call)
  // The findings stay until the end of the run, the inputs do not.
  const { cache, interrupted, inUseReader, known, scope } = inputs
  const findings = {
    readAt,
    contents: cache?.contents,
    recordedPuts,
    readInUse: () => inUseReader.readUsed(known, call),
    resumed: interrupted.runsWithin(scope.repositories.map(({ repository }) => repository)),
  }
  return { plan, review: async () => ({ findings, startedAt: readAt, warnings, omissions: [] }) }
}

/** Begins to follow what other runs put into repositories, before any of those is read. */
export async function beginRecordedPuts(
  auditFile: string | undefined,
  context: Context,
): Promise<RecordedPuts> {
  const names = new RegistryNames((await context.config()).config.registries)
  const puts = new RecordedPuts(await context.auditPath(auditFile), (one) => names.identity(one))
  await puts.begin()
  return puts
}
