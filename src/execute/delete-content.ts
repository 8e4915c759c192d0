import type { Call } from '../call.ts'
import type { DeleteManifestStep, DeleteStep, DeleteTagStep } from '../plan/prune-plan.ts'
import type { TargetStore } from '../store/store.ts'
import { resolveTags } from '../store/tags.ts'
import { movedTag } from './survivors.ts'

/** `unchanged`: it was gone already; `stopped`: `stop` was aborted before anything was deleted */
export type Deleted = 'done' | 'unchanged' | 'stopped'

/**
 * Deletes what a step says, after a last look at its own tags. @throws `conflict` where a tag is on something else; `unsupported`, `refused` and what the store throws.
 */
export async function deleteContent(
  store: TargetStore,
  step: DeleteStep,
  stop: AbortSignal,
  call: Call,
): Promise<Deleted> {
  return step.kind === 'deleteTag'
    ? await deleteTag(store, step, stop, call)
    : await deleteManifest(store, step, stop, call)
}

async function deleteManifest(
  store: TargetStore,
  step: DeleteManifestStep,
  stop: AbortSignal,
  call: Call,
): Promise<Deleted> {
  const { digest } = step.target
  const found = await resolveTags(store, step.losesTags, call)
  for (const [tag, now] of found) if (now !== null && now !== digest) throw movedTag(step, tag, now)
  if (stop.aborted) return 'stopped'
  const left = step.losesTags.filter((tag) => found.get(tag) === digest)
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

async function deleteTag(
  store: TargetStore,
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
