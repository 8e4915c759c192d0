import type { Call } from '../../lib/call.ts'
import type { Digest } from '../../oci/digest.ts'
import { parseManifest } from '../../oci/manifest.ts'
import { formatAt } from '../../oci/reference.ts'
import { listReferrers } from '../../images/evidence/referrers.ts'
import { inParallel } from '../../images/parallel.ts'
import type { BlobReader, ManifestReader, Repositories } from '../../images/ports.ts'
import type { TargetTags } from '../placing/snapshot.ts'
import { cosignEntries } from '../../images/evidence/cosign-entries.ts'
import { findDamaged } from './read-back.ts'
import { type CosignManifest, hasRoot, type PromoteSource, type PromoteTarget } from './snapshot.ts'

/** Reads of one target at once. */
const readsAtOnce = 16

/**
 * Reads what a target has of the image and its attached artifacts. @throws what the stores throw.
 */
export async function readTarget(
  read: TargetTags,
  source: PromoteSource,
  options: { readonly stores: Repositories; readonly readBack?: Repositories },
  call: Call,
): Promise<PromoteTarget> {
  const { repository } = read
  const store = options.stores.target(repository)
  const subjects = source.evidence.filter(({ via }) => via === 'subject').map(({ subject }) => subject)
  const cosignTags = source.evidence.flatMap(({ tag }) => tag ?? [])
  const [root, referrers, manifests] = await Promise.all([
    read.tags.size === 0 ? store.resolve({ digest: source.root.digest }, call) : undefined,
    inParallel([...new Set(subjects)], readsAtOnce, call, async (subject, c) => {
      const entries = await listReferrers(store, subject, c)
      return [subject, new Set(entries.map(({ digest }) => digest))] as const
    }),
    inParallel(cosignTags, readsAtOnce, call, (tag, c) => readCosignTag(store, tag, c)),
  ])
  const target: PromoteTarget = {
    ...read,
    rootByDigest: root !== undefined,
    referrers: new Map(referrers),
    evidenceTags: new Map(manifests.flat()),
    damaged: new Set(),
  }
  if (options.readBack === undefined) return target
  return { ...target, damaged: await readBack(options.readBack.source(repository), target, source, call) }
}

async function readCosignTag(
  store: ManifestReader,
  tag: string,
  call: Call,
): Promise<readonly (readonly [string, CosignManifest])[]> {
  const content = await store.findManifest({ tag }, call)
  if (content === undefined) return []
  const { bytes, descriptor } = content
  const manifest = parseManifest(bytes, descriptor.mediaType, formatAt(store.repository, { tag }))
  return [[tag, { digest: descriptor.digest, entries: cosignEntries(manifest) }]]
}

/** Returns the roots at the target of which some content is missing or damaged. */
async function readBack(
  store: ManifestReader & BlobReader,
  target: PromoteTarget,
  source: PromoteSource,
  call: Call,
): Promise<ReadonlySet<Digest>> {
  const image = hasRoot(target, source.root.digest) ? [source.graph] : []
  const evidence = source.evidence.filter(({ subject, manifest, tag }) =>
    tag === undefined
      ? target.referrers.get(subject)?.has(manifest.digest)
      : target.evidenceTags.get(tag)?.digest === manifest.digest,
  )
  const graphs = [...image, ...evidence.map(({ graph }) => graph)]
  const damaged = await inParallel(graphs, readsAtOnce, call, async (graph, c) => {
    const content = await findDamaged(store, graph, c)
    return content.length > 0 ? [graph.root.digest] : []
  })
  return new Set(damaged.flat())
}
