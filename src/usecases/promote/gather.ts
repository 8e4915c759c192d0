import type { Call } from '../../lib/call.ts'
import type { Clock } from '../../lib/clock.ts'
import { childrenOf, parseManifest } from '../../oci/manifest.ts'
import { formatAt, type RepositoryName } from '../../oci/reference.ts'
import { mayBeImmutable, tagsToRead, tagsToWrite } from '../../plan/decide-tags.ts'
import { suggestTags } from '../../semver/suggest-tags.ts'
import { type VersionTag, versionTagsIn } from '../../semver/version.ts'
import { EvidenceSearch } from '../../images/evidence/evidence.ts'
import { selectChildren } from '../../images/graph/select-platforms.ts'
import { walkPlatforms } from '../../images/config/walk-platforms.ts'
import { explainMissing } from '../../images/graph/explain-missing.ts'
import { inParallel } from '../../images/parallel.ts'
import type {
  Capabilities,
  ManifestContent,
  ManifestReader,
  Repositories,
  SourceRepository,
  TagLister,
} from '../../images/ports.ts'
import { type SharedTagList, SharedTagLists } from '../../images/tags/shared-tag-list.ts'
import {
  checkIsWhole,
  listTags,
  readUntilWhole,
  resolveTagsToWrite,
  tagsResolvingTo,
} from '../../images/tags/tags.ts'
import { type Gathered as GatheredOf, gatherEach, readOrUnread } from '../../images/graph/unread.ts'
import { addFormerImages, type PlacedImage } from '../placing/former-images.ts'
import { isHelmChart, readingForImage } from '../placing/helm-chart.ts'
import { selectTagsAt } from '../placing/requested-tags.ts'
import type { WarnedImage } from '../placing/tag-warnings.ts'
import type { TargetTags } from '../placing/snapshot.ts'
import { knownTarget, splitKnownTags } from './known-reads.ts'
import { readTarget } from './read-target.ts'
import type { PromoteRequest } from './request.ts'
import type { PromoteSnapshot, PromoteSource } from './snapshot.ts'
import { isVersionDerived, listSourceVersions, requestedTags } from './source-version.ts'

/** Images that are read at once. */
const imagesAtOnce = 16
/** Reads of one target at once. */
const readsAtOnce = 16

export interface PromoteGatherOptions {
  readonly clock: Pick<Clock, 'now'>
  /** read attached artifacts */
  readonly evidence: boolean
  /** the action for a listed attached artifact without a manifest */
  readonly dangling: 'fail' | 'skip'
  /** stores without a cache: content that exists at the targets is read back through them */
  readonly readBack?: Repositories
}

interface GatherOneOptions extends PromoteGatherOptions {
  readonly lists: SharedTagLists
}

export type GatheredPromotion = GatheredOf<PromoteRequest, PromoteSnapshot>

/**
 * Reads the state that a promotion is decided by, without any change: each source tag once, its
 * graph and attached artifacts, and of each target the tags to be written and the attached
 * artifacts that exist. An image or a target that cannot be read is returned with the reason.
 * @throws the reason of the signal.
 */
export async function gather(
  requests: readonly PromoteRequest[],
  stores: Repositories,
  options: PromoteGatherOptions,
  call: Call,
): Promise<readonly GatheredPromotion[]> {
  const lists = new SharedTagLists(call)
  const gathered = await gatherEach(requests, imagesAtOnce, call, (request, c) =>
    gatherOne(request, stores, { ...options, lists }, c),
  )
  return await addFormerImages(gathered, placedImage, stores, call)
}

function placedImage({ request, source: { root, versions } }: PromoteSnapshot): PlacedImage {
  const requested = requestedTags(request, versions)
  return {
    root,
    from: request.from.repository,
    tagsAt: ({ listed }) => tagsToWrite(selectTagsAt(requested, listed ?? [])),
  }
}

/** Returns what warnings about the tags of the targets need. */
export function warnedImage(snapshot: PromoteSnapshot): WarnedImage {
  const { request, targets } = snapshot
  const maintainsLatest = request.tagMaintenance?.policy.levels.includes('latest') === true
  return { reading: request.to.reading, maintainsLatest, targets, tagsAt: placedImage(snapshot).tagsAt }
}

async function gatherOne(
  request: PromoteRequest,
  stores: Repositories,
  options: GatherOneOptions,
  call: Call,
): Promise<PromoteSnapshot> {
  const { known } = request
  const readAt = Math.min(options.clock.now(), known?.readAt ?? Infinity)
  const store = stores.source(request.from.repository)
  const list = options.lists.of(store, known?.listed)
  if (options.evidence) list.prefetch()
  const root = readRoot(store, request, call)
  const reading = root.then((content) => readForImage(request, content))
  const versions = readVersions(store, { root, list }, request, call)
  // `readSource` reports the same failure
  for (const one of [reading, versions]) one.catch(() => undefined)
  const [source, tags] = await Promise.all([
    readSource(
      store,
      { root, versions, list, isListKnown: known?.listed !== undefined, platforms: request.platforms },
      options,
      call,
    ),
    inParallel(request.to.targets, readsAtOnce, call, (target, c) =>
      readOrUnread(target, c, () => readTags(stores, target, request, { reading, versions }, c)),
    ),
  ])
  const targets = await inParallel(tags, readsAtOnce, call, async (read, c) => {
    if (read.kind === 'unread') return read
    const { repository } = read
    return await readOrUnread(repository, c, () =>
      readTarget(read, source, { stores, request, ...options, known: knownTarget(request, repository) }, c),
    )
  })
  return { request: await reading, readAt, source, targets }
}

async function readRoot(
  store: ManifestReader & TagLister & Capabilities,
  request: PromoteRequest,
  call: Call,
): Promise<ManifestContent> {
  const at = request.known === undefined ? request.from.at : { digest: request.known.root }
  const content = await store.findManifest(at, call)
  if (content !== undefined) return content
  const { image, from } = request
  const suggest = (tag: string, tags: readonly string[]): string => suggestTags(tag, tags, from.reading)
  throw await explainMissing(store, { image, ...from }, suggest, call)
}

/** Returns the request with the reading of tags that the image requires. */
function readForImage(request: PromoteRequest, content: ManifestContent): PromoteRequest {
  const { from, to, tagMaintenance } = request
  return {
    ...request,
    from: { ...from, reading: readingForImage(from.reading, content) },
    to: { ...to, reading: readingForImage(to.reading, content) },
    ...(tagMaintenance !== undefined && {
      tagMaintenance: { ...tagMaintenance, policy: readingForImage(tagMaintenance.policy, content) },
    }),
  }
}

/** Resolves all version tags of the source repository if nothing else shows the version. */
async function readVersions(
  store: ManifestReader,
  { root, list }: Pick<SourceReads, 'root' | 'list'>,
  request: PromoteRequest,
  call: Call,
): Promise<readonly VersionTag[] | undefined> {
  const { tagMaintenance, tags } = request
  if (tagMaintenance?.mayDerive !== true || versionTagsIn(tags, tagMaintenance.policy).length > 0)
    return undefined
  const mayNameVersion = versionTagsIn(tags, { ...tagMaintenance.policy, buildMetadata: true }).length > 0
  if (mayNameVersion && isHelmChart(await root)) return undefined
  const [content, listed] = await Promise.all([root, list.all()])
  const read = readForImage(request, content)
  if (!isVersionDerived(read, listed)) return undefined
  const versions = listSourceVersions(read, listed)
  return await tagsResolvingTo(store, content.descriptor.digest, versions, call)
}

/** The reads of a source that start together. */
interface SourceReads {
  readonly root: Promise<ManifestContent>
  readonly versions: Promise<readonly VersionTag[] | undefined>
  readonly list: SharedTagList
  /** the run has read the list before: it has all that was signed before the run */
  readonly isListKnown: boolean
  readonly platforms: PromoteRequest['platforms']
}

async function readSource(
  store: SourceRepository,
  { root, versions, list, isListKnown, platforms }: SourceReads,
  options: PromoteGatherOptions,
  call: Call,
): Promise<PromoteSource> {
  const content = await root
  const { descriptor } = content
  const reference = formatAt(store.repository, { digest: descriptor.digest })
  const manifest = parseManifest(content.bytes, descriptor.mediaType, reference)
  // the referrers of the root's children are listed in the same wave as their manifests
  const children = platforms === undefined ? childrenOf(manifest) : selectChildren(manifest, platforms)
  const known = [descriptor, ...children].map(({ digest }) => digest)
  const search = new EvidenceSearch(store, {
    dangling: options.dangling,
    tags: list,
    ...(known.length === 1 && !isListKnown && { readByName: descriptor.digest }),
  })
  const [graph] = await Promise.all([
    walkPlatforms(store, content, platforms, call),
    options.evidence ? search.find(known, call) : undefined,
  ])
  if (options.evidence) {
    const all = graph.nodes.map((node) => node.descriptor.digest)
    await search.find(all, call)
  }
  const derived = await versions
  return {
    root: descriptor,
    graph,
    evidence: search.found,
    ...(derived !== undefined && { versions: derived }),
  }
}

async function readTags(
  stores: Repositories,
  repository: RepositoryName,
  promotion: PromoteRequest,
  source: {
    readonly reading: Promise<PromoteRequest>
    readonly versions: Promise<readonly VersionTag[] | undefined>
  },
  call: Call,
): Promise<TargetTags> {
  const store = stores.target(repository)
  const { tags, tagMaintenance, to } = promotion
  const read = knownTarget(promotion, repository)
  const resolve = async (
    wanted: readonly string[],
    listed: ReadonlySet<string>,
  ): Promise<TargetTags['tags']> => {
    const { found, rest } = splitKnownTags(wanted, read)
    const isKept = (tag: string): boolean => mayBeImmutable(tag, to.immutable ?? [])
    return new Map([...found, ...(await resolveTagsToWrite(store, rest, listed, isKept, call))])
  }
  if (tagMaintenance === undefined)
    return { kind: 'read', repository, tags: await resolve(tags, read?.listed ?? new Set()) }
  return await readUntilWhole(async (isAgain) => {
    const [listed, request, derived] = await Promise.all([
      read === undefined || isAgain ? listTags(store, call) : [...(read.listed ?? [])],
      source.reading,
      source.versions,
    ])
    const wanted = selectTagsAt(requestedTags(request, derived), listed)
    const known = new Set(listed)
    const found = await resolve(tagsToRead(wanted, known), known)
    checkIsWhole(repository, listed, found)
    return { kind: 'read', repository, tags: found, listed }
  })
}
