import { inParallel } from '../../../images/parallel.ts'
import type { Graph } from '../../../images/graph/graph.ts'
import type { Repositories } from '../../../images/ports.ts'
import type { Call } from '../../../lib/call.ts'
import { isNonDistributable } from '../../../oci/descriptor.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { BundleDocument } from '../../../plan/bundle/bundle-document.ts'
import type { GatheredPromotion } from '../../../usecases/promote/gather.ts'
import { hasRoot, type PromoteSource, type PromoteTarget } from '../../../usecases/promote/snapshot.ts'

/** Images that are checked at once, and HEAD requests of one image at once. */
const checkedAtOnce = 16

/**
 * Adds the images and attached artifacts that the destination has without content which an
 * increment carries: a repair brings what was lost. New images have no request here.
 * @throws what the stores throw.
 */
export async function findLost(
  gathered: readonly GatheredPromotion[],
  { base, carries }: BundleDocument,
  stores: Repositories,
  call: Call,
): Promise<readonly GatheredPromotion[]> {
  if (base === undefined) return gathered
  const carried = new Set(carries.map(({ digest }) => digest))
  return await inParallel(gathered, checkedAtOnce, call, async (one, c) => {
    if (one.kind === 'unread') return one
    const { snapshot } = one
    const targets = await inParallel(snapshot.targets, checkedAtOnce, c, async (target, inner) => {
      if (target.kind === 'unread') return target
      const graphs = graphsAt(target, snapshot.source)
      const lost = await inParallel(graphs, checkedAtOnce, inner, async (graph, last) =>
        (await isWhole(graph, carried, stores.source(target.repository), last)) ? [] : [graph.root.digest],
      )
      return { ...target, damaged: new Set([...target.damaged, ...lost.flat()]) }
    })
    return { ...one, snapshot: { ...snapshot, targets } }
  })
}

/** The graphs whose roots are at the target. */
function graphsAt(target: PromoteTarget, { root, graph, evidence }: PromoteSource): readonly Graph[] {
  const attached = evidence.filter(({ subject, manifest, tag }) =>
    tag === undefined
      ? target.referrers.get(subject)?.has(manifest.digest)
      : target.evidenceTags.get(tag)?.digest === manifest.digest,
  )
  return [...(hasRoot(target, root.digest) ? [graph] : []), ...attached.map((one) => one.graph)]
}

async function isWhole(
  { nodes, blobs }: Graph,
  carried: ReadonlySet<Digest>,
  store: ReturnType<Repositories['source']>,
  call: Call,
): Promise<boolean> {
  const manifests = nodes
    .map(({ descriptor }) => descriptor)
    .filter(({ digest }) => carried.has(digest))
    .map(
      ({ digest }) =>
        async (c: Call) =>
          (await store.resolve({ digest }, c)) !== undefined,
    )
  const others = blobs
    .filter((blob) => carried.has(blob.digest) && !isNonDistributable(blob))
    .map((blob) => (c: Call) => store.hasBlob(blob, c))
  const found = await inParallel([...manifests, ...others], checkedAtOnce, call, (isThere, c) => isThere(c))
  return found.every(Boolean)
}
