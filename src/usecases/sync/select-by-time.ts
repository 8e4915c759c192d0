import type { SyncRule } from '../../config/sync/sync-rule.ts'
import type { ContentStore } from '../../images/cache/content-store.ts'
import type { Inventories } from '../../images/inventory/inventory.ts'
import { readVendorTags, type VendorTags } from '../../images/inventory/vendor-tags.ts'
import type { SourceRepository } from '../../images/ports.ts'
import type { Call } from '../../lib/call.ts'
import type { DrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatRepository } from '../../oci/reference.ts'
import type { VersionReading } from '../../semver/version.ts'
import { prepareSelection } from './select.ts'
import type { TagSelection, TimedImage } from './selection.ts'
import { SyncTimes } from './times.ts'

export interface SelectionRequest {
  readonly rule: SyncRule
  /** how the tags of the source are read as versions */
  readonly reading: VersionReading
  /** the complete list of the source */
  readonly tags: readonly string[]
  /** milliseconds since 1970 */
  readonly now: number
}

export interface SelectionPorts {
  readonly store: SourceRepository
  readonly inventories?: Inventories | undefined
  /** manifests and configs of earlier runs */
  readonly contents?: ContentStore | undefined
  /** resolves tags; a tag that does not exist has no digest and no error */
  readonly resolve: (tags: readonly string[], call: Call) => Promise<ResolvedSelection>
}

export interface ResolvedSelection {
  readonly digests: ReadonlyMap<string, Digest>
  /** tags whose image cannot be read, while others can */
  readonly unread: ReadonlyMap<string, DrayError>
}

/** A selection without undecided tags, and the digests that it needed. */
export interface TimedSelection extends ResolvedSelection {
  readonly selection: TagSelection
  /** manifests that were requested for their times; a registry can count them as pulls */
  readonly requested: number
}

/**
 * Selects the tags of a rule, and reads the digests and times that `newest` needs: from the
 * inventory if the registry has one, or from the images and the cache. If GETs count as pulls, a
 * warning first says how many are needed.
 * @throws what the ports throw. Without all times there is no selection.
 */
export async function selectByTime(
  request: SelectionRequest,
  ports: SelectionPorts,
  call: Call,
): Promise<TimedSelection> {
  const { rule, reading, tags, now } = request
  const select = prepareSelection(rule, reading, tags)
  const first = select()
  if (first.undecided.length === 0)
    return { selection: first, digests: new Map(), unread: new Map(), requested: 0 }
  const listed = await readListed(rule, ports, call)
  const rest = first.undecided.filter((tag) => listed?.tags.has(tag) !== true)
  const { digests: resolved, unread } = await ports.resolve(rest, call)
  const digests = new Map(resolved)
  for (const tag of first.undecided) {
    const digest = listed?.tags.get(tag)?.digest
    if (digest !== undefined) digests.set(tag, digest)
  }
  const images = new Map<string, TimedImage>([...unread.keys()].map((tag) => [tag, { digest: undefined }]))
  for (const [tag, digest] of digests) images.set(tag, { digest })
  const second = select(images)
  if (second.undecided.length === 0) return { selection: second, digests, unread, requested: 0 }
  const wanted = new Set(second.undecided.flatMap((tag) => digests.get(tag) ?? []))
  const pushed = pushTimesOf(listed)
  const clock = now + Math.max(0, ports.store.clockDifference() ?? 0)
  const times = new SyncTimes({ timeFrom: rule.timeFrom, now: clock }, { ...ports, pushed })
  await warnAboutPulls(times, wanted, rule, ports, call)
  const read = await times.read(wanted, call)
  for (const [tag, digest] of digests) {
    const time = read.get(digest)
    if (time !== undefined) images.set(tag, { digest, time })
  }
  return { selection: select(images), digests, unread, requested: times.requested }
}

/** The inventory has the digests and, for most vendors, the push times of all tags. */
async function readListed(
  { timeFrom }: SyncRule,
  { store, inventories }: SelectionPorts,
  call: Call,
): Promise<VendorTags | undefined> {
  if (!timeFrom.includes('pushed')) return undefined
  const inventory = await inventories?.inventory(store.repository.registry)
  if (inventory?.knows.pushedAt !== true) return undefined
  const isNeeded = store.capability('freeReads') === 'no' || inventory.knows.pulledAt !== 'no'
  return await readVendorTags(inventory, store.repository, isNeeded, call)
}

/** The latest push of a digest or of one of its tags. */
function pushTimesOf(listed: VendorTags | undefined): (digest: Digest) => number | undefined {
  const times = new Map<Digest, number>()
  for (const { digest, pushedAt } of listed?.tags.values() ?? [])
    if (pushedAt !== undefined) times.set(digest, Math.max(times.get(digest) ?? pushedAt, pushedAt))
  return (digest) => times.get(digest)
}

async function warnAboutPulls(
  times: SyncTimes,
  digests: ReadonlySet<Digest>,
  { name }: SyncRule,
  { store, inventories }: SelectionPorts,
  call: Call,
): Promise<void> {
  const inventory = await inventories?.inventory(store.repository.registry)
  const isGetCounted =
    store.capability('freeReads') === 'no' || (inventory !== undefined && inventory.knows.pulledAt !== 'no')
  const reads = isGetCounted ? await times.countReads(digests) : 0
  if (reads === 0) return
  const pulls = reads === 1 ? '1 pull' : `${reads} pulls`
  const repository = formatRepository(store.repository)
  call.notify({
    kind: 'warning',
    text: `${repository}: the rule ${JSON.stringify(name)} needs at least ${pulls} of ${store.repository.registry} to read the times for \`newest\`, because the registry counts each read of a manifest as a pull. dray keeps the times: the next run reads only new images.`,
  })
}
