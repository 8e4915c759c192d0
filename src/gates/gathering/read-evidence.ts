import { type Evidence, EvidenceSearch } from '../../images/evidence/evidence.ts'
import { type Graph, walkGraph } from '../../images/graph/graph.ts'
import { selectChildren } from '../../images/graph/select-platforms.ts'
import type { SourceRepository } from '../../images/ports.ts'
import type { SharedTagList } from '../../images/tags/shared-tag-list.ts'
import type { Call } from '../../lib/call.ts'
import { formatCause, isContentFailure } from '../../lib/errors.ts'
import { childrenOf, parseManifest } from '../../oci/manifest.ts'
import { formatAt } from '../../oci/reference.ts'
import type { GateRequest } from '../gate-request.ts'

/** An image in its source repository, and what is attached to it. */
export interface ReadImage {
  readonly graph: Graph
  readonly evidence: readonly Evidence[]
  /** why what is attached cannot be read as a whole: a listed artifact is missing or damaged */
  readonly reason?: string
}

/**
 * Returns the content of an image that the run has read, or reads it. A listed artifact that does
 * not exist is a reason to refuse, and no flag changes that: it may be a rejection.
 * @throws what the store throws: a list that cannot be read is never an empty list.
 */
export async function readImage(
  { root, read, platforms }: GateRequest,
  store: SourceRepository,
  tags: SharedTagList,
  call: Call,
): Promise<ReadImage> {
  if (read !== undefined) return read
  const content = await store.manifest(root, call)
  const where = formatAt(store.repository, { digest: root.digest })
  const manifest = parseManifest(content.bytes, content.descriptor.mediaType, where)
  const children = platforms === undefined ? childrenOf(manifest) : selectChildren(manifest, platforms)
  const known = [root, ...children].map(({ digest }) => digest)
  const search = new EvidenceSearch(store, {
    dangling: 'fail',
    tags,
    ...(known.length === 1 && { readByName: root.digest }),
  })
  const find = async (graph: Promise<Graph>): Promise<string | undefined> => {
    try {
      await search.find(known, call)
      await search.find(
        (await graph).nodes.map(({ descriptor }) => descriptor.digest),
        call,
      )
      return undefined
    } catch (error) {
      if (!isContentFailure(error) || call.signal.aborted) throw error
      return formatCause(error)
    }
  }
  const walk = walkGraph(store, content, call, platforms === undefined ? {} : { platforms })
  const [graph, reason] = await Promise.all([walk, find(walk)])
  return { graph, evidence: search.found, ...(reason !== undefined && { reason }) }
}
