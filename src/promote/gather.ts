import type { Call } from '../call.ts'
import { DrayError, toDrayError } from '../errors.ts'
import { nearestFew } from '../nearest.ts'
import type { Digest } from '../oci/digest.ts'
import { isEvidenceTag } from '../oci/evidence-tags.ts'
import { childrenOf, parseManifest } from '../oci/manifest.ts'
import { formatAt, type RepositoryName } from '../oci/reference.ts'
import { EvidenceSearch, listReferrers } from '../store/evidence.ts'
import { walkGraph } from '../store/graph.ts'
import { inParallel } from '../store/parallel.ts'
import type { SourceStore, Stores } from '../store/store.ts'
import { piecesOf } from './pieces.ts'
import { findDamaged } from './read-back.ts'
import {
  type EvidenceTag,
  hasRoot,
  type Request,
  type Snapshot,
  type SourceSnapshot,
  type TargetSnapshot,
  type Unread,
  type UnreadTarget,
} from './snapshot.ts'

/** Images that are read at once. */
const imagesAtOnce = 16
/** Reads of one target at once. */
const readsAtOnce = 16
/** Tags that are compared with one that is not there, and those of them that are named. */
const maxTagsLookedAt = 5000
const tagsShown = 3

export interface GatherOptions {
  /** whether evidence is looked for at all */
  readonly evidence: boolean
  /** what to do with evidence that is listed and not there */
  readonly dangling: 'fail' | 'skip'
  /** where given: what is at the targets already is read back through these stores, which answer from no cache */
  readonly readBack?: Stores
}

export type Gathered =
  | { readonly kind: 'read'; readonly snapshot: Snapshot }
  | { readonly kind: 'unread'; readonly unread: Unread }

/**
 * Reads what a decision needs, and changes nothing: each source tag once, the graph of its digest, its evidence, and of each target the tags that are to be
 * written and the evidence that is there. An image or a target that cannot be read is given back with the reason.
 * @throws only where the whole run is stopped by its signal.
 */
export async function gather(
  requests: readonly Request[],
  stores: Stores,
  options: GatherOptions,
  call: Call,
): Promise<readonly Gathered[]> {
  return inParallel(requests, imagesAtOnce, call, async (request, c): Promise<Gathered> => {
    try {
      return { kind: 'read', snapshot: await gatherOne(request, stores, options, c) }
    } catch (error) {
      call.signal.throwIfAborted()
      return { kind: 'unread', unread: { request, error: toDrayError(error) } }
    }
  })
}

async function gatherOne(
  request: Request,
  stores: Stores,
  options: GatherOptions,
  call: Call,
): Promise<Snapshot> {
  const [source, tags] = await Promise.all([
    readSource(stores.source(request.from.repository), request, options, call),
    inParallel(request.to.targets, readsAtOnce, call, (target, c) =>
      orUnread(target, c, () => readTags(stores, target, request.tags, c)),
    ),
  ])
  const targets = await inParallel(tags, readsAtOnce, call, async (read, c) =>
    read.kind === 'unread'
      ? read
      : orUnread(read.repository, c, () => readTarget(read, source, { stores, ...options }, c)),
  )
  return { request, source, targets }
}

/** What was read of a target, or why it was not: one that cannot be read is no reason to give up the others. */
async function orUnread<R>(
  repository: RepositoryName,
  call: Call,
  read: () => Promise<R>,
): Promise<R | UnreadTarget> {
  try {
    return await read()
  } catch (error) {
    call.signal.throwIfAborted()
    return { kind: 'unread', repository, error: toDrayError(error) }
  }
}

async function readSource(
  store: SourceStore,
  request: Request,
  options: GatherOptions,
  call: Call,
): Promise<SourceSnapshot> {
  const content = await store.findManifest(request.from.at, call)
  if (content === undefined) throw await notThere(store, request, call)
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
    options.evidence ? search.look(known, call) : undefined,
  ])
  if (options.evidence)
    await search.look(
      graph.nodes.map((node) => node.descriptor.digest),
      call,
    )
  return { root, graph, evidence: search.found }
}

interface TargetTags {
  readonly kind: 'tags'
  readonly repository: RepositoryName
  readonly found: ReadonlyMap<string, Digest | null>
}

async function readTags(
  stores: Stores,
  repository: RepositoryName,
  tags: readonly string[],
  call: Call,
): Promise<TargetTags> {
  const store = stores.target(repository)
  const read = await inParallel(tags, readsAtOnce, call, async (tag, c) => {
    const found = await store.resolve({ tag }, c)
    return [tag, found?.digest ?? null] as const
  })
  return { kind: 'tags', repository, found: new Map(read) }
}

async function readTarget(
  { repository, found: tags }: TargetTags,
  source: SourceSnapshot,
  options: { readonly stores: Stores; readonly readBack?: Stores },
  call: Call,
): Promise<TargetSnapshot> {
  const store = options.stores.target(repository)
  const bySubject = source.evidence.filter((item) => item.via === 'subject').map((item) => item.subject)
  const evidenceTags = source.evidence.flatMap((item) => item.tag ?? [])
  const [root, referrers, found] = await Promise.all([
    tags.size === 0 ? store.resolve({ digest: source.root.digest }, call) : undefined,
    inParallel([...new Set(bySubject)], readsAtOnce, call, async (subject, c) => {
      const listed = await listReferrers(store, subject, c)
      return [subject, new Set(listed.map((d) => d.digest))] as const
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
  store: SourceStore,
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

/** The error for a source that is not there; names the tags that are, for a slip of the finger. */
async function notThere(store: SourceStore, request: Request, call: Call): Promise<DrayError> {
  const { at, environment } = request.from
  const where = formatAt(store.repository, at)
  const inEnvironment = environment === undefined ? '' : ` in ${environment}`
  const found = await nearTags(store, at, call)
  return new DrayError('not-found', `${request.image} is not there${inEnvironment}`, {
    subject: where,
    ...(found.kind === 'noRepository' && { why: 'the registry does not know this repository' }),
    hint:
      found.kind === 'tags' ? found.hint : 'Check the name, and whether this user may see the repository.',
  })
}

type NearTags =
  | { readonly kind: 'tags'; readonly hint: string }
  | { readonly kind: 'noRepository' | 'unknown' }

async function nearTags(store: SourceStore, at: Request['from']['at'], call: Call): Promise<NearTags> {
  if (!('tag' in at)) return { kind: 'unknown' }
  try {
    const tags: string[] = []
    for await (const page of store.tagPages(call)) {
      tags.push(...page.filter((tag) => !isEvidenceTag(tag)))
      if (tags.length > maxTagsLookedAt) break
    }
    return { kind: 'tags', hint: hintOf(at.tag, tags) }
  } catch (error) {
    call.signal.throwIfAborted()
    return { kind: toDrayError(error).code === 'not-found' ? 'noRepository' : 'unknown' }
  }
}

function hintOf(tag: string, tags: readonly string[]): string {
  if (tags.length === 0) return 'The repository has no tags.'
  const near = nearestFew(tag, tags, tagsShown)
  if (near.length > 0) return `Did you mean ${near.join(' or ')}?`
  const shown = tags.slice(-tagsShown).join(', ')
  return tags.length > tagsShown ? `Some of its ${tags.length} tags: ${shown}` : `Its tags: ${shown}`
}
