import type { Call } from '../../lib/call.ts'
import type { Digest } from '../../oci/digest.ts'
import { parseManifest } from '../../oci/manifest.ts'
import { formatAt, sameRepository } from '../../oci/reference.ts'
import { listReferrers } from '../../images/evidence/referrers.ts'
import { findAbsentManifests } from '../../images/graph/is-missing.ts'
import { inParallel } from '../../images/parallel.ts'
import type { BlobReader, ManifestReader, Repositories } from '../../images/ports.ts'
import type { TargetTags } from '../placing/snapshot.ts'
import { cosignEntries } from '../../images/evidence/cosign-entries.ts'
import { isKnownAt, mayHaveFallback, mayHaveTag } from './known-reads.ts'
import { findDamaged } from './read-back.ts'
import type { KnownTarget, PromoteRequest } from './request.ts'
import { type CosignManifest, hasRoot, type PromoteSource, type PromoteTarget } from './snapshot.ts'

/** Reads of one target at once. */
const readsAtOnce = 16

export interface ReadTargetOptions {
  readonly request: PromoteRequest
  readonly stores: Repositories
  readonly readBack?: Repositories
  /** what the run has read of the target already */
  readonly known?: KnownTarget | undefined
}

/**
 * Reads what a target has of the image and its attached artifacts. @throws what the stores throw.
 */
export async function readTarget(
  read: TargetTags,
  source: PromoteSource,
  options: ReadTargetOptions,
  call: Call,
): Promise<PromoteTarget> {
  const { repository } = read
  const store = options.stores.target(repository)
  const subjects = source.evidence.filter(({ via }) => via === 'subject').map(({ subject }) => subject)
  const { known } = options
  const tags = source.evidence.flatMap(({ tag }) => tag ?? [])
  const cosignTags = tags.filter((tag) => mayHaveTag(known, tag))
  const isRootKnown = isKnownAt(known, source.root.digest)
  const [root, referrers, manifests] = await Promise.all([
    read.tags.size === 0 && !isRootKnown ? store.resolve({ digest: source.root.digest }, call) : undefined,
    inParallel([...new Set(subjects)], readsAtOnce, call, async (subject, c) => {
      const isAbsent = known !== undefined && known.listed === undefined
      const entries = isAbsent ? [] : await listReferrers(store, subject, c, mayHaveFallback(known, subject))
      return [subject, new Set(entries.map(({ digest }) => digest))] as const
    }),
    inParallel(cosignTags, readsAtOnce, call, (tag, c) => readCosignTag(store, tag, c)),
  ])
  const found: PromoteTarget = {
    ...read,
    rootByDigest: isRootKnown || root !== undefined,
    referrers: new Map(referrers),
    evidenceTags: new Map(manifests.flat()),
    damaged: new Set(),
  }
  const lacks = await lacksPlatforms(store, found, source, options.request, call)
  const target: PromoteTarget = lacks ? { ...found, lacksPlatforms: true } : found
  if (options.readBack === undefined) return target
  return { ...target, damaged: await readBack(options.readBack.source(repository), target, source, call) }
}

/**
 * Whether a target has the root of a multi-platform image without some of the selected platforms.
 * Reads nothing unless the root is there and may be sparse.
 */
async function lacksPlatforms(
  store: ManifestReader,
  target: PromoteTarget,
  { root, graph }: PromoteSource,
  { platforms, mayBeSparse, from }: PromoteRequest,
  call: Call,
): Promise<boolean> {
  const isAsked = platforms !== undefined || mayBeSparse === true
  if (!isAsked || !hasRoot(target, root.digest)) return false
  if (sameRepository(from.repository, target.repository)) return false
  return (await findAbsentManifests(store, graph, call)).length > 0
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
