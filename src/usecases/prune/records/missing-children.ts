import type { RepositoryGraph } from '../../../images/graph/repository-graph.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { MissingChild } from '../../../plan/prune/prune-plan.ts'

/**
 * The children of an index and of the indexes in it, each once, whether they exist or not. Pure.
 * @param isEntered whether the children of a manifest count; all do by default
 */
export function listChildren(
  { nodes }: RepositoryGraph,
  root: Digest,
  isEntered: (digest: Digest) => boolean = () => true,
): readonly MissingChild[] {
  const found = new Map<Digest, MissingChild>()
  const open: Digest[] = [root]
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (!isEntered(at)) continue
    for (const { digest, platform } of nodes.get(at)?.children ?? []) {
      if (found.has(digest)) continue
      found.set(digest, { digest, ...(platform !== undefined && { platform }) })
      open.push(digest)
    }
  }
  return [...found.values()]
}

/**
 * The missing children of an index. An index that was copied without some platforms is not broken.
 * Pure.
 */
export function listMissingChildren(
  graph: RepositoryGraph,
  root: Digest,
  sparse: ReadonlySet<Digest>,
): readonly MissingChild[] {
  if (graph.missing.size === 0) return []
  const children = listChildren(graph, root, (digest) => !sparse.has(digest))
  return children.filter(({ digest }) => graph.missing.has(digest))
}
