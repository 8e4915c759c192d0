import { readBlob } from '../../audit/artifact.ts'
import { inParallel } from '../../images/parallel.ts'
import type { BlobReader } from '../../images/ports.ts'
import type { Call } from '../../lib/call.ts'
import { formatCause, isContentFailure } from '../../lib/errors.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { algorithmOf, digestOf } from '../../oci/digest.ts'
import { whyTooLarge } from './limits.ts'
import type { RunReads } from './run-reads.ts'

/** Attached artifacts that are read at once. */
const readsAtOnce = 16

/** The bytes of a layer, or why it counts as damaged. */
export type LayerContent =
  | { readonly bytes: Uint8Array; readonly reason?: undefined }
  | { readonly bytes?: undefined; readonly reason: string }

/**
 * Reads each layer once, in one wave, and verifies its digest. A layer that is missing, damaged or
 * too large is returned with the reason.
 * @throws what the store throws for a read that failed.
 */
export async function readLayers(
  store: BlobReader,
  layers: readonly Descriptor[],
  reads: RunReads,
  call: Call,
): Promise<(layer: Descriptor) => LayerContent> {
  const unique = [...new Map(layers.map((layer) => [keyOf(layer), layer])).values()]
  const read = await inParallel(unique, readsAtOnce, call, async (layer, c) => {
    return [keyOf(layer), await readLayer(store, layer, reads, c)] as const
  })
  const contents = new Map(read)
  return (layer) => contents.get(keyOf(layer)) ?? { reason: 'it is not read' }
}

/** A foreign artifact may name the layer of another one with a wrong size. */
function keyOf({ digest, size }: Descriptor): string {
  return `${digest} ${size}`
}

async function readLayer(
  store: BlobReader,
  layer: Descriptor,
  reads: RunReads,
  call: Call,
): Promise<LayerContent> {
  const tooLarge = whyTooLarge(layer.size)
  if (tooLarge !== undefined) return { reason: tooLarge }
  const known = reads.content(store.repository, layer.digest)
  if (known?.byteLength === layer.size) return { bytes: known }
  try {
    const bytes = await readBlob(store, layer, call)
    if (digestOf(bytes, algorithmOf(layer.digest)) !== layer.digest)
      return { reason: `its bytes do not have the digest ${layer.digest}` }
    reads.keep(store.repository, layer.digest, bytes)
    return { bytes }
  } catch (error) {
    if (!isContentFailure(error) || call.signal.aborted) throw error
    return { reason: formatCause(error) }
  }
}
