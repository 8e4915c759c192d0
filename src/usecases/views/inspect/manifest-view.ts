import type { Call } from '../../../lib/call.ts'
import type { Descriptor } from '../../../oci/descriptor.ts'
import { artifactTypeOf, blobsOf } from '../../../oci/manifest.ts'
import { formatPlatform } from '../../../oci/platform.ts'
import { formatAt } from '../../../oci/reference.ts'
import type { Graph, GraphNode } from '../../../images/graph/graph.ts'
import { type ImageConfigView, isImageConfig, readImageConfig } from '../../../images/config/image-config.ts'
import { inParallel } from '../../../images/parallel.ts'
import { isLeaf, type LeafNode, platformsOf } from '../../../images/graph/platform-images.ts'
import type { BlobReader } from '../../../images/ports.ts'
import { warnOnFailure } from '../warn-on-failure.ts'

/** Configs that are read in parallel. */
const readsAtOnce = 8

export interface ManifestView {
  readonly descriptor: Descriptor
  /** `linux/arm64/v8`, from the index or the config */
  readonly platform?: string
  readonly artifactType?: string
  readonly annotations: Readonly<Record<string, string>>
  /** bytes of its own blobs */
  readonly size: number
  /** absent for a withdrawn artifact manifest */
  readonly config?: Descriptor
  /** the lowest first; the blobs of an artifact manifest */
  readonly layers: readonly Descriptor[]
  /** the config, if it is one of an image and can be read */
  readonly image?: ImageConfigView
}

/**
 * Returns the manifests of a graph with their configs. A manifest that indexes list for several
 * platforms appears once for each. Warns about a config that cannot be read. @throws what the store
 * throws for the registry.
 */
export async function readManifests(
  store: BlobReader,
  graph: Graph,
  call: Call,
): Promise<readonly ManifestView[]> {
  const platforms = platformsOf(graph)
  const nodes = graph.nodes.filter(({ manifest }) => manifest.kind !== 'index')
  const read = await inParallel(nodes, readsAtOnce, call, async (node, c) => {
    const view = isLeaf(node) ? await readManifest(store, node, c) : describeArtifact(node)
    const inIndex = platforms.get(node.descriptor.digest)
    return inIndex?.map((platform) => ({ ...view, platform: formatPlatform(platform) })) ?? [view]
  })
  return read.flat()
}

async function readManifest(
  store: BlobReader,
  { descriptor, manifest }: LeafNode,
  call: Call,
): Promise<ManifestView> {
  const { config, layers, annotations = {} } = manifest
  const isImage = isImageConfig(config)
  const where = formatAt(store.repository, descriptor)
  const image = isImage
    ? await warnOnFailure(where, call, () => readImageConfig(store, config, call))
    : undefined
  const artifactType = isImage ? undefined : artifactTypeOf(manifest)
  return {
    descriptor,
    ...(image?.platform !== undefined && { platform: image.platform }),
    ...(artifactType !== undefined && { artifactType }),
    annotations,
    size: [config, ...layers].reduce((sum, blob) => sum + blob.size, 0),
    config,
    layers,
    ...(image !== undefined && { image }),
  }
}

function describeArtifact({ descriptor, manifest }: GraphNode): ManifestView {
  const { artifactType, annotations = {} } = manifest
  const layers = blobsOf(manifest)
  return {
    descriptor,
    ...(artifactType !== undefined && { artifactType }),
    annotations,
    size: layers.reduce((sum, blob) => sum + blob.size, 0),
    layers,
  }
}
