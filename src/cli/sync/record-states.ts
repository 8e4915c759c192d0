import type { Call } from '../../lib/call.ts'
import { toErrorInfo } from '../../lib/errors.ts'
import { formatRepository } from '../../oci/reference.ts'
import type { Placement, Plan } from '../../plan/plan.ts'
import type { RunOutcome } from '../../plan/outcome.ts'
import type { Digest } from '../../oci/digest.ts'
import { type DestinationState, platformsOfBoth } from '../../usecases/sync/sync-state.ts'
import { isPlaced } from '../changes/execute-placements.ts'
import type { SyncStates } from './state/sync-states.ts'
import type { PendingState } from './sync-types.ts'

/**
 * Saves what the run is about to write, so that the next run recognises it if this one is killed.
 * Writes only states of which tags move or platforms become fewer.
 * @returns the states for `recordStates`
 */
export async function beginStates(
  states: SyncStates,
  pending: readonly PendingState[],
  plan: Plan,
  call: Call,
): Promise<readonly PendingState[]> {
  const placementsOf = placementsByOwner(plan)
  const begun: PendingState[] = []
  for (const one of pending) {
    const before = stateDuring(one, placementsOf(one.owner))
    begun.push({ ...one, before })
    if (before !== one.before) await writeOrWarn(states, { ...one, after: before }, call)
  }
  return begun
}

/** The state while a run writes, or the given one if nothing of it needs to be known. Pure. */
export function stateDuring(
  { before, after }: Pick<PendingState, 'before' | 'after'>,
  placements: readonly Pick<Placement, 'tags' | 'root'>[],
): DestinationState {
  const moves = placements.flatMap(({ tags, root }) =>
    tags.flatMap(({ tag }) => {
      const known = before.written.get(tag)
      return known === undefined || known === root.digest ? [] : [[tag, root.digest] as const]
    }),
  )
  const platforms =
    placements.length === 0 ? before.platforms : platformsOfBoth(before.platforms, after.platforms)
  const isNarrower = platforms?.length !== before.platforms?.length
  if (moves.length === 0 && !isNarrower) return before
  const beingWritten = new Map(before.beingWritten)
  for (const [tag, digest] of moves)
    beingWritten.set(tag, [...new Set([...(beingWritten.get(tag) ?? []), digest])])
  return {
    ...before,
    ...(beingWritten.size > 0 && { beingWritten }),
    ...(platforms !== undefined && { platforms }),
  }
}

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
  const placementsOf = placementsByOwner(plan)
  for (const { owner, before, after } of pending) {
    if (call.signal.aborted) return
    const failed = placementsOf(owner).filter(({ id }) => !placed.has(id))
    await writeOrWarn(states, { owner, before, after: stateAfter(before, after, failed) }, call)
  }
}

function placementsByOwner({ placements }: Plan): (owner: PendingState['owner']) => readonly Placement[] {
  const byOwner = Map.groupBy(placements, ({ rule = '', to }) =>
    ownerKey(rule, formatRepository(to.repository)),
  )
  return ({ rule, repository }) => byOwner.get(ownerKey(rule, formatRepository(repository))) ?? []
}

async function writeOrWarn(
  states: SyncStates,
  { owner, before, after }: PendingState,
  call: Call,
): Promise<void> {
  try {
    await states.write(owner, before, after, call)
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

/** The state to keep if some placements did not succeed: nothing is new about their tags. Pure. */
export function stateAfter(
  before: DestinationState,
  after: DestinationState,
  failed: readonly Pick<Placement, 'tags' | 'root'>[],
): DestinationState {
  if (failed.length === 0) return after
  const written = new Map(after.written)
  const beingWritten = new Map(after.beingWritten)
  const searchedAt = new Map(after.childrenSearchedAt)
  for (const { tags, root } of failed) {
    for (const { tag } of tags) {
      restore(written, before.written, tag)
      restore(beingWritten, before.beingWritten ?? new Map(), tag)
    }
    restore(searchedAt, before.childrenSearchedAt, root.digest)
  }
  const { succeededAt: _now, platforms: _copied, beingWritten: _intents, ...rest } = after
  const platforms = platformsOfBoth(after.platforms, before.platforms)
  return {
    ...rest,
    written,
    ...(beingWritten.size > 0 && { beingWritten }),
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
    const beingWritten = new Map(state.beingWritten)
    let { platforms } = state
    for (const placement of [first, ...more]) {
      for (const { tag } of placement.tags) {
        written.set(tag, placement.root.digest)
        beingWritten.delete(tag)
      }
      platforms = platformsOfBoth(platforms, placement.platforms)
    }
    const owner = { rule: first.rule, repository: first.to.repository }
    const { beingWritten: _intents, ...rest } = state
    const after = {
      ...rest,
      written,
      ...(beingWritten.size > 0 && { beingWritten }),
      ...(platforms !== undefined && { platforms }),
    }
    return [{ owner, before: state, after }]
  })
}

/** One text for a rule and a repository. */
export function ownerKey(rule: string, repository: string): string {
  return JSON.stringify([rule, repository])
}
