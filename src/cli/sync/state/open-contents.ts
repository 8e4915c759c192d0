import type { SyncRule } from '../../../config/sync/sync-rule.ts'
import type { ContentStore } from '../../../images/cache/content-store.ts'
import type { Call } from '../../../lib/call.ts'
import type { Context } from '../../wiring/context.ts'

/**
 * Opens the manifests and configs of earlier runs, if a rule needs the times of images: a GET can
 * count as a pull. Flush it after the reads.
 */
export async function openContents(
  rules: readonly Pick<SyncRule, 'include'>[],
  context: Context,
  call: Call,
): Promise<ContentStore | undefined> {
  const needsTimes = rules.some(({ include }) => include.some(({ newest }) => newest !== undefined))
  return needsTimes ? (await context.pruneCache(call))?.contents : undefined
}
