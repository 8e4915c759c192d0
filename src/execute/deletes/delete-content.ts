import type { Call } from '../../lib/call.ts'
import type { Clock } from '../../lib/clock.ts'
import { DrayError, type ErrorInfo, toErrorInfo } from '../../lib/errors.ts'
import { repeatStaleCheck } from '../../lib/freshness.ts'
import type { Digest } from '../../oci/digest.ts'
import type { DeleteManifestStep, DeleteTagStep } from '../../plan/prune/prune-plan.ts'
import type { TargetRepository } from '../../images/ports.ts'
import { isMissing } from '../../images/graph/is-missing.ts'
import { resolveTags } from '../../images/tags/tags.ts'
import type { StepApi } from './apis/delete-apis.ts'
import { deleteConflict, type MovedTag, movedTagConflict } from './delete-conflicts.ts'

/**
 * `unchanged`: it was already absent; `stopped`: nothing was deleted, because `stop` was aborted;
 * else the tag that keeps it, why it is in the live set by now, or why a tag is the last one of an
 * image that the registry deletes with it
 */
export type Deleted =
  | 'done'
  | 'unchanged'
  | 'stopped'
  | MovedTag
  | { readonly live: ErrorInfo }
  | { readonly last: ErrorInfo }

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
  readonly api: StepApi
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
  { api, untagged, findLive }: ManifestDelete,
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
  const isFreeOfTags = (): boolean => left.length === 0 || api.takesTags()
  try {
    if (isFreeOfTags()) {
      try {
        const deleted = await api.deleteManifest(digest, beforeAttempt)
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
    await api.deleteManifest(digest, beforeAttempt)
    // also if the manifest went with its last tag
    return 'done'
  } catch (error) {
    if (check.moved !== undefined) return check.moved
    if (check.live !== undefined) return { live: check.live }
    throw error
  }
}

interface TagDelete {
  readonly api: StepApi
  /** returns why the tag must stay because it is the last one on its manifest */
  readonly findLastTag: () => Promise<ErrorInfo | undefined>
}

/**
 * Deletes a tag alone, and checks it just before that.
 * @throws `unsupported`, `refused` and what the store throws
 */
export async function deleteTag(
  step: DeleteTagStep,
  ports: DeletePorts,
  { api, findLastTag }: TagDelete,
): Promise<Deleted> {
  const { store, clock, stop, call } = ports
  const { tag, digest } = step
  const check: { kept?: Exclude<Deleted, string> | undefined } = {}
  const isThere = async (): Promise<boolean> => {
    const found = await store.resolve({ tag }, call)
    check.kept = found === undefined || found.digest === digest ? undefined : { tag, to: found.digest }
    return found !== undefined
  }
  const findReason = async (): Promise<void> => {
    const live = await findReturned(step, ports)
    const last = live === undefined ? await findLastTag() : undefined
    check.kept = live !== undefined ? { live } : last !== undefined ? { last } : undefined
  }
  const checkedAt = clock.now()
  if (!(await isThere())) return 'unchanged'
  if (check.kept === undefined) await findReason()
  if (check.kept !== undefined) return check.kept
  if (stop.aborted) return 'stopped'
  const beforeAttempt = repeatStaleCheck(checkedAt, clock, async () => {
    await isThere()
    if (check.kept === undefined) await findReason()
    if (check.kept !== undefined) throw new DrayError('conflict', `a check keeps the tag ${tag}`)
  })
  try {
    return (await api.deleteTag(tag, digest, beforeAttempt)) === 'deleted' ? 'done' : 'unchanged'
  } catch (error) {
    if (check.kept !== undefined) return check.kept
    throw error
  }
}
