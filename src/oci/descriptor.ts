import { DrayError, isDrayError } from '../lib/errors.ts'
import { type Digest, parseDigest } from './digest.ts'
import { type Platform, parsePlatform } from './platform.ts'
import { checkSpelling, isRecord, optionalString, spellings, stringMap } from './json.ts'

/** Content by digest (image-spec, descriptor.md). */
export interface Descriptor {
  /** empty if the descriptor has none */
  readonly mediaType: string
  readonly digest: Digest
  /** bytes */
  readonly size: number
  readonly artifactType?: string
  readonly platform?: Platform
  readonly annotations?: Readonly<Record<string, string>>
  /** URLs of non-distributable content. dray never sends credentials there. */
  readonly urls?: readonly string[]
}

const fields = spellings(
  'mediaType',
  'digest',
  'size',
  'artifactType',
  'platform',
  'annotations',
  'urls',
  'data',
)

/**
 * Parses a descriptor to read it. @throws `malformed`, naming `where`; `unsupported` for an
 * algorithm other than sha256 and sha512.
 */
export function parseDescriptor(value: unknown, where: string): Descriptor {
  if (!isRecord(value)) throw malformed(where, 'is not an object')
  checkSpelling(value, fields, where)
  const { digest, size } = value
  // Required by the specification. Registries accept descriptors without it, and clients copy them.
  const mediaType = optionalString(value['mediaType'], `${where}.mediaType`) ?? ''
  if (typeof digest !== 'string') throw malformed(where, 'has no digest')
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw malformed(where, 'has no size that is a whole number of bytes')
  }
  const artifactType = optionalString(value['artifactType'], `${where}.artifactType`) || undefined
  const platform = value['platform'] == null ? undefined : parsePlatform(value['platform'], where)
  const annotations = stringMap(value['annotations'], `${where}.annotations`)
  const urls = parseUrls(value['urls'], where)
  return {
    mediaType,
    digest: digestAt(digest, where),
    size,
    ...(artifactType !== undefined && { artifactType }),
    ...(platform !== undefined && { platform }),
    ...(annotations !== undefined && { annotations }),
    ...(urls !== undefined && { urls }),
  }
}

/** Returns the three fields that identify content. */
export function bareDescriptor(d: Descriptor): Descriptor {
  return { mediaType: d.mediaType, digest: d.digest, size: d.size }
}

function digestAt(text: string, where: string): Digest {
  try {
    return parseDigest(text)
  } catch (cause) {
    if (!isDrayError(cause)) throw cause
    throw cause.with({ message: `${where}.digest: ${cause.message}`, subject: text.slice(0, 200) })
  }
}

/**
 * Layers that only their vendor may distribute (image-spec, layer.md, Non-Distributable Layers;
 * docker's "foreign" ones). dray copies a layer of another type that has `urls`, because its
 * registry has it.
 */
export function isNonDistributable(blob: Descriptor): boolean {
  return /\.nondistributable\.|\.foreign\./.test(blob.mediaType) && (blob.urls?.length ?? 0) > 0
}

function parseUrls(value: unknown, where: string): readonly string[] | undefined {
  if (value == null) return undefined
  if (!Array.isArray(value) || value.some((url) => url !== null && typeof url !== 'string')) {
    throw malformed(where, 'has urls that are not a list of strings')
  }
  const urls = value.filter((url) => typeof url === 'string' && url !== '')
  return urls.length === 0 ? undefined : (urls as string[])
}

function malformed(where: string, what: string): DrayError {
  return new DrayError('malformed', `${where} ${what}`)
}
