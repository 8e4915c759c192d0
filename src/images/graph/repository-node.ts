import { annotationKeys, predicateTypeKeys } from '../../oci/annotations.ts'
import { bareDescriptor, type Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import { artifactTypeOf, blobsOf, childrenOf, type Manifest, takeManifest } from '../../oci/manifest.ts'
import { isIndexType, isManifestType } from '../../oci/media-types.ts'
import { formatPlatform } from '../../oci/platform.ts'
import type { InventoryEntry } from '../inventory/inventory.ts'
import { isImageConfig } from '../config/image-config.ts'
import { holdPredicateType } from '../holds/hold-tag.ts'
import { embeddedLayer } from './embedded-layer.ts'
import { isAttestationChild } from './select-platforms.ts'
import type { ManifestContent } from '../ports.ts'

/** A manifest of a repository, reduced to the content that it reaches. */
export interface RepositoryNode {
  /** media type, digest and size alone */
  readonly descriptor: Descriptor
  /** `opaque`: of a kind that dray does not read (docker schema 1); it reaches only its layers */
  readonly kind: 'index' | 'manifest' | 'opaque'
  /** of an index, in its order */
  readonly children: readonly ChildEntry[]
  readonly blobs: readonly NodeBlob[]
  /** the config of an image, which may have its time */
  readonly config?: Descriptor
  readonly subject?: Digest
  readonly artifactType?: string
  /** the annotation `org.opencontainers.image.created`, unparsed */
  readonly created?: string
  /** of a referrer with one layer, which may be an attestation */
  readonly statement?: StatementLayer
  /**
   * the inventory lists the manifest, and dray has not read it: it has what the vendor gives, and
   * no blobs
   */
  readonly isListed?: true
}

/** The only layer of a referrer, and the predicate type that the annotations state. */
export interface StatementLayer {
  readonly layer: Descriptor
  readonly predicateType?: string
  /** of a hold: the content of the layer, if the manifest contains it */
  readonly embedded?: Uint8Array
}

interface ChildEntry {
  readonly digest: Digest
  /** it describes another child and cannot be run */
  readonly isAttestation: boolean
  /** `linux/arm64`, if the index has it */
  readonly platform?: string
}

/** size in bytes */
export interface NodeBlob {
  readonly digest: Digest
  readonly size: number
}

/**
 * Reduces a manifest to the content that it reaches. @throws `malformed`, `unsupported` (schema 1).
 */
export function nodeOf({ bytes, descriptor }: ManifestContent, where: string): RepositoryNode {
  const manifest = takeManifest(bytes, descriptor.mediaType, where)
  const { mediaType, subject, annotations } = manifest
  const artifactType = artifactTypeOf(manifest)
  const created = annotations?.[annotationKeys.created]
  return {
    descriptor: bareDescriptor({ mediaType, digest: descriptor.digest, size: descriptor.size }),
    kind: manifest.kind === 'index' ? 'index' : 'manifest',
    children: childrenOf(manifest).map((child) => ({
      digest: child.digest,
      isAttestation: isAttestationChild(child),
      ...(child.platform !== undefined && { platform: formatPlatform(child.platform) }),
    })),
    blobs: blobsOf(manifest).map(({ digest, size }) => ({ digest, size })),
    ...(manifest.kind === 'manifest' &&
      isImageConfig(manifest.config) && { config: bareDescriptor(manifest.config) }),
    ...(subject !== undefined && { subject: subject.digest }),
    ...(artifactType !== undefined && { artifactType }),
    ...(created !== undefined && { created }),
    ...statementOf(manifest, bytes),
  }
}

function statementOf(manifest: Manifest, bytes: Uint8Array): { readonly statement?: StatementLayer } {
  if (manifest.kind !== 'manifest' || manifest.subject === undefined) return {}
  const [layer, ...others] = manifest.layers
  if (layer === undefined || others.length > 0) return {}
  const predicateType = predicateTypeKeys.map((key) => manifest.annotations?.[key]).find(Boolean)
  const base = { layer: bareDescriptor(layer) }
  if (predicateType === undefined) return { statement: base }
  const embedded = predicateType === holdPredicateType ? embeddedLayer(bytes, layer) : undefined
  return { statement: { ...base, predicateType, ...(embedded !== undefined && { embedded }) } }
}

/** The node of a manifest that only the inventory shows. */
export function listedNode({
  digest,
  mediaType = '',
  artifactType,
  subject,
  children,
}: InventoryEntry): RepositoryNode {
  return {
    descriptor: { mediaType, digest, size: 0 },
    kind: isIndexType(mediaType) ? 'index' : isManifestType(mediaType) ? 'manifest' : 'opaque',
    children: children?.map((child) => ({ digest: child, isAttestation: false })) ?? nothing,
    blobs: nothing,
    ...(subject !== undefined && { subject }),
    ...(artifactType !== undefined && { artifactType }),
    isListed: true,
  }
}

/**
 * Keeps what the vendor gives beside the content of a manifest: Harbor lists attestations of
 * BuildKit and signatures as parts of their image, also if their manifests have no subject.
 */
export function withListed(node: RepositoryNode, listed: RepositoryNode): RepositoryNode {
  if (listed.subject === undefined && listed.children.length === 0) return node
  const own = new Set(node.children.map(({ digest }) => digest))
  const more = listed.children.filter(({ digest }) => !own.has(digest))
  const { subject = listed.subject } = node
  return {
    ...node,
    ...(subject !== undefined && { subject }),
    ...(more.length > 0 && {
      children: [...node.children, ...more.map(({ digest }) => ({ digest, isAttestation: true }))],
    }),
  }
}

/** A repository can have 100,000 manifests that are not read. */
const nothing: readonly never[] = []

export function opaqueNode(descriptor: Descriptor): RepositoryNode {
  return { descriptor: bareDescriptor(descriptor), kind: 'opaque', children: [], blobs: [] }
}
