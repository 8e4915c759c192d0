import type { Digest } from '../../oci/digest.ts'
import type { RepositoryGraph } from '../../images/graph/repository-graph.ts'
import type { RepositoryNode } from '../../images/graph/repository-node.ts'

/**
 * Sums the bytes of a manifest, its blobs and its children; content that occurs twice counts once.
 */
export function sumImageBytes(graph: RepositoryGraph, root: Digest): number {
  const sizes = new Map<Digest, number>()
  const seen = new Set<Digest>()
  const open: Digest[] = [root]
  for (let digest = open.pop(); digest !== undefined; digest = open.pop()) {
    const node = graph.nodes.get(digest)
    if (node === undefined || seen.has(digest)) continue
    seen.add(digest)
    addContent(sizes, node)
    open.push(...node.children.map((child) => child.digest))
  }
  return sum(sizes)
}

/** Sums the bytes of the garbage and of those of its blobs that no kept manifest refers to. */
export function sumFreedBytes(graph: RepositoryGraph, garbage: ReadonlySet<Digest>): number {
  const contents = new Map<Digest, number>()
  for (const digest of garbage) {
    const node = graph.nodes.get(digest)
    if (node !== undefined) addContent(contents, node)
  }
  for (const node of graph.nodes.values()) {
    if (!garbage.has(node.descriptor.digest)) for (const { digest } of node.blobs) contents.delete(digest)
  }
  return sum(contents)
}

function addContent(contents: Map<Digest, number>, node: RepositoryNode): void {
  for (const { digest, size } of [node.descriptor, ...node.blobs]) contents.set(digest, size)
}

function sum(contents: ReadonlyMap<Digest, number>): number {
  let bytes = 0
  for (const size of contents.values()) bytes += size
  return bytes
}
