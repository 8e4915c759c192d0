import type { Call } from '../../lib/call.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import { mayBeImmutable, tagsToRead, tagsToWrite } from '../../plan/decide-tags.ts'
import {
  compareDescending,
  compareVersions,
  findHighestTag,
  isStable,
  type VersionTag,
  versionTagsIn,
} from '../../semver/version.ts'
import { suggestTags } from '../../semver/suggest-tags.ts'
import { explainMissing } from '../../images/graph/explain-missing.ts'
import { inParallel } from '../../images/parallel.ts'
import type {
  Capabilities,
  ManifestContent,
  ManifestReader,
  Repositories,
  TagLister,
} from '../../images/ports.ts'
import {
  checkIsWhole,
  findFirstTag,
  listTags,
  readUntilWhole,
  resolveTagsToWrite,
} from '../../images/tags/tags.ts'
import {
  type Gathered as GatheredOf,
  gatherEach,
  readOrUnread,
  type UnreadTarget,
} from '../../images/graph/unread.ts'
import { addFormerImages, type PlacedImage } from '../placing/former-images.ts'
import { readingForImage } from '../placing/helm-chart.ts'
import { type RequestedTags, selectTagsAt } from '../placing/requested-tags.ts'
import type { WarnedImage } from '../placing/tag-warnings.ts'
import { type FoundTags, readEarlyTags, tagsToReadLater } from './early-tags.ts'
import type { TagRequest } from './request.ts'
import type { TagSnapshot, TagTarget } from './snapshot.ts'
import { requestedTags } from './version.ts'
import { readVersionLabels } from './version-labels.ts'

/** Images that are read at once. */
const imagesAtOnce = 16
/** Targets of one image that are read at once. */
const targetsAtOnce = 16
/** How often an image is read while other runs put higher versions there. */
const maxReads = 10

export type GatheredTagging = GatheredOf<TagRequest, TagSnapshot>

/**
 * Reads the state that tags are decided by, without any change: in one wave each image once, the
 * tag lists of its repositories, and the tags that the request names; then, in one wave, the tags
 * that follow from what was read. An image or a target that cannot be read is returned with the
 * reason.
 * @throws the reason of the signal.
 */
export async function gather(
  requests: readonly TagRequest[],
  stores: Repositories,
  { clock }: { readonly clock: Pick<Clock, 'now'> },
  call: Call,
): Promise<readonly GatheredTagging[]> {
  const gathered = await gatherEach(requests, imagesAtOnce, call, async (request, c) => {
    const readAt = clock.now()
    return { ...(await gatherOne(request, stores, c)), readAt }
  })
  return await addFormerImages(gathered, placedImage, stores, call)
}

function placedImage(snapshot: TagSnapshot): PlacedImage {
  const requested = requestedTags(snapshot)
  return {
    root: snapshot.root,
    from: snapshot.request.targets[0],
    tagsAt: ({ listed }) => tagsToWrite(selectTagsAt(requested, listed ?? [])),
  }
}

/** Returns what warnings about the tags of the targets need. */
export function warnedImage(snapshot: TagSnapshot): WarnedImage {
  const { request, targets } = snapshot
  const { policy, choice, environment } = request
  const maintainsLatest = choice.kind !== 'plain' && policy.levels.includes('latest')
  const byFlags = environment === undefined
  return { reading: policy, maintainsLatest, byFlags, targets, tagsAt: placedImage(snapshot).tagsAt }
}

type ImageSnapshot = Omit<TagSnapshot, 'readAt'>

/**
 * Reads an image again if other runs put a higher version there after its next version was chosen.
 */
async function gatherOne(request: TagRequest, stores: Repositories, call: Call): Promise<ImageSnapshot> {
  for (let reads = 1; ; reads++) {
    const snapshot = await gatherOnce(request, stores, call)
    if (reads === maxReads || !isNextOutdated(snapshot)) return snapshot
  }
}

/** Whether a list that was read again has a higher version than the chosen one follows. */
function isNextOutdated({ request, highest, targets }: ImageSnapshot): boolean {
  if (request.choice.kind !== 'next' || highest?.own !== undefined) return false
  const stable = targets.flatMap((target) =>
    target.kind === 'read' ? stableVersions(target.listed, request) : [],
  )
  const now = findHighestTag(stable)
  if (now === undefined || highest === undefined) return now !== highest
  return compareVersions(now.version, highest.tag.version) !== 0
}

function stableVersions(listed: readonly string[] = [], { policy }: TagRequest): readonly VersionTag[] {
  return versionTagsIn(listed, policy).filter(({ version }) => isStable(version))
}

async function gatherOnce(asked: TagRequest, stores: Repositories, call: Call): Promise<ImageSnapshot> {
  const { targets: repositories, choice } = asked
  const first = stores.source(repositories[0])
  const [image, lists] = await Promise.all([
    readImage(first, asked, call),
    inParallel(repositories, targetsAtOnce, call, (repository, c) =>
      readOrUnread(repository, c, () => readList(stores, repository, asked, c)),
    ),
  ])
  const root = image.descriptor
  const request = { ...asked, policy: readingForImage(asked.policy, image) }
  const labels = choice.kind === 'label' ? await readVersionLabels(first, image, call) : undefined
  const highest =
    choice.kind === 'next' ? await findHighest(lists, root, { request, stores }, call) : undefined
  const facts = {
    request,
    root,
    ...(labels !== undefined && { labels }),
    ...(highest !== undefined && { highest }),
  }
  const requested = requestedTags(facts)
  const targets = await inParallel(lists, targetsAtOnce, call, async (list, c) =>
    list.kind === 'unread'
      ? list
      : await readOrUnread(list.repository, c, () => readTarget(stores, list, facts, requested, c)),
  )
  return { ...facts, targets }
}

async function readImage(
  store: ManifestReader & TagLister & Capabilities,
  { image, environment, at, policy }: TagRequest,
  call: Call,
): Promise<ManifestContent> {
  const content = await store.findManifest(at, call)
  if (content !== undefined) return content
  const asked = { image, ...(environment !== undefined && { environment }), at }
  throw await explainMissing(store, asked, (tag, tags) => suggestTags(tag, tags, policy), call)
}

interface TargetList {
  readonly kind: 'list'
  readonly repository: RepositoryName
  /** undefined: only plain tags are written */
  readonly listed: readonly string[] | undefined
  /** tags that were read together with the list */
  readonly early: FoundTags
}

async function readList(
  stores: Repositories,
  repository: RepositoryName,
  request: TagRequest,
  call: Call,
): Promise<TargetList> {
  const [listed, early] = await Promise.all([
    request.choice.kind === 'plain' ? undefined : listTags(stores.target(repository), call),
    readEarlyTags(request, repository, stores, call),
  ])
  return { kind: 'list', repository, listed, early }
}

async function readTarget(
  stores: Repositories,
  list: TargetList,
  { request, root }: Pick<TagSnapshot, 'request' | 'root'>,
  requested: RequestedTags,
  call: Call,
): Promise<TagTarget> {
  const { repository } = list
  const store = stores.target(repository)
  const isFirst = repository === request.targets[0]
  return await readUntilWhole(async (isAgain) => {
    const listed = isAgain ? await listTags(store, call) : list.listed
    const known = new Set(listed)
    const names = tagsToRead(selectTagsAt(requested, listed ?? []), known)
    const early: FoundTags = isAgain ? new Map() : list.early
    const later = tagsToReadLater(names, early, known)
    const [found, existing] = await Promise.all([
      resolveTagsToWrite(store, later, known, (tag) => mayBeImmutable(tag, request.immutable), call),
      isFirst ? root : store.resolve({ digest: root.digest }, call),
    ])
    const tags = new Map(names.map((tag) => [tag, found.get(tag) ?? early.get(tag) ?? null] as const))
    const target = { kind: 'read', repository, hasRoot: existing !== undefined, tags } as const
    if (listed === undefined) return target
    // a list may lack the tag of a build a moment ago, but an empty list lacks every tag
    const resolvedBy = listed.length === 0 && isFirst && 'tag' in request.at ? [request.at.tag] : []
    checkIsWhole(repository, listed, [...tags, ...resolvedBy.map((tag) => [tag, root.digest] as const)])
    return { ...target, listed }
  })
}

/**
 * Finds the highest stable version of all targets and variants, and that of the requested variant
 * on the image in the first target.
 */
async function findHighest(
  lists: readonly (TargetList | UnreadTarget)[],
  root: Descriptor,
  { request, stores }: { readonly request: TagRequest; readonly stores: Repositories },
  call: Call,
): Promise<TagSnapshot['highest']> {
  const stableIn = (list: TargetList | UnreadTarget | undefined): readonly VersionTag[] =>
    stableVersions(list?.kind === 'list' ? list.listed : undefined, request)
  const tag = findHighestTag(lists.flatMap(stableIn))
  if (tag === undefined) return undefined
  const { choice } = request
  const variant = (choice.kind === 'next' && choice.variant) || ''
  const inFirst = compareDescending(stableIn(lists[0])).filter((one) => one.version.variant === variant)
  const names = inFirst.map((one) => one.tag)
  const isRoot = (digest: Digest): boolean => digest === root.digest
  const found = await findFirstTag(stores.target(request.targets[0]), names, isRoot, call)
  const own = inFirst.find((one) => one.tag === found)
  return { tag, ...(own !== undefined && { own }) }
}
