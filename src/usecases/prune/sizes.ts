import type { Digest } from '../../oci/digest.ts'
import type { RepositoryNode } from '../../images/graph/repository-node.ts'
import type { RepositorySnapshot } from './snapshot.ts'

type SizedContent = Pick<RepositorySnapshot, 'graph' | 'inventory'>

/**
 * Sums the bytes of a manifest, its blobs and its children; content that occurs twice counts once.
 * Of an image that dray has not read as a whole, returns the bytes that the inventory gives, or
 * undefined if it gives none.
 */
export function sizeOfImage(content: SizedContent, root: Digest): number | undefined {
  const { graph, inventory } = content
  const sizes = new Map<Digest, number>()
  const seen = new Set<Digest>()
  const open: Digest[] = [root]
  for (let digest = open.pop(); digest !== undefined; digest = open.pop()) {
    const node = graph.nodes.get(digest)
    if (node === undefined || seen.has(digest)) continue
    seen.add(digest)
    if (!addContent(sizes, node, content))
      return inventory?.knows.size === 'image' ? inventory.entries.get(root)?.bytes : undefined
    open.push(...node.children.map((child) => child.digest))
  }
  return sum(sizes)
}

/** Returns the bytes of a manifest and its blobs; undefined: unknown. */
export function sizeOfContent(content: SizedContent, node: RepositoryNode): number | undefined {
  const sizes = new Map<Digest, number>()
  return addContent(sizes, node, content) ? sum(sizes) : undefined
}

/**
 * Sums the bytes of the garbage and of those of its blobs that no kept manifest refers to.
 * `isMost`: dray has not read all kept manifests, so that they may refer to some of these blobs.
 */
export function sumFreedBytes(
  content: SizedContent,
  garbage: ReadonlySet<Digest>,
): { readonly freed: number; readonly isMost: boolean } {
  const { graph } = content
  const contents = new Map<Digest, number>()
  for (const digest of garbage) {
    const node = graph.nodes.get(digest)
    if (node !== undefined) addContent(contents, node, content)
  }
  let isMost = false
  for (const node of graph.nodes.values()) {
    if (garbage.has(node.descriptor.digest)) continue
    isMost ||= node.isListed === true
    for (const { digest } of node.blobs) contents.delete(digest)
  }
  return { freed: sum(contents), isMost: isMost && contents.size > 0 }
}

/** Adds the content of a manifest; false: its size is unknown. */
function addContent(
  contents: Map<Digest, number>,
  node: RepositoryNode,
  { inventory }: SizedContent,
): boolean {
  if (node.isListed === true) {
    const { digest } = node.descriptor
    const isOwn = inventory?.knows.size === 'content' || node.kind === 'manifest'
    const bytes = isOwn && inventory?.knows.size !== 'no' ? inventory?.entries.get(digest)?.bytes : undefined
    if (bytes !== undefined) contents.set(digest, bytes)
    return bytes !== undefined
  }
  for (const { digest, size } of [node.descriptor, ...node.blobs]) contents.set(digest, size)
  return true
}

/** Sums the known bytes of all distinct manifests and blobs. */
export function sumStoredBytes(content: SizedContent): number {
  const contents = new Map<Digest, number>()
  for (const node of content.graph.nodes.values()) addContent(contents, node, content)
  return sum(contents)
}

function sum(contents: ReadonlyMap<Digest, number>): number {
  let bytes = 0
  for (const size of contents.values()) bytes += size
  return bytes
}
