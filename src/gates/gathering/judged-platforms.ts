import type { Graph, GraphNode } from '../../images/graph/graph.ts'
import { isImageConfig } from '../../images/config/image-config.ts'
import { type Digest, digestOf } from '../../oci/digest.ts'
import { childrenOf } from '../../oci/manifest.ts'
import { formatPlatform, type Platform } from '../../oci/platform.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { JudgedSubject } from '../evidence.ts'

/** The config of artifacts that have none (image-spec, manifest.md): it names no platform. */
const emptyConfig = digestOf('{}')

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
  entries: readonly (Platform | undefined)[] | undefined,
): readonly GraphPlatform[] {
  if (manifest.kind !== 'manifest') return []
  const { config } = manifest
  const subject = { digest: descriptor.digest, config: config.digest }
  const listed = entries ?? [undefined]
  const names = new Set(listed.map((platform) => (platform === undefined ? '' : formatPlatform(platform))))
  return [...names].flatMap((platform): readonly GraphPlatform[] => {
    if (isNoPlatform(platform)) return []
    // A client reads the platform of such an entry from its config, and ignores the config's type.
    const mayRun = isImageConfig(config) || (entries !== undefined && config.digest !== emptyConfig)
    if (platform === '') return mayRun ? [{ subject, config }] : []
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
