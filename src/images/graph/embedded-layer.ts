import { digestOf } from '../../oci/digest.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { isRecord, parseJson } from '../../oci/json.ts'

/**
 * Returns the content of the only layer of a manifest, if its descriptor contains it (image-spec,
 * descriptor.md, the field `data`); undefined if it does not, or contains other bytes.
 * @param bytes of a manifest that was parsed before
 */
export function embeddedLayer(bytes: Uint8Array, layer: Descriptor): Uint8Array | undefined {
  const body = parseJson(bytes, 'the manifest')
  const [first]: readonly unknown[] = isRecord(body) && Array.isArray(body['layers']) ? body['layers'] : []
  const data = isRecord(first) ? first['data'] : undefined
  if (typeof data !== 'string') return undefined
  const content = Buffer.from(data, 'base64')
  return content.byteLength === layer.size && digestOf(content) === layer.digest ? content : undefined
}
