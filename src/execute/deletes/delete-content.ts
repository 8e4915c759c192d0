import type { Call } from '../../lib/call.ts'
import type { Clock } from '../../lib/clock.ts'
import { DrayError, type ErrorInfo, toErrorInfo } from '../../lib/errors.ts'
import { repeatStaleCheck } from '../../lib/freshness.ts'
import type { Digest } from '../../oci/digest.ts'
import type { DeleteManifestStep, DeleteTagStep } from '../../plan/prune/prune-plan.ts'
import type { TargetRepository } from '../../images/ports.ts'
import { isMissing } from '../../images/graph/is-missing.ts'
import { resolveTags } from '../../images/tags/tags.ts'
import { deleteConflict, type MovedTag, movedTagConflict } from './delete-conflicts.ts'

/**
 * `unchanged`: it was already absent; `stopped`: nothing was deleted, because `stop` was aborted;
 * else the tag that keeps it, or why it is in the live set by now
 */
export type Deleted = 'done' | 'unchanged' | 'stopped' | MovedTag | { readonly live: ErrorInfo }

/** The targets of the tags of a manifest just before its delete; null: the tag was deleted. */
export interface OwnTags {
  /** when the reading began, in milliseconds */
  readonly at: number
  readonly tags: ReadonlyMap<string, Digest | null>
}

export interface DeletePorts {
  readonly store: TargetRepository
  readonly clock: Clock
  /** aborted: no further delete is sent */
  readonly stop: AbortSignal
  readonly call: Call
}

interface ManifestDelete {
  readonly untagged: Set<string>
  readonly findLive: () => Promise<ErrorInfo | undefined>
}

/** @throws what the store throws */
export async function readOwnTags(
  { losesTags, formerTags = [] }: DeleteManifestStep,
  { store, clock }: Pick<DeletePorts, 'store' | 'clock'>,
  call: Call,
): Promise<OwnTags> {
  const at = clock.now()
  return { at, tags: await resolveTags(store, [...losesTags, ...formerTags], call) }
}

/**
 * The tags that point at another manifest, and the former tags of a superseded digest that are on
 * it again.
 */
export function movedTags(
  { target, formerTags = [] }: DeleteManifestStep,
  { tags }: OwnTags,
): readonly MovedTag[] {
  return [...tags].flatMap(([tag, to]) => {
    if (to === null) return []
    return (to === target.digest) === formerTags.includes(tag) ? [{ tag, to }] : []
  })
}

/**
 * Why a step is a conflict: something exists that must be missing, such as the subject of an
 * orphaned artifact.
 * @throws what the store throws
 */
async function findReturned(
  step: DeleteManifestStep | DeleteTagStep,
  { store, call }: Pick<DeletePorts, 'store' | 'call'>,
): Promise<ErrorInfo | undefined> {
  for (const digest of step.absent ?? [])
    if (!(await isMissing(store, digest, call)))
      return toErrorInfo(deleteConflict(step, `${digest}, which was missing, exists again`))
  return undefined
}

/**
 * Deletes a manifest with the tags on it. If a request goes out more than two seconds after the
 * tags were read, they are read again first, and new tags of the repository with them.
 * @param own what its tags point at: none of them at another manifest
 * @param more.untagged gets the tags that are deleted before the manifest
 * @param more.findLive returns why the manifest is in the live set by now, if it is
 * @throws `unsupported`, `refused` and what the store throws
 */
export async function deleteManifest(
  step: DeleteManifestStep,
  own: OwnTags,
  ports: DeletePorts,
  { untagged, findLive }: ManifestDelete,
): Promise<Deleted> {
  const { store, clock, stop, call } = ports
  const { digest } = step.target
  const returned = await findReturned(step, ports)
  if (returned !== undefined) return { live: returned }
  if (stop.aborted) return 'stopped'
  const check: { moved?: MovedTag | undefined; live?: ErrorInfo | undefined } = {}
  const beforeAttempt = repeatStaleCheck(own.at, clock, async () => {
    const [again, found, back] = await Promise.all([
      readOwnTags(step, ports, call),
      findLive(),
      findReturned(step, ports),
    ])
    const live = found ?? back
    const restored = [...untagged].find((tag) => again.tags.get(tag) === digest)
    check.moved = restored === undefined ? movedTags(step, again)[0] : { tag: restored, to: digest }
    if (check.moved !== undefined) throw movedTagConflict(step, check.moved)
    check.live = live
    if (live !== undefined) throw new DrayError(live.code, live.message, live)
  })
  const left = [...own.tags].flatMap(([tag, to]) => (to === digest ? [tag] : []))
  const isFreeOfTags = (): boolean => left.length === 0 || store.capability('deleteTagged') !== 'no'
  try {
    if (isFreeOfTags()) {
      try {
        const deleted = await store.deleteManifest(digest, call, beforeAttempt)
        return deleted === 'deleted' ? 'done' : 'unchanged'
      } catch (error) {
        // the response may have said that this registry wants the tags deleted first
        if (isFreeOfTags()) throw error
      }
    }
    for (const tag of left) {
      await store.deleteTag(tag, call, beforeAttempt)
      untagged.add(tag)
    }
    await store.deleteManifest(digest, call, beforeAttempt)
    // also if the manifest went with its last tag
    return 'done'
  } catch (error) {
    if (check.moved !== undefined) return check.moved
    if (check.live !== undefined) return { live: check.live }
    throw error
  }
}

/**
 * Deletes a tag alone, and checks it just before that.
 * @throws `unsupported`, `refused` and what the store throws
 */
export async function deleteTag(step: DeleteTagStep, ports: DeletePorts): Promise<Deleted> {
  const { store, clock, stop, call } = ports
  const { tag, digest } = step
  const check: { moved?: MovedTag | undefined } = {}
  const isThere = async (): Promise<boolean> => {
    const found = await store.resolve({ tag }, call)
    check.moved = found === undefined || found.digest === digest ? undefined : { tag, to: found.digest }
    return found !== undefined
  }
  const checkedAt = clock.now()
  if (!(await isThere())) return 'unchanged'
  if (check.moved !== undefined) return check.moved
  const returned = await findReturned(step, ports)
  if (returned !== undefined) return { live: returned }
  if (stop.aborted) return 'stopped'
  const back: { live?: ErrorInfo | undefined } = {}
  const beforeAttempt = repeatStaleCheck(checkedAt, clock, async () => {
    await isThere()
    if (check.moved !== undefined) throw movedTagConflict(step, check.moved)
    back.live = await findReturned(step, ports)
    if (back.live !== undefined) throw new DrayError(back.live.code, back.live.message, back.live)
  })
  try {
    return (await store.deleteTag(tag, call, beforeAttempt)) === 'deleted' ? 'done' : 'unchanged'
  } catch (error) {
    if (check.moved !== undefined) return check.moved
    if (back.live !== undefined) return { live: back.live }
    throw error
  }
}
