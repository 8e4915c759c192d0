import type { Call } from '../../lib/call.ts'
import { policyNamed, retentionOf } from '../../config/retention/retention.ts'
import { InUseReader } from './images-in-use.ts'
import type { Context } from '../wiring/context.ts'
import { KnownRepositories } from './known-repositories.ts'
import type { PruneInputs } from './prune-run.ts'
import { resolveScope } from './prune-scope.ts'
import { PruneState } from './prune-state.ts'
import { parseShard } from './shard.ts'

export interface PruneSaid {
  readonly words: readonly string[]
  readonly policy: string | undefined
  readonly exclude: readonly string[]
  readonly shard: string | undefined
  /** files, or `-` */
  readonly inUse: readonly string[]
  readonly cache: boolean
  readonly auditFile: string | undefined
}

/**
 * All that a plan rests on beside the repositories: the policy, which repositories, what runs, and what earlier runs have left. What runs is read first:
 * where that cannot be told, nothing is asked of a registry. @throws `usage`, `config`, and what the sources throw.
 */
export async function pruneInputs(said: PruneSaid, context: Context, call: Call): Promise<PruneInputs> {
  const shard = said.shard === undefined ? undefined : parseShard(said.shard)
  const loaded = await context.config()
  const retention = policyNamed(retentionOf(loaded), said.policy)
  const inUseReader = new InUseReader(retention.protect, said.inUse, context)
  const inUse = await inUseReader.read(call)
  const scope = await resolveScope(
    retention,
    { words: said.words, exclude: said.exclude, ...(shard !== undefined && { shard }) },
    loaded.config,
    (registry, c) => context.repositories(registry, c),
    call,
  )
  const state = new PruneState(await context.auditPath(said.auditFile), context.clock)
  return {
    retention,
    scope,
    known: new KnownRepositories(
      loaded.config,
      retention,
      scope.repositories.map(({ repository }) => repository),
    ),
    inUse,
    inUseReader,
    interrupted: await state.interruptedRuns(),
    cache: said.cache ? await context.pruneCache(call) : undefined,
  }
}
