import type { Call } from '../../lib/call.ts'
import type { Clock } from '../../lib/clock.ts'
import { DrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatPlatform, type Platform } from '../../oci/platform.ts'
import { formatRepository, sameRepository } from '../../oci/reference.ts'
import { readOrUnread } from '../../images/graph/unread.ts'
import { inParallel } from '../../images/parallel.ts'
import type { Repositories } from '../../images/ports.ts'
import { findTags } from '../../images/tags/tags.ts'
import { compareEvidence, nothingCompared } from './evidence/compare-evidence.ts'
import { SourceEvidence } from './evidence/source-evidence.ts'
import { findIncomplete } from './reads/children.ts'
import { readDigests, type SideDigests } from './reads/read-digests.ts'
import { selectSource } from './reads/select-source.ts'
import type {
  DestinationSnapshot,
  SyncRequest,
  SyncSnapshot,
  SyncTarget,
  UnreadDestination,
} from './snapshot.ts'
import type { SyncPorts } from './sync-ports.ts'

/** Destinations that are read at once. */
const destinationsAtOnce = 8

export interface SyncGatherOptions {
  readonly clock: Pick<Clock, 'now'>
  /** compare attached artifacts */
  readonly evidence: boolean
  /** `--full`: search for the referrers of all children, whenever they were searched last */
  readonly full: boolean
}

/** The list of a destination: undefined if the repository does not exist. */
interface ListedDestination {
  readonly kind: 'listed'
  readonly target: SyncTarget
  readonly tags: readonly string[] | undefined
}

/**
 * Reads one source repository of a rule and its destinations, without any change: the lists of
 * tags, the digests of the selected tags at each side, and, for tags that are equal, the attached
 * artifacts that a destination lacks. A destination that cannot be read fails alone.
 * @throws if the list of the source is incomplete, if the source cannot be read, and the reason of
 * the signal.
 */
export async function gather(
  request: SyncRequest,
  ports: SyncPorts,
  options: SyncGatherOptions,
  call: Call,
): Promise<SyncSnapshot> {
  const readAt = options.clock.now()
  const { stores, inventories } = ports
  const store = stores.source(request.source.repository)
  const [source, lists] = await Promise.all([
    selectSource(request, store, ports, readAt, call),
    inParallel(request.destinations, destinationsAtOnce, call, (target, c) =>
      listDestination(target, request, ports, c),
    ),
  ])
  const selected = source.selection.tags.map(({ tag }) => tag)
  const needed = tagsThatAllLack(selected, lists)
  const [atSource, atDestinations] = await Promise.all([
    readDigests(store, selected, { ...source, listed: source.tags.length, inventories, needed }, call),
    inParallel(lists, destinationsAtOnce, call, (listed, c) => readTags(listed, selected, ports, c)),
  ])
  const confirmed = await atSource.confirm(differingTags(atSource.digests, atDestinations), call)
  const attached = new SourceEvidence(store, source.tags)
  const { platforms } = request.rule
  const destinations = await inParallel(atDestinations, destinationsAtOnce, call, (one, c) =>
    one.kind === 'unread'
      ? Promise.resolve(one)
      : readOrUnreadAt(one.target, c, () =>
          finishDestination(one, confirmed.digests, { stores, options, attached, readAt, platforms }, c),
        ),
  )
  return {
    request,
    readAt,
    evidence: options.evidence,
    sourceTags: source.tags,
    selection: source.selection,
    source: confirmed.digests,
    unread: confirmed.unread,
    destinations,
  }
}

async function listDestination(
  target: SyncTarget,
  { source }: SyncRequest,
  { stores }: SyncPorts,
  call: Call,
): Promise<ListedDestination | UnreadDestination> {
  return await readOrUnreadAt(target, call, async () => {
    if (sameRepository(target.repository, source.repository)) throw sameAsSource(target)
    const tags = await findTags(stores.target(target.repository), call)
    return { kind: 'listed', target, tags }
  })
}

/** A destination with the digests of the selected tags that its list has. */
interface TaggedDestination extends Omit<ListedDestination, 'kind'> {
  readonly kind: 'tagged'
  readonly found: SideDigests
}

async function readTags(
  listed: ListedDestination | UnreadDestination,
  selected: readonly string[],
  { stores, inventories }: SyncPorts,
  call: Call,
): Promise<TaggedDestination | UnreadDestination> {
  if (listed.kind === 'unread') return listed
  const { target, tags } = listed
  return await readOrUnreadAt(target, call, async () => {
    const known = new Set(tags)
    // the lists of some registries are delayed: an earlier run may just have written a tag
    const mayHave = (tag: string): boolean =>
      known.has(tag) || (tags !== undefined && target.state.written.has(tag))
    const wanted = selected.filter(mayHave)
    const store = stores.target(target.repository)
    const found = await readDigests(store, wanted, { listed: known.size, inventories }, call)
    return { kind: 'tagged', target, tags, found }
  })
}

/**
 * A tag that differs is resolved by the OCI API, because an inventory can be out of date. The
 * attached artifacts of the others are compared.
 */
async function finishDestination(
  { target, tags, found }: TaggedDestination,
  source: ReadonlyMap<string, Digest>,
  { stores, options, attached, readAt, platforms }: FinishOptions,
  call: Call,
): Promise<DestinationSnapshot> {
  const store = stores.target(target.repository)
  const differing = [...found.digests].flatMap(([tag, digest]) => (source.get(tag) === digest ? [] : [tag]))
  const { digests, unread } = await found.confirm(differing, call)
  const [failed] = unread.values()
  if (failed !== undefined) throw failed
  const inSync = new Set(
    [...source].flatMap(([tag, digest]) => (digests.get(tag) === digest ? [digest] : [])),
  )
  const isSparse = mayBeSparse(target.state.platforms, platforms)
  const incomplete = isSparse ? await findIncomplete(store, [...inSync], platforms, call) : new Set<Digest>()
  const comparison = {
    at: { store, tags: tags ?? [] },
    platforms,
    childrenSearchedAt: options.full ? new Map<Digest, number>() : target.state.childrenSearchedAt,
    now: readAt,
  }
  const { missing, childrenSearched } = options.evidence
    ? await compareEvidence(attached, [...inSync], comparison, call)
    : nothingCompared
  return {
    kind: 'read',
    target,
    tags,
    // A clock that is behind must not end a grace period early.
    seenAt: readAt + Math.max(0, store.clockDifference() ?? 0),
    digests,
    evidenceMissing: missing,
    childrenSearched,
    incomplete,
  }
}

/** Whether earlier runs copied fewer platforms than the rule selects now. */
function mayBeSparse(
  copied: readonly string[] | undefined,
  selected: readonly Platform[] | undefined,
): boolean {
  if (copied === undefined) return false
  return selected === undefined || selected.some((platform) => !copied.includes(formatPlatform(platform)))
}

interface FinishOptions {
  readonly stores: Repositories
  readonly options: SyncGatherOptions
  readonly attached: SourceEvidence
  readonly platforms: readonly Platform[] | undefined
  readonly readAt: number
}

/** The tags that no destination has: their images are read anyway. */
function tagsThatAllLack(
  selected: readonly string[],
  lists: readonly (ListedDestination | UnreadDestination)[],
): ReadonlySet<string> {
  const read = lists.filter((one) => one.kind === 'listed')
  if (read.length === 0) return new Set()
  const present = new Set(read.flatMap(({ tags }) => tags ?? []))
  return new Set(selected.filter((tag) => !present.has(tag)))
}

/** The tags on which some destination differs from the source. */
function differingTags(
  source: ReadonlyMap<string, Digest>,
  destinations: readonly (TaggedDestination | UnreadDestination)[],
): readonly string[] {
  return [...source].flatMap(([tag, digest]) =>
    destinations.some((one) => one.kind === 'tagged' && one.found.digests.get(tag) !== digest) ? [tag] : [],
  )
}

async function readOrUnreadAt<R>(
  target: SyncTarget,
  call: Call,
  read: () => Promise<R>,
): Promise<R | UnreadDestination> {
  const result = await readOrUnread(target.repository, call, async () => ({ value: await read() }))
  return 'value' in result ? result.value : { kind: 'unread', target, error: result.error }
}

function sameAsSource({ repository }: SyncTarget): DrayError {
  const name = formatRepository(repository)
  return new DrayError('refused', `cannot sync ${name} to itself`, {
    subject: name,
    why: 'the source and the destination of the rule are the same repository',
    hint: 'Change `to` of the rule in dray.yaml.',
  })
}
