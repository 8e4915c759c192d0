import type { Call } from '../../lib/call.ts'
import { toErrorInfo } from '../../lib/errors.ts'
import { formatRepository, sameRepository } from '../../oci/reference.ts'
import type { Placement, Plan } from '../../plan/plan.ts'
import type { RunOutcome } from '../../plan/outcome.ts'
import type { Digest } from '../../oci/digest.ts'
import { type DestinationState, platformsOfBoth } from '../../usecases/sync/sync-state.ts'
import { isPlaced } from '../changes/execute-placements.ts'
import type { SyncStates } from './state/sync-states.ts'
import type { PendingState } from './sync-types.ts'

/**
 * Writes the state of each destination for the next run, also after the first Ctrl-C: the next run
 * would otherwise take a tag of this one for a change of another client. A state that cannot be
 * written is a warning: the next run then only knows less.
 */
export async function recordStates(
  states: SyncStates,
  pending: readonly PendingState[],
  { plan, outcome }: { readonly plan: Plan; readonly outcome: RunOutcome },
  call: Call,
): Promise<void> {
  const placed = new Set(outcome.placements.filter(isPlaced).map(({ placement }) => placement))
  for (const { owner, before, after } of pending) {
    if (call.signal.aborted) return
    const here = plan.placements.filter(
      ({ rule, to }) => rule === owner.rule && sameRepository(to.repository, owner.repository),
    )
    const failed = here.filter(({ id }) => !placed.has(id))
    try {
      await states.write(owner, before, stateAfter(before, after, failed), call)
    } catch (error) {
      if (call.signal.aborted) return
      const name = formatRepository(owner.repository)
      const { message, why = 'unknown' } = toErrorInfo(error)
      call.notify({
        kind: 'warning',
        text: `the state of ${owner.rule} for ${name} is not saved: ${message}: ${why}`,
      })
    }
  }
}

/** The state to keep if some placements did not succeed: nothing is new about their tags. Pure. */
export function stateAfter(
  before: DestinationState,
  after: DestinationState,
  failed: readonly Pick<Placement, 'tags' | 'root'>[],
): DestinationState {
  if (failed.length === 0) return after
  const written = new Map(after.written)
  const searchedAt = new Map(after.childrenSearchedAt)
  for (const { tags, root } of failed) {
    for (const { tag } of tags) restore(written, before.written, tag)
    restore(searchedAt, before.childrenSearchedAt, root.digest)
  }
  const { succeededAt: _now, platforms: _copied, ...rest } = after
  const platforms = platformsOfBoth(after.platforms, before.platforms)
  return {
    ...rest,
    written,
    childrenSearchedAt: searchedAt,
    ...(platforms !== undefined && { platforms }),
    ...(before.succeededAt !== undefined && { succeededAt: before.succeededAt }),
  }
}

function restore<K, V>(map: Map<K, V>, before: ReadonlyMap<K, V>, key: K): void {
  const value = before.get(key)
  if (value === undefined) map.delete(key)
  else map.set(key, value)
}

/** The states after a saved plan, of which only the own tags are known. Pure. */
export function pendingOfPlan(
  placements: readonly Placement[],
  before: ReadonlyMap<string, DestinationState>,
): readonly PendingState[] {
  const byOwner = Map.groupBy(placements, ({ rule = '', to }) =>
    ownerKey(rule, formatRepository(to.repository)),
  )
  return [...byOwner].flatMap(([key, [first, ...more]]): readonly PendingState[] => {
    const state = before.get(key)
    if (first?.rule === undefined || state === undefined) return []
    const written = new Map<string, Digest>(state.written)
    let { platforms } = state
    for (const placement of [first, ...more]) {
      for (const { tag } of placement.tags) written.set(tag, placement.root.digest)
      platforms = platformsOfBoth(platforms, placement.platforms)
    }
    const owner = { rule: first.rule, repository: first.to.repository }
    const after = { ...state, written, ...(platforms !== undefined && { platforms }) }
    return [{ owner, before: state, after }]
  })
}

/** One text for a rule and a repository. */
export function ownerKey(rule: string, repository: string): string {
  return JSON.stringify([rule, repository])
}
