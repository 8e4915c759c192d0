import { type Evidence, EvidenceSearch } from '../../../images/evidence/evidence.ts'
import { type Graph, walkGraph } from '../../../images/graph/graph.ts'
import { inParallel } from '../../../images/parallel.ts'
import type { Repositories } from '../../../images/ports.ts'
import { SharedTagLists } from '../../../images/tags/shared-tag-list.ts'
import type { Call } from '../../../lib/call.ts'
import { DrayError } from '../../../lib/errors.ts'
import { bareDescriptor, type Descriptor, isNonDistributable } from '../../../oci/descriptor.ts'
import { formatPlatform } from '../../../oci/platform.ts'
import { formatAt, formatRepository } from '../../../oci/reference.ts'
import type { BundleRoot } from '../../../plan/bundle/bundle-document.ts'
import type { PackRequest } from './request.ts'

/** Images that are read at once. */
const imagesAtOnce = 16

export interface PackOptions {
  /** pack attached artifacts */
  readonly evidence: boolean
  /** the action for a listed attached artifact without a manifest */
  readonly dangling: 'fail' | 'skip'
}

/** An image or an attached artifact with all of its content. */
export interface PackedRoot {
  readonly request: PackRequest
  readonly root: Descriptor
  /** the root first */
  readonly manifests: readonly Descriptor[]
  readonly blobs: readonly Descriptor[]
  /** of an index of which some platforms are packed */
  readonly platforms?: readonly string[]
  readonly attached?: NonNullable<BundleRoot['attached']>
}

/** An image, then its attached artifacts. */
export type PackedImage = readonly [PackedRoot, ...PackedRoot[]]

/**
 * Reads the manifests of all images and their attached artifacts, in the order of the requests.
 * Only descriptors are kept.
 * @throws `not-found`; what the stores throw.
 */
export async function gatherBundle(
  requests: readonly PackRequest[],
  stores: Repositories,
  options: PackOptions,
  call: Call,
): Promise<readonly PackedImage[]> {
  const lists = new SharedTagLists(call)
  return await inParallel(requests, imagesAtOnce, call, async (request, c): Promise<PackedImage> => {
    const store = stores.source(request.repository)
    const list = lists.of(store)
    if (options.evidence) list.prefetch()
    const content = await store.findManifest(request.at, c)
    if (content === undefined) throw missingImage(request)
    const { platforms } = request
    const graph = await walkGraph(store, content, c, platforms === undefined ? {} : { platforms })
    warnAboutNonDistributable(graph, request, c)
    const image: PackedRoot = {
      ...packed(request, graph),
      ...(platforms !== undefined &&
        graph.omitted.length > 0 && { platforms: platforms.map(formatPlatform).toSorted() }),
    }
    if (!options.evidence) return [image]
    const { digest } = content.descriptor
    const search = new EvidenceSearch(store, { dangling: options.dangling, tags: list, readByName: digest })
    await search.find(
      graph.nodes.map((node) => node.descriptor.digest),
      c,
    )
    return [image, ...search.found.map((one) => packedEvidence(request, one))]
  })
}

function packed(request: PackRequest, graph: Graph): PackedRoot {
  return {
    request,
    root: bareDescriptor(graph.nodes[0]?.descriptor ?? graph.root),
    manifests: graph.nodes.map(({ descriptor }) => bareDescriptor(descriptor)),
    blobs: graph.blobs.filter((blob) => !isNonDistributable(blob)).map(bareDescriptor),
  }
}

function packedEvidence(request: PackRequest, { subject, manifest, via, tag, graph }: Evidence): PackedRoot {
  const { artifactType } = manifest
  const content = packed(request, graph)
  return {
    ...content,
    root: { ...content.root, ...(artifactType !== undefined && { artifactType }) },
    attached: { subject, via, ...(tag !== undefined && { tag }) },
  }
}

function missingImage({ image, repository, at }: PackRequest): DrayError {
  const name = formatAt(repository, at)
  return new DrayError('not-found', `cannot pack ${image}: the image does not exist`, {
    subject: name,
    hint: `List the tags with: dray ls ${formatRepository(repository)}`,
  })
}

function warnAboutNonDistributable({ blobs }: Graph, { image }: PackRequest, call: Call): void {
  const count = blobs.filter(isNonDistributable).length
  if (count === 0) return
  const text = `dray does not pack ${count} non-distributable ${count === 1 ? 'layer' : 'layers'}`
  call.notify({ kind: 'warning', text, from: image })
}
