import type { Call } from '../call.ts'
import { DrayError, isDrayError } from '../errors.ts'
import { nearestFew } from '../nearest.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { isEvidenceTag } from '../oci/evidence-tags.ts'
import { artifactTypeOf } from '../oci/manifest.ts'
import { formatPlatform } from '../oci/platform.ts'
import { formatAt, formatTagOrDigest, type RepositoryName, type TagOrDigest } from '../oci/reference.ts'
import { type Evidence, EvidenceSearch } from '../store/evidence.ts'
import { type Graph, type GraphNode, walkGraph } from '../store/graph.ts'
import { inParallel } from '../store/parallel.ts'
import type { SourceStore } from '../store/store.ts'
import { type ImageConfigView, isImageConfig, readImageConfig } from '../store/image-config.ts'
import { listRepository } from './list.ts'

/** Configs that are read at once. */
const readsAtOnce = 8
/** A mistyped tag is compared with the first so many. */
const maxTagsCompared = 5000

export interface ImageView {
  readonly repository: RepositoryName
  /** what it was asked for by: a tag or a digest */
  readonly at: string
  readonly image: Descriptor
  readonly kind: 'index' | 'manifest'
  readonly artifactType?: string
  readonly annotations: Readonly<Record<string, string>>
  /** bytes of all distinct blobs and manifests, without evidence */
  readonly size: number
  /** the manifests in it: of an index its children, to the end; else itself */
  readonly manifests: readonly ManifestView[]
  readonly evidence: readonly EvidenceView[]
  /** every tag on this digest, where they were asked for */
  readonly tags?: readonly string[]
}

export interface ManifestView {
  readonly descriptor: Descriptor
  /** `linux/arm64/v8`, as the index or the config says */
  readonly platform?: string
  readonly artifactType?: string
  readonly annotations: Readonly<Record<string, string>>
  /** bytes of its own blobs */
  readonly size: number
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
  /** of the config, where it is an image's */
  readonly image?: ImageConfigView
}

export interface EvidenceView {
  /** the manifest that it speaks of: of the image, or of other evidence */
  readonly subject: Digest
  readonly descriptor: Descriptor
  readonly artifactType?: string
  /** found by its `subject` field, or under one of cosign's tags */
  readonly via: 'subject' | 'tag'
  readonly tag?: string
  /** bytes, with all that it consists of */
  readonly size: number
}

export interface InspectOptions {
  /** look for all tags on the digest: reads the list of tags and each tag */
  readonly tags: boolean
}

/** Looks at one image, its platforms and its evidence. @throws `not-found`, and what the store throws. */
export async function inspectImage(
  store: SourceStore,
  at: TagOrDigest,
  options: InspectOptions,
  call: Call,
): Promise<ImageView> {
  const content = await store.findManifest(at, call)
  if (content === undefined) throw await notThere(store, at, call)
  const graph = await walkGraph(store, content, call)
  const root = graph.nodes[0]
  if (root === undefined) throw new DrayError('internal', 'the graph of an image has no root')
  const search = new EvidenceSearch(store, { dangling: 'skip' })
  const [manifests, tags] = await Promise.all([
    readManifests(store, graph, call),
    options.tags ? tagsOn(store, root.descriptor.digest, call) : undefined,
    search.look(
      graph.nodes.map((node) => node.descriptor.digest),
      call,
    ),
  ])
  const artifactType = root.manifest.artifactType
  return {
    repository: store.repository,
    at: formatTagOrDigest(at),
    image: root.descriptor,
    kind: root.manifest.kind,
    ...(artifactType !== undefined && { artifactType }),
    annotations: root.manifest.annotations ?? {},
    size: graph.size,
    manifests,
    evidence: search.found.map(viewOfEvidence),
    ...(tags !== undefined && { tags }),
  }
}

async function readManifests(store: SourceStore, graph: Graph, call: Call): Promise<readonly ManifestView[]> {
  const leaves = graph.nodes.filter(({ manifest }) => manifest.kind === 'manifest')
  const platforms = new Map(
    graph.nodes.flatMap(({ manifest }) =>
      manifest.kind === 'index'
        ? manifest.manifests.flatMap(({ digest, platform }) =>
            platform === undefined ? [] : [[digest, formatPlatform(platform)] as const],
          )
        : [],
    ),
  )
  return await inParallel(leaves, readsAtOnce, call, (node, c) =>
    readManifest(store, node, platforms.get(node.descriptor.digest), c),
  )
}

async function readManifest(
  store: SourceStore,
  { descriptor, manifest }: GraphNode,
  inIndex: string | undefined,
  call: Call,
): Promise<ManifestView> {
  if (manifest.kind !== 'manifest') throw new DrayError('internal', 'an index has no config')
  const { config, layers, annotations = {} } = manifest
  const image = isImageConfig(config) ? await readImageConfig(store, config, call) : undefined
  const platform = inIndex ?? image?.platform
  const artifactType = image === undefined ? artifactTypeOf(manifest) : undefined
  return {
    descriptor,
    ...(platform !== undefined && { platform }),
    ...(artifactType !== undefined && { artifactType }),
    annotations,
    size: [config, ...layers].reduce((sum, blob) => sum + blob.size, 0),
    config,
    layers,
    ...(image !== undefined && { image }),
  }
}

function viewOfEvidence({ subject, manifest, via, tag, graph }: Evidence): EvidenceView {
  const root = graph.nodes[0]
  const artifactType =
    manifest.artifactType ?? (root === undefined ? undefined : artifactTypeOf(root.manifest))
  return {
    subject,
    descriptor: manifest,
    ...(artifactType !== undefined && { artifactType }),
    via,
    ...(tag !== undefined && { tag }),
    size: graph.size,
  }
}

async function tagsOn(store: SourceStore, digest: Digest, call: Call): Promise<readonly string[]> {
  const { tags } = await listRepository(
    store,
    { limit: undefined, evidenceTags: true, brief: true, filter: {}, now: 0 },
    call,
  )
  return tags.filter(({ image }) => image?.digest === digest).map(({ tag }) => tag)
}

async function notThere(store: SourceStore, at: TagOrDigest, call: Call): Promise<DrayError> {
  const near = 'tag' in at ? await nearestTags(store, at.tag, call) : []
  const hint =
    near.length > 0
      ? `The nearest tags are ${near.join(', ')}.`
      : 'Check the name; "dray ls" lists the tags of a repository.'
  return new DrayError('not-found', `${formatAt(store.repository, at)} is not there`, { hint })
}

/** None where the tags cannot be listed: the image is not there in any case. */
async function nearestTags(store: SourceStore, tag: string, call: Call): Promise<readonly string[]> {
  try {
    const tags: string[] = []
    for await (const page of store.tagPages(call)) {
      tags.push(...page.filter((name) => !isEvidenceTag(name)))
      if (tags.length > maxTagsCompared) break
    }
    return nearestFew(tag, tags, 3)
  } catch (error) {
    call.signal.throwIfAborted()
    if (isDrayError(error)) return []
    throw error
  }
}
