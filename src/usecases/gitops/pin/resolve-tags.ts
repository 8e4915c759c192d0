import { inParallel } from '../../../images/parallel.ts'
import type { Repositories } from '../../../images/ports.ts'
import type { Call } from '../../../lib/call.ts'
import { type ErrorInfo, toDrayError, toErrorInfo } from '../../../lib/errors.ts'
import type { Digest } from '../../../oci/digest.ts'
import { classifyEntry, keyOfTag, type PinOptions, type TagToResolve } from './classify-entry.ts'
import type { PinSource } from './pin-source.ts'

/** The result for a tag: null if it does not exist. */
export type ResolvedTag = { readonly digest: Digest | null } | { readonly error: ErrorInfo }

/** Tags that are resolved in parallel. */
const tagsAtOnce = 16

/** Returns the tags of files that a registry has to resolve, each once. Pure. */
export function listTagsToPin(sources: readonly PinSource[], options: PinOptions): readonly TagToResolve[] {
  const tags = new Map<string, TagToResolve>()
  for (const { entries } of sources) {
    for (const { entry } of entries) {
      const found = classifyEntry(entry, options)
      if (found.kind !== 'resolve') continue
      for (const tag of found.tags) tags.set(keyOfTag(tag), tag)
    }
  }
  return [...tags.values()]
}

/**
 * Resolves each tag with one HEAD request, by `keyOfTag`. The digest of a multi-platform image is
 * that of its index. @throws `interrupted`, `internal`.
 */
export async function resolvePinnedTags(
  tags: readonly TagToResolve[],
  stores: Repositories,
  call: Call,
): Promise<ReadonlyMap<string, ResolvedTag>> {
  const resolved = await inParallel(tags, tagsAtOnce, call, async (tag, c) => {
    return [keyOfTag(tag), await resolveTag(tag, stores, c)] as const
  })
  return new Map(resolved)
}

async function resolveTag(
  { repository, tag }: TagToResolve,
  stores: Repositories,
  call: Call,
): Promise<ResolvedTag> {
  try {
    const found = await stores.source(repository).resolve({ tag }, call)
    return { digest: found?.digest ?? null }
  } catch (thrown) {
    const error = toDrayError(call.signal.aborted ? call.signal.reason : thrown)
    if (error.code === 'interrupted' || error.code === 'internal') throw error
    return { error: toErrorInfo(error) }
  }
}
