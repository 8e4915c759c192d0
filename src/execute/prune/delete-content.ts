import type { Call } from '../../lib/call.ts'
import type { Digest } from '../../oci/digest.ts'
import type { DeleteManifestStep, DeleteTagStep } from '../../plan/prune/prune-plan.ts'
import type { Capabilities, Deleter, ManifestReader } from '../../images/ports.ts'
import { movedTag } from './survivors.ts'

/** `unchanged`: it was gone already; `stopped`: `stop` was aborted before anything was deleted */
export type Deleted = 'done' | 'unchanged' | 'stopped'

/** What the tags on a manifest are on just before it is deleted; null: it is gone. */
export type OwnTags = ReadonlyMap<string, Digest | null>

/**
 * Deletes a manifest with the tags on it.
 * @param own what its tags are on now: none of them on anything else. @throws `unsupported`, `refused` and what the store throws.
 */
export async function deleteManifest(
  store: Capabilities & Deleter,
  { target: { digest } }: DeleteManifestStep,
  own: OwnTags,
  stop: AbortSignal,
  call: Call,
): Promise<Deleted> {
  if (stop.aborted) return 'stopped'
  const left = [...own].flatMap(([tag, now]) => (now === digest ? [tag] : []))
  const isFreeOfTags = (): boolean => left.length === 0 || store.capability('deleteTagged') !== 'no'
  if (isFreeOfTags()) {
    try {
      return (await store.deleteManifest(digest, call)) === 'deleted' ? 'done' : 'unchanged'
    } catch (error) {
      // it may just have been learned that tags hold a manifest here
      if (isFreeOfTags()) throw error
    }
  }
  for (const tag of left) await store.deleteTag(tag, call)
  await store.deleteManifest(digest, call)
  // also where it went with its last tag
  return 'done'
}

/** Deletes a tag alone, after a last look at it. @throws `conflict` where it is on something else; `unsupported`, `refused` and what the store throws. */
export async function deleteTag(
  store: ManifestReader & Deleter,
  step: DeleteTagStep,
  stop: AbortSignal,
  call: Call,
): Promise<Deleted> {
  const now = await store.resolve({ tag: step.tag }, call)
  if (now === undefined) return 'unchanged'
  if (now.digest !== step.digest) throw movedTag(step, step.tag, now.digest)
  if (stop.aborted) return 'stopped'
  return (await store.deleteTag(step.tag, call)) === 'deleted' ? 'done' : 'unchanged'
}
