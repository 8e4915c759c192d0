import type { Call } from '../../../lib/call.ts'
import type { Digest } from '../../../oci/digest.ts'
import { childrenOf, parseManifest } from '../../../oci/manifest.ts'
import { isIndexType } from '../../../oci/media-types.ts'
import type { Platform } from '../../../oci/platform.ts'
import { formatAt } from '../../../oci/reference.ts'
import { selectChildren } from '../../../images/graph/select-platforms.ts'
import { inParallel } from '../../../images/parallel.ts'
import type { ManifestReader } from '../../../images/ports.ts'

/** Manifests of one image that are read at once. */
const readsAtOnce = 16
/** Images that are examined at once. */
const imagesAtOnce = 16
/** Deeper than any real nesting of indexes. */
const maxDepth = 8

/**
 * Returns the manifests of the platforms below an index. They are read from the destination, which
 * has the same index: a GET of the source can count as a pull.
 * @param platforms undefined: all
 */
export async function childrenBelow(
  store: ManifestReader,
  root: Digest,
  platforms: readonly Platform[] | undefined,
  call: Call,
): Promise<readonly Digest[]> {
  const found = new Set<Digest>()
  let level: readonly Digest[] = [root]
  for (let depth = 0; level.length > 0 && depth < maxDepth; depth++) {
    const read = await inParallel(level, readsAtOnce, call, async (digest, c) => {
      const content = await store.findManifest({ digest }, c)
      if (content === undefined) return []
      const { bytes, descriptor } = content
      const manifest = parseManifest(bytes, descriptor.mediaType, formatAt(store.repository, { digest }))
      return platforms === undefined ? childrenOf(manifest) : selectChildren(manifest, platforms)
    })
    const fresh = read.flat().filter(({ digest }) => !found.has(digest))
    for (const { digest } of fresh) found.add(digest)
    level = fresh.flatMap(({ digest, mediaType }) => (isIndexType(mediaType) ? [digest] : []))
  }
  return [...found]
}

/** Returns the images of which a repository lacks a manifest of the platforms: a HEAD for each. */
export async function findIncomplete(
  store: ManifestReader,
  roots: readonly Digest[],
  platforms: readonly Platform[] | undefined,
  call: Call,
): Promise<ReadonlySet<Digest>> {
  const read = await inParallel(roots, imagesAtOnce, call, async (root, c) => {
    const children = await childrenBelow(store, root, platforms, c)
    const resolved = await inParallel(children, readsAtOnce, c, (digest, inner) =>
      store.resolve({ digest }, inner),
    )
    return resolved.includes(undefined) ? [root] : []
  })
  return new Set(read.flat())
}
