import type { Call } from '../../lib/call.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import { tagsToRead } from '../../plan/decide-tags.ts'
import { highestFirst, highestTag, isStable, type VersionTag, versionTagsIn } from '../../semver/version.ts'
import { notThere } from '../../images/graph/not-there.ts'
import { inParallel } from '../../images/parallel.ts'
import type { ManifestContent, ManifestReader, Repositories, TagLister } from '../../images/ports.ts'
import { checkIsWhole, findFirstTag, listTags, resolveTags } from '../../images/tags/tags.ts'
import {
  type Gathered as GatheredOf,
  gatherEach,
  orUnread,
  type UnreadTarget,
} from '../../images/graph/unread.ts'
import type { Request, Snapshot, TargetSnapshot } from './snapshot.ts'
import { versionLabels } from './version-labels.ts'
import { versionOf, wantedAt } from './wanted.ts'

/** Images that are read at once. */
const imagesAtOnce = 16
/** Targets of one image that are read at once. */
const targetsAtOnce = 16

/** An image with what was read of it, or why it could not be. */
export type Gathered = GatheredOf<Request, Snapshot>

/**
 * Reads what a decision needs, and changes nothing: each image once, the list of tags of its repository, and last, in one wave, the tags that may be
 * written. An image or a target that cannot be read is given back with the reason. @throws only where the whole run is stopped by its signal.
 */
export async function gather(
  requests: readonly Request[],
  stores: Repositories,
  call: Call,
): Promise<readonly Gathered[]> {
  return await gatherEach(requests, imagesAtOnce, call, (request, c) => gatherOne(request, stores, c))
}

async function gatherOne(request: Request, stores: Repositories, call: Call): Promise<Snapshot> {
  const { targets: repositories, wish } = request
  const first = stores.source(repositories[0])
  const [image, lists] = await Promise.all([
    readImage(first, request, call),
    inParallel(repositories, targetsAtOnce, call, (repository, c) =>
      orUnread(repository, c, () => readList(stores, repository, request, c)),
    ),
  ])
  const root = image.descriptor
  const labels = wish.kind === 'label' ? await versionLabels(first, image, call) : undefined
  const highest = wish.kind === 'next' ? await findHighest(lists, root, { request, stores }, call) : undefined
  const facts = {
    request,
    ...(labels !== undefined && { labels }),
    ...(highest !== undefined && { highest }),
  }
  const given = versionOf(facts)
  const targets = await inParallel(lists, targetsAtOnce, call, async (list, c) => {
    if (list.kind === 'unread') return list
    const { repository, listed } = list
    return await orUnread(repository, c, async (): Promise<TargetSnapshot> => {
      const store = stores.target(repository)
      const wanted = tagsToRead(wantedAt(request, given, listed ?? []), new Set(listed))
      const [tags, there] = await Promise.all([
        resolveTags(store, wanted, c),
        store === first ? root : store.resolve({ digest: root.digest }, c),
      ])
      if (listed !== undefined) {
        // a list may be late with the tag of a build of just now, but an empty one has missed all of them
        const foundBy =
          listed.length === 0 && store === first && 'tag' in request.at ? request.at.tag : undefined
        checkIsWhole(repository, listed, foundBy === undefined ? tags : [...tags, [foundBy, root.digest]])
      }
      return { kind: 'read', repository, hasRoot: there !== undefined, listed, tags }
    })
  })
  return { ...facts, root, targets }
}

async function readImage(
  store: ManifestReader & TagLister,
  { image, environment, at }: Request,
  call: Call,
): Promise<ManifestContent> {
  const content = await store.findManifest(at, call)
  if (content !== undefined) return content
  throw await notThere(store, { image, ...(environment !== undefined && { environment }), at }, call)
}

interface ReadList {
  readonly kind: 'list'
  readonly repository: RepositoryName
  readonly listed: readonly string[] | undefined
}

async function readList(
  stores: Repositories,
  repository: RepositoryName,
  { wish }: Request,
  call: Call,
): Promise<ReadList> {
  const listed = wish.kind === 'plain' ? undefined : await listTags(stores.target(repository), call)
  return { kind: 'list', repository, listed }
}

/** The highest stable version of all targets, and the version that the image has already in the first. */
async function findHighest(
  lists: readonly (ReadList | UnreadTarget)[],
  root: Descriptor,
  { request, stores }: { readonly request: Request; readonly stores: Repositories },
  call: Call,
): Promise<Snapshot['highest']> {
  const stableIn = (list: ReadList | UnreadTarget | undefined): readonly VersionTag[] => {
    const listed = list?.kind === 'list' ? list.listed : undefined
    return versionTagsIn(listed ?? [], request.policy).filter(({ version }) => isStable(version))
  }
  const tag = highestTag(lists.flatMap(stableIn))
  if (tag === undefined) return undefined
  const here = highestFirst(stableIn(lists[0]))
  const names = here.map((one) => one.tag)
  const isRoot = (digest: Digest): boolean => digest === root.digest
  const found = await findFirstTag(stores.target(request.targets[0]), names, isRoot, call)
  const own = here.find((one) => one.tag === found)
  return { tag, ...(own !== undefined && { own }) }
}
