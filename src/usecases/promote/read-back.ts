import type { Call } from '../../lib/call.ts'
import { toDrayError } from '../../lib/errors.ts'
import { type Descriptor, isNonDistributable } from '../../oci/descriptor.ts'
import type { Graph } from '../../images/graph/graph.ts'
import { inParallel } from '../../images/parallel.ts'
import type { BlobReader, ManifestReader } from '../../images/ports.ts'

/** Manifests and blobs of one image that are read back at once. */
const readsAtOnce = 32

/**
 * Returns the manifests and blobs of a graph that the store has lost or damaged. It reads and
 * hashes every manifest, and reads the last byte of every blob, because a registry may list content
 * that a garbage collection has deleted. The store must have no cache.
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
