import type { Call } from '../../lib/call.ts'
import type { Digest } from '../../oci/digest.ts'
import { childrenOf, parseManifest } from '../../oci/manifest.ts'
import { formatAt, type RepositoryName } from '../../oci/reference.ts'
import { tagsToRead } from '../../plan/decide-tags.ts'
import { type VersionTag, versionTagsIn } from '../../semver/version.ts'
import { EvidenceSearch, listReferrers } from '../../images/evidence/evidence.ts'
import { walkGraph } from '../../images/graph/graph.ts'
import { notThere } from '../../images/graph/not-there.ts'
import { inParallel } from '../../images/parallel.ts'
import type {
  BlobReader,
  ManifestContent,
  ManifestReader,
  Repositories,
  SourceRepository,
  TagLister,
} from '../../images/ports.ts'
import { checkIsWhole, listTags, resolveTags, tagsResolvingTo } from '../../images/tags/tags.ts'
import { type Gathered as GatheredOf, gatherEach, orUnread } from '../../images/graph/unread.ts'
import { piecesOf } from './pieces.ts'
import { findDamaged } from './read-back.ts'
import {
  type EvidenceTag,
  hasRoot,
  type Request,
  type Snapshot,
  type SourceSnapshot,
  type TargetSnapshot,
} from './snapshot.ts'
import { isToBeDerived, versionToKeepUp, wantedAt } from './wanted.ts'

/** Images that are read at once. */
const imagesAtOnce = 16
/** Reads of one target at once. */
const readsAtOnce = 16

export interface GatherOptions {
  /** whether evidence is looked for at all */
  readonly evidence: boolean
  /** what to do with evidence that is listed and not there */
  readonly dangling: 'fail' | 'skip'
  /** where given: what is at the targets already is read back through these stores, which answer from no cache */
  readonly readBack?: Repositories
}

/** An image with what was read of it, or why it could not be. */
export type Gathered = GatheredOf<Request, Snapshot>

/**
 * Reads what a decision needs, and changes nothing: each source tag once, the graph of its digest, its evidence, and of each target the tags that are to be
 * written and the evidence that is there. An image or a target that cannot be read is given back with the reason.
 * @throws only where the whole run is stopped by its signal.
 */
export async function gather(
  requests: readonly Request[],
  stores: Repositories,
  options: GatherOptions,
  call: Call,
): Promise<readonly Gathered[]> {
  return await gatherEach(requests, imagesAtOnce, call, (request, c) =>
    gatherOne(request, stores, options, c),
  )
}

async function gatherOne(
  request: Request,
  stores: Repositories,
  options: GatherOptions,
  call: Call,
): Promise<Snapshot> {
  const store = stores.source(request.from.repository)
  const root = readRoot(store, request, call)
  const versions = readVersions(store, root, request, call)
  // who reads the source hears of the same failure
  versions.catch(() => undefined)
  const [source, tags] = await Promise.all([
    readSource(store, root, versions, options, call),
    inParallel(request.to.targets, readsAtOnce, call, (target, c) =>
      orUnread(target, c, () => readTags(stores, target, request, versions, c)),
    ),
  ])
  const targets = await inParallel(tags, readsAtOnce, call, async (read, c) =>
    read.kind === 'unread'
      ? read
      : orUnread(read.repository, c, () => readTarget(read, source, { stores, ...options }, c)),
  )
  return { request, source, targets }
}

async function readRoot(
  store: ManifestReader & TagLister,
  request: Request,
  call: Call,
): Promise<ManifestContent> {
  const content = await store.findManifest(request.from.at, call)
  if (content !== undefined) return content
  throw await notThere(store, { image: request.image, ...request.from }, call)
}

/** The version tags on the root, where its version can be told in no other way: every version tag of its repository is asked for. */
async function readVersions(
  store: ManifestReader & TagLister,
  root: Promise<ManifestContent>,
  request: Request,
  call: Call,
): Promise<readonly VersionTag[] | undefined> {
  const { keepUp, tags } = request
  if (keepUp?.mayDerive !== true || versionTagsIn(tags, keepUp.policy).length > 0) return undefined
  const [content, listed] = await Promise.all([root, listTags(store, call)])
  if (!isToBeDerived(request, listed)) return undefined
  return await tagsResolvingTo(store, content.descriptor.digest, versionTagsIn(listed, keepUp.policy), call)
}

async function readSource(
  store: SourceRepository,
  reading: Promise<ManifestContent>,
  versions: Promise<readonly VersionTag[] | undefined>,
  options: GatherOptions,
  call: Call,
): Promise<SourceSnapshot> {
  const content = await reading
  const root = content.descriptor
  const manifest = parseManifest(
    content.bytes,
    root.mediaType,
    formatAt(store.repository, { digest: root.digest }),
  )
  const search = new EvidenceSearch(store, { dangling: options.dangling })
  // The children of the root are known already: their evidence is asked for in the same wave as their manifests.
  const known = [root, ...childrenOf(manifest)].map((d) => d.digest)
  const [graph] = await Promise.all([
    walkGraph(store, content, call),
    options.evidence ? search.find(known, call) : undefined,
  ])
  if (options.evidence)
    await search.find(
      graph.nodes.map((node) => node.descriptor.digest),
      call,
    )
  const derived = await versions
  return { root, graph, evidence: search.found, ...(derived !== undefined && { versions: derived }) }
}

interface TargetTags {
  readonly kind: 'tags'
  readonly repository: RepositoryName
  readonly found: ReadonlyMap<string, Digest | null>
  readonly listed?: readonly string[]
}

async function readTags(
  stores: Repositories,
  repository: RepositoryName,
  request: Request,
  versions: Promise<readonly VersionTag[] | undefined>,
  call: Call,
): Promise<TargetTags> {
  const store = stores.target(repository)
  const { tags, keepUp } = request
  if (keepUp === undefined) return { kind: 'tags', repository, found: await resolveTags(store, tags, call) }
  const [listed, derived] = await Promise.all([listTags(store, call), versions])
  const wanted = wantedAt(request, versionToKeepUp(request, derived), listed)
  const found = await resolveTags(store, tagsToRead(wanted, new Set(listed)), call)
  checkIsWhole(repository, listed, found)
  return { kind: 'tags', repository, found, listed }
}

async function readTarget(
  { repository, found: tags, listed }: TargetTags,
  source: SourceSnapshot,
  options: { readonly stores: Repositories; readonly readBack?: Repositories },
  call: Call,
): Promise<TargetSnapshot> {
  const store = options.stores.target(repository)
  const bySubject = source.evidence.filter((item) => item.via === 'subject').map((item) => item.subject)
  const evidenceTags = source.evidence.flatMap((item) => item.tag ?? [])
  const [root, referrers, found] = await Promise.all([
    tags.size === 0 ? store.resolve({ digest: source.root.digest }, call) : undefined,
    inParallel([...new Set(bySubject)], readsAtOnce, call, async (subject, c) => {
      const entries = await listReferrers(store, subject, c)
      return [subject, new Set(entries.map((d) => d.digest))] as const
    }),
    inParallel(evidenceTags, readsAtOnce, call, async (tag, c) => {
      const content = await store.findManifest({ tag }, c)
      if (content === undefined) return undefined
      const manifest = parseManifest(
        content.bytes,
        content.descriptor.mediaType,
        formatAt(repository, { tag }),
      )
      return [tag, { digest: content.descriptor.digest, pieces: piecesOf(manifest) }] as const
    }),
  ])
  const there: TargetSnapshot = {
    kind: 'read',
    repository,
    tags,
    ...(listed !== undefined && { listed }),
    rootByDigest: root !== undefined,
    referrers: new Map(referrers),
    evidenceTags: new Map<string, EvidenceTag>(
      found.flatMap((entry) => (entry === undefined ? [] : [entry])),
    ),
    damaged: new Set(),
  }
  if (options.readBack === undefined) return there
  return { ...there, damaged: await readBack(options.readBack.source(repository), there, source, call) }
}

/** Of the roots that the target says it has: those of which something is missing. */
async function readBack(
  store: ManifestReader & BlobReader,
  there: TargetSnapshot,
  source: SourceSnapshot,
  call: Call,
): Promise<ReadonlySet<Digest>> {
  const image = hasRoot(there, source.root.digest) ? [source.graph] : []
  const evidence = source.evidence.filter(({ subject, manifest, tag }) =>
    tag === undefined
      ? there.referrers.get(subject)?.has(manifest.digest)
      : there.evidenceTags.get(tag)?.digest === manifest.digest,
  )
  const graphs = [...image, ...evidence.map((item) => item.graph)]
  const damaged = await inParallel(graphs, readsAtOnce, call, async (graph, c) => {
    const pieces = await findDamaged(store, graph, c)
    return pieces.length > 0 ? [graph.root.digest] : []
  })
  return new Set(damaged.flat())
}
