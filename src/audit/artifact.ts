import type { Call } from '../lib/call.ts'
import type { BlobReader, BlobSource } from '../images/ports.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { digestOf } from '../oci/digest.ts'

/** The descriptor of bytes that are to be pushed. */
export function describe(bytes: Uint8Array, mediaType: string): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.byteLength }
}

export function sourceOf(bytes: Uint8Array): BlobSource {
  return {
    open: async (offset) =>
      (async function* () {
        yield bytes.subarray(offset)
      })(),
  }
}

/** Reads a whole blob into memory. The caller checks its size. @throws what `blob` throws. */
export async function readBlob(reader: BlobReader, d: Descriptor, call: Call): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of await reader.blob(d, 0, call)) chunks.push(chunk)
  return Buffer.concat(chunks)
}
