import type { Call } from '../../../lib/call.ts'
import { DrayError } from '../../../lib/errors.ts'
import { bareDescriptor, type Descriptor } from '../../../oci/descriptor.ts'
import { childrenOf, parseManifest } from '../../../oci/manifest.ts'
import { formatPlatform, type Platform } from '../../../oci/platform.ts'
import { formatAt, formatTagOrDigest, type RepositoryName, type TagOrDigest } from '../../../oci/reference.ts'
import { suggestTags } from '../../../semver/suggest-tags.ts'
import { plainReading, type VersionReading } from '../../../semver/version.ts'
import { createdOf } from '../../../images/config/dated-images.ts'
import { EvidenceSearch } from '../../../images/evidence/evidence.ts'
import { SharedTagList } from '../../../images/tags/shared-tag-list.ts'
import type { TagList } from '../../../images/tags/tag-list.ts'
import { type Graph, walkGraph } from '../../../images/graph/graph.ts'
import { attestationChildren, platformImages } from '../../../images/graph/platform-images.ts'
import { isAttestationChild } from '../../../images/graph/select-platforms.ts'
import type {
  BlobReader,
  ManifestContent,
  Capabilities,
  ManifestReader,
  SourceRepository,
  TagLister,
} from '../../../images/ports.ts'
import { choosePlatform } from './choose-platform.ts'
import { type EvidenceView, readAttestationChildren, subjectOf, describeEvidence } from './evidence-view.ts'
import { type ManifestView, readManifests } from './manifest-view.ts'
import { explainMissing } from '../../../images/graph/explain-missing.ts'
import { warnOnFailure } from '../warn-on-failure.ts'
import {
  readTagList,
  type ListedTags,
  type TagsOnImage,
  resolveTagsOn,
  type TagSearch,
} from '../list/tags-on.ts'

export interface ImageView extends TagsOnImage {
  readonly repository: RepositoryName
  /** the requested tag or digest */
  readonly at: string
  readonly image: Descriptor
  /** if one platform was requested: the index that has `image`; `tags` are on this index */
  readonly index?: Descriptor
  readonly kind: 'index' | 'manifest'
  readonly artifactType?: string
  readonly annotations: Readonly<Record<string, string>>
  /** as it is written in the image; of an index without the annotation, in its newest image */
  readonly created?: string
  /** bytes of all distinct blobs and manifests that exist, without evidence */
  readonly size: number
  /** all manifests below an index, with attestations that are children; else the image itself */
  readonly manifests: readonly ManifestView[]
  /** children of an index that do not exist; absent if all exist */
  readonly missing?: readonly MissingView[]
  /** null if it cannot be read */
  readonly evidence: readonly EvidenceView[] | null
}

export interface MissingView {
  readonly descriptor: Descriptor
  /** from the index */
  readonly platform?: string
}

export interface InspectOptions {
  readonly tags: TagSearch
  /** how the tags of the repository are read as versions; undefined: by the defaults */
  readonly reading?: VersionReading
  /** inspect the manifest of an index for this platform */
  readonly platform?: Platform
}

/**
 * Reads an image, its platforms, its tags and its evidence. Warns about content that cannot be
 * read and returns the rest, because a user inspects an image to see its faults.
 * @throws `not-found`, and what the store throws for the image itself and for the registry.
 */
export async function inspectImage(
  store: SourceRepository,
  at: TagOrDigest,
  options: InspectOptions,
  call: Call,
): Promise<ImageView> {
  const { reading = plainReading } = options
  const requested = await find(store, at, reading, call)
  const content =
    options.platform === undefined
      ? requested
      : await choosePlatform(store, requested, options.platform, call)
  const [graph, listed] = await Promise.all([
    walkGraph(store, content, call, { missing: 'keep' }),
    readTagList(store, options.tags, call),
  ])
  const [manifests, tags, evidence] = await Promise.all([
    readManifests(store, graph, call),
    resolveTagsOn(store, requested.descriptor.digest, at, listed, reading, call),
    warnOnFailure(formatAt(store.repository, at), call, () =>
      readEvidence(store, requested, graph, listed, call),
    ),
  ])
  const missing = missingIn(graph)
  const isChild = content.descriptor.digest !== requested.descriptor.digest
  return {
    repository: store.repository,
    at: formatTagOrDigest(at),
    image: content.descriptor,
    ...(isChild && { index: requested.descriptor }),
    ...rootOf(graph, manifests),
    size: graph.size,
    ...tags,
    manifests,
    ...(missing.length > 0 && { missing }),
    evidence: evidence ?? null,
  }
}

/** Yields the bytes of a manifest in one chunk. @throws `not-found`; what the store throws. */
export async function* readRawManifest(
  store: ManifestReader & BlobReader & TagLister & Capabilities,
  at: TagOrDigest,
  { reading = plainReading, platform }: Pick<InspectOptions, 'reading' | 'platform'>,
  call: Call,
): AsyncGenerator<Uint8Array, void> {
  const requested = await find(store, at, reading, call)
  yield platform === undefined
    ? requested.bytes
    : (await choosePlatform(store, requested, platform, call)).bytes
}

async function find(
  store: ManifestReader & TagLister & Capabilities,
  at: TagOrDigest,
  reading: VersionReading,
  call: Call,
): Promise<ManifestContent> {
  const content = await store.findManifest(at, call)
  if (content !== undefined) return content
  throw await explainMissing(store, { at }, (tag, tags) => suggestTags(tag, tags, reading), call)
}

function rootOf(
  graph: Graph,
  manifests: readonly ManifestView[],
): Pick<ImageView, 'kind' | 'artifactType' | 'annotations' | 'created'> {
  const root = graph.nodes[0]?.manifest
  if (root === undefined) throw new DrayError('internal', 'the graph of an image has no root')
  const configs = new Map(manifests.map(({ descriptor, image }) => [descriptor.digest, image]))
  const images = platformImages(graph).map((one) => {
    const config = configs.get(one.node.descriptor.digest)
    return { ...one, ...(config !== undefined && { config }) }
  })
  const created = createdOf(graph, images)
  return {
    kind: root.kind === 'index' ? 'index' : 'manifest',
    ...(root.artifactType !== undefined && { artifactType: root.artifactType }),
    annotations: root.annotations ?? {},
    ...(created !== undefined && { created }),
  }
}

/** Omits attestations, which are part of the evidence. */
function missingIn({ missing }: Graph): readonly MissingView[] {
  return missing
    .filter((child) => !isAttestationChild(child))
    .map((child) => ({
      descriptor: bareDescriptor(child),
      ...(child.platform !== undefined && { platform: formatPlatform(child.platform) }),
    }))
}

async function readEvidence(
  store: SourceRepository,
  asked: ManifestContent,
  graph: Graph,
  { list }: ListedTags,
  call: Call,
): Promise<readonly EvidenceView[]> {
  const search = new EvidenceSearch(store, {
    dangling: 'skip',
    tags: new SharedTagList(store, call, listForEvidence(graph, list)),
  })
  const [inIndex] = await Promise.all([
    readAttestationChildren(store, graph.root.digest, attestationsOf(asked, graph), call),
    search.find(
      graph.nodes.map((node) => node.descriptor.digest),
      call,
    ),
  ])
  return [...search.found.map(describeEvidence), ...inIndex]
}

/**
 * The list as far as it was read serves one manifest. Several are worth a list of their own, which
 * replaces reads of single tags.
 */
function listForEvidence(graph: Graph, list: TagList | undefined): TagList | undefined {
  if (list?.isWhole === true) return list
  return graph.nodes.length > 1 ? undefined : (list ?? { tags: new Set(), isWhole: false })
}

/** Returns the attestations in indexes; of one platform, those that its index has for it. */
function attestationsOf(asked: ManifestContent, graph: Graph): readonly Descriptor[] {
  if (graph.root.digest === asked.descriptor.digest) return attestationChildren(graph)
  const index = parseManifest(asked.bytes, asked.descriptor.mediaType, asked.descriptor.digest)
  return childrenOf(index).filter(
    (child) => isAttestationChild(child) && subjectOf(child) === graph.root.digest,
  )
}
