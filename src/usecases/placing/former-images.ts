import type { Call } from '../../lib/call.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatRepository, type RepositoryName } from '../../oci/reference.ts'
import type { FormerImage } from '../../plan/former-image.ts'
import { beginsLikeVersion } from '../../semver/version.ts'
import { type Gathered, readOrUnread, type UnreadTarget } from '../../images/graph/unread.ts'
import { inParallel } from '../../images/parallel.ts'
import type { Repositories, TargetRepository } from '../../images/ports.ts'
import { listTags } from '../../images/tags/tags.ts'
import { readDependents } from './dependents.ts'
import type { PlacingSnapshot, TargetTags } from './snapshot.ts'

/** Repositories that are read at once. */
const repositoriesAtOnce = 16
/** Tags that are resolved before the search for another tag on a former image can stop. */
const tagsBeforeStop = 16

/** The image of a snapshot, and the tags that it may get in a repository. */
export interface PlacedImage {
  readonly root: Descriptor
  /** a repository that has the image */
  readonly from: RepositoryName
  readonly tagsAt: (target: TargetTags) => readonly string[]
}

/** A tag of a target that may move from `before` to the root of an image of the run. */
interface Move {
  readonly tag: string
  readonly before: Digest
  readonly image: PlacedImage
}

type FormerImages = ReadonlyMap<Digest, FormerImage>

/**
 * Adds to each target the images that its registry deletes when their last tag moves, with what
 * needs them. dray reads nothing if the registry keeps untagged images, or if no tag moves. Images
 * of one run in one repository are judged together: any of them may move the last other tag. A
 * target that cannot be read is returned with the reason.
 * @throws the reason of the signal.
 */
export async function addFormerImages<Request, Target extends TargetTags, Snapshot>(
  gathered: readonly Gathered<Request, Snapshot & PlacingSnapshot<Request, Target>>[],
  placedOf: (snapshot: Snapshot & PlacingSnapshot<Request, Target>) => PlacedImage,
  stores: Repositories,
  call: Call,
): Promise<readonly Gathered<Request, Snapshot & PlacingSnapshot<Request, Target>>[]> {
  const targets = gathered.flatMap((one): PlacedTarget[] => {
    if (one.kind === 'unread') return []
    const image = placedOf(one.snapshot)
    return one.snapshot.targets.flatMap((target) => (target.kind === 'read' ? [{ target, image }] : []))
  })
  const byRepository = Map.groupBy(targets, ({ target }) => formatRepository(target.repository))
  const affected = [...byRepository].flatMap(([name, [first, ...more]]) =>
    first !== undefined && mayDelete([first, ...more], stores) ? [[name, [first, ...more]] as const] : [],
  )
  if (affected.length === 0) return gathered
  const read = await inParallel(affected, repositoriesAtOnce, call, async ([name, all], c) => {
    const { repository } = all[0].target
    const result = await readOrUnread(repository, c, async () => ({
      kind: 'read' as const,
      former: await readFormerImages(all, stores, c),
    }))
    return [name, result] as const
  })
  const found = new Map(read)
  const withFormer = (target: Target | UnreadTarget): Target | UnreadTarget => {
    const result = target.kind === 'read' ? found.get(formatRepository(target.repository)) : undefined
    if (target.kind === 'unread' || result === undefined) return target
    return result.kind === 'unread' ? result : { ...target, former: result.former }
  }
  return gathered.map((one) =>
    one.kind === 'unread'
      ? one
      : { kind: 'read', snapshot: { ...one.snapshot, targets: one.snapshot.targets.map(withFormer) } },
  )
}

/**
 * Whether the registry deletes untagged images, or dray has to ask: zot shows itself in its answers
 * to HEAD and to lists, and a version tag that no list has was read by GET.
 */
function mayDelete(all: readonly [PlacedTarget, ...PlacedTarget[]], stores: Repositories): boolean {
  const [{ target }] = all
  const keeps = stores.target(target.repository).capability('keepsUntagged')
  if (keeps !== 'unknown' || target.listed !== undefined) return keeps === 'no'
  return all.flatMap(movesOf).some(({ tag }) => beginsLikeVersion(tag))
}

interface PlacedTarget {
  readonly target: TargetTags
  readonly image: PlacedImage
}

async function readFormerImages(
  all: readonly [PlacedTarget, ...PlacedTarget[]],
  stores: Repositories,
  call: Call,
): Promise<FormerImages> {
  const moves = all.flatMap(movesOf)
  const moving = new Set(moves.map(({ tag }) => tag))
  const known = all.flatMap(({ target }) => [...target.tags]).filter(([tag]) => !moving.has(tag))
  const former = new Set(moves.map(({ before }) => before))
  for (const [, digest] of known) if (digest !== null) former.delete(digest)
  if (former.size === 0) return new Map()
  const [{ target }] = all
  const store = stores.target(target.repository)
  if (store.capability('keepsUntagged') !== 'no') {
    await resolveAll(store, [...moving].slice(0, 1), call)
    if (store.capability('keepsUntagged') !== 'no') return new Map()
  }
  const listed = target.listed ?? (await listTags(store, call))
  const tags = await resolveOthers(store, listed, moving, former, call)
  if (former.size === 0) return new Map()
  const movingTags = await resolveAll(store, [...moving], call)
  const images = new Map(moves.map(({ image }) => [image.root.digest, image]))
  const roots = [...images.values()].map(({ root, from }) => ({ root, store: stores.source(from) }))
  return await readDependents(store, [...former], { tags: new Map([...tags, ...movingTags]), roots }, call)
}

function movesOf({ target, image }: PlacedTarget): readonly Move[] {
  return image.tagsAt(target).flatMap((tag) => {
    const before = target.tags.get(tag) ?? null
    return before === null || before === image.root.digest ? [] : [{ tag, before, image }]
  })
}

/**
 * Resolves the tags that do not move, the highest versions first, and removes from `former` the
 * images that one of them is on. Stops if none is left.
 */
async function resolveOthers(
  store: TargetRepository,
  listed: readonly string[],
  moving: ReadonlySet<string>,
  former: Set<Digest>,
  call: Call,
): Promise<ReadonlyMap<string, Descriptor>> {
  const found = new Map<string, Descriptor>()
  const { compare } = new Intl.Collator('en', { numeric: true })
  const names = listed.filter((tag) => !moving.has(tag)).sort((a, b) => compare(b, a))
  for (let at = 0; at < names.length && former.size > 0; at += tagsBeforeStop) {
    for (const [tag, descriptor] of await resolveAll(store, names.slice(at, at + tagsBeforeStop), call)) {
      found.set(tag, descriptor)
      former.delete(descriptor.digest)
    }
  }
  return found
}

async function resolveAll(
  store: TargetRepository,
  tags: readonly string[],
  call: Call,
): Promise<readonly (readonly [tag: string, descriptor: Descriptor])[]> {
  const resolved = await inParallel(tags, tagsBeforeStop, call, async (tag, c) => {
    const descriptor = await store.resolve({ tag }, c)
    return descriptor === undefined ? [] : [[tag, descriptor] as const]
  })
  return resolved.flat()
}
