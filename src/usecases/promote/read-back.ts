import type { Call } from '../../lib/call.ts'
import { toDrayError } from '../../lib/errors.ts'
import { type Descriptor, isNonDistributable } from '../../oci/descriptor.ts'
import type { Graph } from '../../images/graph/graph.ts'
import { inParallel } from '../../images/parallel.ts'
import type { BlobReader, ManifestReader } from '../../images/ports.ts'

/** Manifests and blobs of one image that are read back at once. */
const readsAtOnce = 32

/**
 * The pieces of a graph that a store should have and has not, or has damaged: every manifest is read and hashed, and of every blob its last byte is
 * read, because a registry may still list what it has lost (after a garbage collection that went wrong, say). The store must not answer from a cache.
 */
export async function findDamaged(
  store: ManifestReader & BlobReader,
  graph: Graph,
  call: Call,
): Promise<readonly Descriptor[]> {
  const manifests = graph.nodes.map((node) => ({
    content: node.descriptor,
    read: () => store.manifest(node.descriptor, call),
  }))
  const blobs = graph.blobs
    .filter((blob) => !isNonDistributable(blob))
    .map((blob) => ({ content: blob, read: () => readLastByte(store, blob, call) }))
  const checked = await inParallel([...manifests, ...blobs], readsAtOnce, call, async ({ content, read }) => {
    try {
      await read()
      return []
    } catch (error) {
      const { code } = toDrayError(error)
      if (code === 'not-found' || code === 'corrupt') return [content]
      throw error
    }
  })
  return checked.flat()
}

async function readLastByte(store: BlobReader, blob: Descriptor, call: Call): Promise<void> {
  for await (const chunk of await store.blob(blob, Math.max(0, blob.size - 1), call)) {
    if (chunk.byteLength > 0) return
  }
}
