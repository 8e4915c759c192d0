import type { Graph, GraphNode } from '../../images/graph/graph.ts'
import { isImageConfig } from '../../images/config/image-config.ts'
import type { Digest } from '../../oci/digest.ts'
import { childrenOf } from '../../oci/manifest.ts'
import { formatPlatform, type Platform } from '../../oci/platform.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { JudgedSubject } from '../evidence.ts'

/** A platform image of a graph, with the descriptor of its config. */
export interface GraphPlatform {
  readonly subject: JudgedSubject & { readonly config: Digest }
  readonly config: Descriptor
}

/**
 * The platform images that gates apply to. This is stricter than what views show: an entry of an
 * index counts unless it is for `unknown/unknown`, because a client that runs images selects by the
 * platform and ignores annotations and types of configs.
 */
export function graphPlatforms(graph: Graph): readonly GraphPlatform[] {
  const listed = listedPlatforms(graph)
  return graph.nodes.flatMap((node) => platformsOfNode(node, listed.get(node.descriptor.digest)))
}

function platformsOfNode(
  { descriptor, manifest }: GraphNode,
  listed: readonly (Platform | undefined)[] = [undefined],
): readonly GraphPlatform[] {
  if (manifest.kind !== 'manifest') return []
  const { config } = manifest
  const subject = { digest: descriptor.digest, config: config.digest }
  const names = new Set(listed.map((platform) => (platform === undefined ? '' : formatPlatform(platform))))
  return [...names].flatMap((platform): readonly GraphPlatform[] => {
    if (isNoPlatform(platform)) return []
    // Without a platform in an index, the config says whether it is an image.
    if (platform === '') return isImageConfig(config) ? [{ subject, config }] : []
    return [{ subject: { ...subject, platform }, config }]
  })
}

/** The attestation manifests of buildx: entries for `unknown/unknown`. */
export function buildxManifests(graph: Graph): readonly Descriptor[] {
  const entries = entriesOfIndexes(graph).filter(
    ({ platform }) => platform !== undefined && isNoPlatform(formatPlatform(platform)),
  )
  return [...new Map(entries.map((entry) => [entry.digest, entry])).values()]
}

function listedPlatforms(graph: Graph): ReadonlyMap<Digest, readonly (Platform | undefined)[]> {
  const entries = Map.groupBy(entriesOfIndexes(graph), ({ digest }) => digest)
  return new Map([...entries].map(([digest, same]) => [digest, same.map(({ platform }) => platform)]))
}

function entriesOfIndexes(graph: Graph): readonly Descriptor[] {
  return graph.nodes.flatMap(({ manifest }) => childrenOf(manifest))
}

function isNoPlatform(platform: string): boolean {
  return platform === 'unknown/unknown'
}
