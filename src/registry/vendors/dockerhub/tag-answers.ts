import type { InventoryTag } from '../../../images/inventory/inventory.ts'
import type { Digest } from '../../../oci/digest.ts'
import { isRecord } from '../../../oci/json.ts'
import { isIndexType, isManifestType } from '../../../oci/media-types.ts'

/** A tag of Docker Hub and the facts about its image. */
export interface HubTag {
  readonly tag: InventoryTag
  /** undefined: the answer does not have it (github.com/docker/docs, schema `tag`) */
  readonly digest: Digest | undefined
  readonly mediaType: string | undefined
  /** of the tag and of all its images */
  readonly pulledAt: number | 'never' | undefined
  /** of all images */
  readonly bytes: number | undefined
}

/** Reads a tag; undefined if it is not of the documented form. */
export function hubTagOf(value: unknown): HubTag | undefined {
  if (!isRecord(value) || typeof value['name'] !== 'string') return undefined
  const { name, digest, media_type: mediaType } = value
  const images = Array.isArray(value['images']) ? value['images'].filter(isRecord) : []
  const pushedAt = timeOf(value['tag_last_pushed'])
  const pulledAt = pullOf(value['tag_last_pulled'])
  return {
    tag: {
      name,
      ...(typeof pushedAt === 'number' && { pushedAt }),
      ...(pulledAt !== undefined && { pulledAt }),
    },
    // The inventory is checked for digests as a whole.
    digest: typeof digest === 'string' && digest !== '' ? (digest as Digest) : undefined,
    // Single images have the media type of their configuration here.
    mediaType:
      typeof mediaType === 'string' && (isIndexType(mediaType) || isManifestType(mediaType))
        ? mediaType
        : undefined,
    pulledAt: images.map((image) => pullOf(image['last_pulled'])).reduce(laterPull, pulledAt),
    bytes: sizeOf(images),
  }
}

/** The images are deduplicated: an index can have the same one for two platforms. */
function sizeOf(images: readonly Record<string, unknown>[]): number | undefined {
  if (images.length === 0) return undefined
  const sizes = new Map(images.map((image, i) => [image['digest'] ?? i, image['size']]))
  let bytes = 0
  for (const size of sizes.values()) {
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) return undefined
    bytes += size
  }
  return bytes
}

/** `null` is documented: there was no pull. A missing or unreadable time is unknown. */
function pullOf(value: unknown): number | 'never' | undefined {
  return value === null ? 'never' : timeOf(value)
}

/** Docker Hub's zero time, 0001-01-01, is unknown too. */
function timeOf(value: unknown): number | undefined {
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN
  return time > 0 ? time : undefined
}

/** A known time wins over an unknown one, and an unknown one over "never". */
function laterPull(
  a: number | 'never' | undefined,
  b: number | 'never' | undefined,
): number | 'never' | undefined {
  if (typeof a === 'number' && typeof b === 'number') return Math.max(a, b)
  if (typeof a === 'number' || typeof b === 'number') return typeof a === 'number' ? a : b
  return a === 'never' && b === 'never' ? 'never' : undefined
}
