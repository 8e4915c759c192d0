import { DrayError } from '../../lib/errors.ts'
import { parseDescriptor } from '../../oci/descriptor.ts'
import { type Digest, parseDigest } from '../../oci/digest.ts'
import { isRecord, parseJson } from '../../oci/json.ts'
import type { StoredManifest } from './storage.ts'

/** The fields of a manifest that the folder stores in addition to its bytes, as JSON. */
export type ManifestRecord = Pick<StoredManifest, 'mediaType' | 'refers'>

export function writeRecord({ mediaType, refers }: ManifestRecord): string {
  return JSON.stringify({ mediaType, ...(refers !== undefined && { refers }) })
}

/** @throws `corrupt` if the file was changed by hand or damaged. */
export function parseRecord(bytes: Uint8Array, digest: Digest): ManifestRecord {
  try {
    return read(parseJson(bytes, 'the stored manifest'))
  } catch (cause) {
    throw new DrayError('corrupt', `cannot read the stored manifest ${digest}`, {
      subject: digest,
      cause,
    })
  }
}

function read(value: unknown): ManifestRecord {
  if (!isRecord(value) || typeof value['mediaType'] !== 'string') {
    throw new DrayError('malformed', 'the stored manifest has no media type')
  }
  const { mediaType, refers } = value
  if (refers === undefined) return { mediaType }
  if (!isRecord(refers) || typeof refers['subject'] !== 'string') {
    throw new DrayError('malformed', 'the stored manifest has no subject')
  }
  return {
    mediaType,
    refers: {
      subject: parseDigest(refers['subject']),
      entry: parseDescriptor(refers['entry'], 'the stored manifest'),
    },
  }
}
