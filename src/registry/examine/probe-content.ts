import type { RequestBody } from '../http/fetch.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { digestOf } from '../../oci/digest.ts'
import { mediaTypes } from '../../oci/media-types.ts'

/** Content that a probe uploads. */
export interface ProbeContent {
  readonly descriptor: Descriptor
  readonly bytes: Uint8Array
}

export const configType = 'application/vnd.dray.doctor.config.v1+json'
const artifactType = 'application/vnd.dray.doctor'

export function contentOf(bytes: Uint8Array, mediaType: string): ProbeContent {
  return { bytes, descriptor: { mediaType, digest: digestOf(bytes), size: bytes.byteLength } }
}

export function manifestOf(config: Descriptor, subject?: Descriptor): ProbeContent {
  const { manifest: mediaType } = mediaTypes
  const manifest = { schemaVersion: 2, mediaType, artifactType, config, layers: [config], subject }
  return contentOf(Buffer.from(JSON.stringify(manifest)), mediaType)
}

/**
 * A body that gives half of the bytes and then fails. `until` passes first, so that the bytes have
 * left this machine before the connection is cut.
 */
export function brokenBody(bytes: Uint8Array, until: () => Promise<void>): RequestBody {
  const half = async function* () {
    yield bytes.subarray(0, bytes.byteLength / 2)
    await until()
    throw new TypeError('interrupted on purpose')
  }
  return { kind: 'stream', size: bytes.byteLength, open: () => Promise.resolve(half()) }
}
