import type { RequestBody } from '../http/fetch.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { digestOf } from '../../oci/digest.ts'
import { mediaTypes } from '../../oci/media-types.ts'

/** What a trial of a registry uploads. */
export interface Blob {
  readonly descriptor: Descriptor
  readonly bytes: Uint8Array
}

export const configType = 'application/vnd.dray.doctor.config.v1+json'
const artifactType = 'application/vnd.dray.doctor'

export function blobOf(bytes: Uint8Array, mediaType: string): Blob {
  return { bytes, descriptor: { mediaType, digest: digestOf(bytes), size: bytes.byteLength } }
}

export function manifestOf(config: Descriptor, layers: readonly Descriptor[], subject?: Descriptor): Blob {
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    artifactType,
    config,
    layers,
    ...(subject !== undefined && { subject }),
  }
  return blobOf(Buffer.from(JSON.stringify(manifest)), mediaTypes.manifest)
}

export function whole(bytes: Uint8Array): RequestBody {
  return { kind: 'bytes', bytes }
}

/** Half of the bytes, and then nothing more; `until` passes first, so that they have left before the connection is cut. */
export function broken(bytes: Uint8Array, until: () => Promise<void>): RequestBody {
  return {
    kind: 'stream',
    size: bytes.byteLength,
    open: () =>
      Promise.resolve(
        (async function* () {
          yield bytes.subarray(0, bytes.byteLength / 2)
          await until()
          throw new TypeError('broken off on purpose')
        })(),
      ),
  }
}
