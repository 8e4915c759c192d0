import type { ContentStore } from '../../images/cache/content-store.ts'
import type { Inventories } from '../../images/inventory/inventory.ts'
import type { Repositories } from '../../images/ports.ts'
import type { Call } from '../../lib/call.ts'
import { formatRepository } from '../../oci/reference.ts'
import { decide } from '../../usecases/sync/decide.ts'
import type { SyncDecision } from '../../usecases/sync/decision.ts'
import { gather } from '../../usecases/sync/gather.ts'
import type { SyncSnapshot, SyncTarget } from '../../usecases/sync/snapshot.ts'
import type { Context } from '../wiring/context.ts'
import type { UsedDigests } from './deletes/used-digests.ts'
import type { ExclusiveRepository } from './deletes/exclusive-repository.ts'
import type { SyncStates } from './state/sync-states.ts'
import type { ScopedSync } from './sync-scope.ts'
import type { SyncFlags } from './sync-types.ts'

export interface RepositoryReads {
  readonly context: Context
  readonly stores: Repositories
  readonly inventories: Inventories | undefined
  /** what earlier runs read, for the times of images */
  readonly contents: ContentStore | undefined
  readonly states: SyncStates
  /** the images in use at the destinations, by the protections of retention policies */
  readonly used: UsedDigests
  readonly flags: Pick<SyncFlags, 'evidence' | 'full' | 'overwrite-changed'>
}

export interface ComparedRepository {
  readonly snapshot: SyncSnapshot
  readonly decision: SyncDecision
  readonly destinations: readonly SyncTarget[]
}

/**
 * Reads one source repository of a rule and compares it with its destinations.
 * @throws if the source cannot be read; the reason of the signal.
 */
export async function readRepository(
  scoped: ScopedSync,
  { context, stores, inventories, contents, states, used, flags }: RepositoryReads,
  call: Call,
): Promise<ComparedRepository> {
  const rule = scoped.rule.name
  const destinations = await Promise.all(
    scoped.destinations.map(async (target): Promise<SyncTarget> => {
      const state = await states.read({ rule, repository: target.repository }, call)
      return { ...target, state, inUse: used(target.repository) }
    }),
  )
  const options = { clock: context.clock, evidence: flags.evidence, full: flags.full }
  const ports = { stores, inventories, contents }
  const snapshot = await gather({ ...scoped, destinations }, ports, options, call)
  await contents?.flush()
  const decision = decide(snapshot, { overwriteChanged: flags['overwrite-changed'] })
  return { snapshot, decision, destinations }
}

/** The destinations in which the rule may delete, with what decides about it. */
export function exclusiveOf(
  { request: { rule, source }, selection, sourceTags, destinations, unread }: SyncSnapshot,
  decision: SyncDecision,
  refused: ReadonlySet<string>,
): readonly ExclusiveRepository[] {
  if (rule.delete === undefined) return []
  const selected = new Set([
    ...selection.tags.map(({ tag }) => tag),
    ...selection.undecided,
    ...unread.keys(),
  ])
  return destinations.flatMap((destination, i): readonly ExclusiveRepository[] => {
    const [drift, state] = [decision.drift[i], decision.states[i]]
    if (destination.kind !== 'read' || drift === undefined || state === undefined) return []
    if (refused.has(formatRepository(drift.to))) return []
    return [{ rule, source, target: destination.target, drift, state, selected, sourceTags }]
  })
}
