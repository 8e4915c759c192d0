import type { Call } from '../../../lib/call.ts'
import { inParallel } from '../../../images/parallel.ts'
import type { BlobReader, ManifestReader } from '../../../images/ports.ts'
import type { BundleDocument, BundleContent } from '../../../plan/bundle/bundle-document.ts'

/** HEAD requests at once. */
const readsAtOnce = 32

/**
 * Returns the content that a bundle expects and the destination lacks: one HEAD for each content.
 * @param storesAt the repositories at the destination for a path below `--to`
 * @throws what the stores throw.
 */
export async function findMissing(
  { expects }: Pick<BundleDocument, 'expects'>,
  storesAt: (path: string) => readonly (ManifestReader & BlobReader)[],
  call: Call,
): Promise<readonly BundleContent[]> {
  const checked = await inParallel(expects, readsAtOnce, call, async (content, c) => {
    const { digest, size, kind } = content
    for (const store of storesAt(content.repository)) {
      const isThere =
        kind === 'manifest'
          ? (await store.resolve({ digest }, c)) !== undefined
          : await store.hasBlob({ mediaType: 'application/octet-stream', digest, size }, c)
      if (!isThere) return [content]
    }
    return []
  })
  return checked.flat()
}
