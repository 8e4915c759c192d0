import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import { childrenOf, type Manifest } from '../../oci/manifest.ts'
import { formatPlatform, type Platform } from '../../oci/platform.ts'
import type { Graph, GraphNode } from './graph.ts'
import { isImageConfig } from '../config/image-config.ts'
import { isAttestationChild } from './select-platforms.ts'

/** A manifest that has a config and layers. */
export type LeafNode = GraphNode & { readonly manifest: Extract<Manifest, { readonly kind: 'manifest' }> }

/** A manifest of an image that can be run. */
export interface PlatformImage {
  readonly node: LeafNode
  /** from the index; undefined if no index has it: then the config has it */
  readonly platform?: Platform
}

/**
 * The manifests in a graph that are neither indexes nor attestations, in the order of the indexes.
 */
function leavesOf(graph: Graph): readonly LeafNode[] {
  const attestations = new Set(attestationChildren(graph).map(({ digest }) => digest))
  return graph.nodes.filter(isLeaf).filter(({ descriptor }) => !attestations.has(descriptor.digest))
}

/**
 * The images in a graph, one for each platform in its index. An artifact that is no image has none.
 */
export function platformImages(graph: Graph): readonly PlatformImage[] {
  const platforms = platformsOf(graph)
  return leavesOf(graph)
    .filter(({ manifest }) => isImageConfig(manifest.config))
    .flatMap((node): readonly PlatformImage[] => {
      const listed = platforms.get(node.descriptor.digest)
      return listed === undefined ? [{ node }] : listed.map((platform) => ({ node, platform }))
    })
}

/**
 * The platforms of manifests in indexes, each once: a manifest may have several (linux/arm64 and
 * linux/arm64/v8).
 */
export function platformsOf(graph: Graph): ReadonlyMap<Digest, readonly Platform[]> {
  const found = new Map<Digest, Map<string, Platform>>()
  for (const { digest, platform } of childrenInIndexes(graph)) {
    if (platform === undefined) continue
    const those = found.get(digest) ?? new Map<string, Platform>()
    found.set(digest, those.set(formatPlatform(platform), platform))
  }
  return new Map([...found].map(([digest, those]) => [digest, [...those.values()]]))
}

/** The attestations that buildkit stored in an index. */
export function attestationChildren(graph: Graph): readonly Descriptor[] {
  return childrenInIndexes(graph).filter(isAttestationChild)
}

/** The descriptors of children in the indexes of a graph. */
function childrenInIndexes(graph: Graph): readonly Descriptor[] {
  return graph.nodes.flatMap(({ manifest }) => childrenOf(manifest))
}

export function isLeaf(node: GraphNode): node is LeafNode {
  return node.manifest.kind === 'manifest'
}
