import { DrayError } from '../lib/errors.ts'
import { type Descriptor, parseDescriptor } from './descriptor.ts'
import { checkSpelling, isRecord, optionalString, parseJson, spellings, stringMap } from './json.ts'
import {
  bareMediaType,
  isArtifactManifestType,
  isIndexType,
  isManifestType,
  isSchema1Type,
  mediaTypes,
} from './media-types.ts'

interface Common {
  readonly mediaType: string
  readonly artifactType?: string
  readonly subject?: Descriptor
  readonly annotations?: Readonly<Record<string, string>>
}

/** An image manifest, parsed to read (image-spec, manifest.md). Its bytes are what dray copies. */
interface ImageManifest extends Common {
  readonly kind: 'manifest'
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
}

/** An image index, parsed to read (image-spec, image-index.md). */
interface ImageIndex extends Common {
  readonly kind: 'index'
  readonly manifests: readonly Descriptor[]
}

/** An artifact manifest, parsed to read (image-spec 1.1.0-rc2, artifact.md). */
interface ArtifactManifest extends Common {
  readonly kind: 'artifact'
  readonly blobs: readonly Descriptor[]
}

export type Manifest = ImageManifest | ImageIndex | ArtifactManifest

/**
 * The largest manifest or index in bytes (distribution-spec, Pushing manifests, requires at least 4
 * MiB).
 */
export const maxManifestSize: number = 8 * 1024 * 1024
/** More entries than any image has. Bounds the walk of a hostile index. */
const maxEntries = 20_000

const fields = spellings(
  'schemaVersion',
  'mediaType',
  'artifactType',
  'config',
  'layers',
  'blobs',
  'manifests',
  'subject',
  'annotations',
)

/** A promotion reads each manifest in several steps, and nothing changes its bytes. */
const parsed = new WeakMap<Uint8Array, { readonly mediaType: string; readonly manifest: Manifest }>()

/**
 * Parses a manifest or index; `mediaType` is that of the registry or of the descriptor. The same
 * bytes give the same object.
 * @throws `malformed`, `unsupported` (schema 1).
 */
export function parseManifest(bytes: Uint8Array, mediaType: string, where: string): Manifest {
  const known = parsed.get(bytes)
  if (known?.mediaType === mediaType) return known.manifest
  const manifest = readManifest(parseBody(bytes, where), mediaType, where)
  parsed.set(bytes, { mediaType, manifest })
  return manifest
}

/**
 * Returns the same as `parseManifest`, which does not know it afterwards: a scan of a repository
 * reduces 100,000 manifests, and their bytes can stay in memory. @throws the same.
 */
export function takeManifest(bytes: Uint8Array, mediaType: string, where: string): Manifest {
  const known = parsed.get(bytes)
  parsed.delete(bytes)
  if (known?.mediaType === mediaType) return known.manifest
  return readManifest(parseBody(bytes, where), mediaType, where)
}

function parseBody(bytes: Uint8Array, where: string): Record<string, unknown> {
  if (bytes.byteLength > maxManifestSize) {
    throw new DrayError('malformed', `${where} is larger than ${maxManifestSize} bytes`)
  }
  const body = parseJson(bytes, where)
  if (!isRecord(body)) throw new DrayError('malformed', `${where} is not an object`)
  checkSpelling(body, fields, where)
  return body
}

function readManifest(body: Record<string, unknown>, mediaType: string, where: string): Manifest {
  const type = manifestTypeOf(body, bareMediaType(mediaType), where)
  const artifactType = optionalString(body['artifactType'], `${where}.artifactType`)
  const subject = body['subject'] == null ? undefined : parseDescriptor(body['subject'], `${where}.subject`)
  const annotations = stringMap(body['annotations'], `${where}.annotations`)
  const common: Common = {
    mediaType: type,
    ...(artifactType !== undefined && artifactType !== '' && { artifactType }),
    ...(subject !== undefined && { subject }),
    ...(annotations !== undefined && { annotations }),
  }
  if (isIndexType(type)) {
    return { kind: 'index', ...common, manifests: descriptors(body['manifests'], `${where}.manifests`) }
  }
  if (isArtifactManifestType(type)) {
    return { kind: 'artifact', ...common, blobs: descriptors(body['blobs'], `${where}.blobs`) }
  }
  return {
    kind: 'manifest',
    ...common,
    config: parseDescriptor(body['config'], `${where}.config`),
    layers: descriptors(body['layers'], `${where}.layers`),
  }
}

/**
 * Parses the same of a list that no digest verifies. An index without the field `manifests` is
 * damaged: to read it as empty would lose what it lists.
 * @throws the same.
 */
export function parseUnverified(bytes: Uint8Array, mediaType: string, where: string): Manifest {
  const body = parseBody(bytes, where)
  const manifest = readManifest(body, mediaType, where)
  if (manifest.kind !== 'index' || 'manifests' in body) return manifest
  throw new DrayError('malformed', `${where} has no "manifests"`)
}

/**
 * Returns the type by which referrers are filtered: `artifactType`, or the config's media type
 * (distribution-spec, Listing referrers).
 */
export function artifactTypeOf(manifest: Manifest): string | undefined {
  if (manifest.artifactType !== undefined || manifest.kind !== 'manifest') return manifest.artifactType
  const { mediaType } = manifest.config
  return mediaType === '' ? undefined : mediaType
}

/** Returns the manifests and indexes in the `manifests` of an index. */
export function childrenOf(manifest: Manifest): readonly Descriptor[] {
  return manifest.kind === 'index' ? manifest.manifests.filter(isManifestDescriptor) : []
}

/**
 * Returns the blobs: config and layers, or those of an artifact; of an index, entries that are no
 * manifests (image-index.md allows any type).
 */
export function blobsOf(manifest: Manifest): readonly Descriptor[] {
  if (manifest.kind === 'manifest') return [manifest.config, ...manifest.layers]
  if (manifest.kind === 'artifact') return manifest.blobs
  return manifest.manifests.filter((d) => !isManifestDescriptor(d))
}

/**
 * Whether a registry serves it under `/manifests/` rather than `/blobs/`. An entry without a media
 * type is a manifest, as for containers-image: registries check that an index has its manifests.
 */
function isManifestDescriptor(d: Descriptor): boolean {
  if (d.mediaType === '') return true
  return isIndexType(d.mediaType) || isManifestType(d.mediaType) || isSchema1Type(d.mediaType)
}

function manifestTypeOf(body: Record<string, unknown>, said: string, where: string): string {
  const inBody = optionalString(body['mediaType'], `${where}.mediaType`) || undefined
  if (isSchema1Type(said) || isSchema1Type(inBody ?? '') || body['schemaVersion'] === 1) {
    throw new DrayError('unsupported', `${where} is a docker schema 1 manifest`, {
      hint: 'Push the image again with a current client, as schema 2 or OCI. A copy cannot keep the digest of schema 1.',
    })
  }
  const hasChildren = 'manifests' in body
  const hasContent = 'layers' in body || 'config' in body
  if (hasChildren && hasContent) {
    // CVE-2021-41190: one digest, which one client reads as an index and another as an image.
    throw new DrayError(
      'malformed',
      `${where} has both "manifests" and "layers" or "config": it could be read as two images`,
    )
  }
  if (inBody !== undefined && said !== '' && isKnown(said) && inBody !== said) {
    throw new DrayError(
      'malformed',
      `${where} has the media type ${inBody} in its body, and ${said} in its descriptor or Content-Type`,
    )
  }
  const type = inBody ?? (isKnown(said) ? said : hasChildren ? mediaTypes.index : mediaTypes.manifest)
  if (!isKnown(type)) {
    throw new DrayError(
      'unsupported',
      `${where} has the media type ${JSON.stringify(type)}, which is neither a manifest nor an index`,
    )
  }
  if (isArtifactManifestType(type) && hasContent) {
    throw new DrayError(
      'malformed',
      `${where} has the media type ${type} and "layers" or "config": it could be read as two artifacts`,
    )
  }
  // A body without `schemaVersion` says nothing of itself: `{}` is the answer of some servers that
  // have no referrers API.
  const isEmptyIndex =
    isIndexType(type) && !hasContent && (inBody !== undefined || body['schemaVersion'] === 2)
  if (isIndexType(type) !== hasChildren && !isEmptyIndex) {
    throw new DrayError(
      'malformed',
      `${where} has the media type ${type} and ${hasChildren ? 'has' : 'has no'} "manifests"`,
    )
  }
  return type
}

function isKnown(type: string): boolean {
  return isIndexType(type) || isManifestType(type)
}

/** Absent and null are empty, as in the Go types of image-spec (specs-go/v1). */
function descriptors(value: unknown, where: string): readonly Descriptor[] {
  if (value == null) return []
  if (!Array.isArray(value)) throw new DrayError('malformed', `${where} is not a list`)
  if (value.length > maxEntries)
    throw new DrayError('malformed', `${where} has more than ${maxEntries} entries`)
  return value.map((entry, i) => parseDescriptor(entry, `${where}[${i}]`))
}
