import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import { formatAt, type RepositoryName } from '../../oci/reference.ts'
import { tagsToRead } from '../../plan/decide-tags.ts'
import { compareVersions, versionTagsIn } from '../../semver/version.ts'
import { inParallel } from '../../images/parallel.ts'
import type { Repositories } from '../../images/ports.ts'
import { listTags, resolveTags } from '../../images/tags/tags.ts'
import { orUnread } from '../../images/graph/unread.ts'
import { findRelease } from './release.ts'
import type { Release, Request, Snapshot, TargetSnapshot } from './snapshot.ts'
import { rollbackTags } from './wanted.ts'

/** Targets that are read at once. */
const targetsAtOnce = 16

/**
 * Reads what a decision needs, and changes nothing: the tags of every target, the release to go back to, and last, in one wave, the tags that may move. A
 * target that cannot be read is given back with the reason.
 * @throws `not-found`, `refused`: which release is meant, or whether it is there; what the store of the first target throws.
 */
export async function gather(request: Request, stores: Repositories, call: Call): Promise<Snapshot> {
  const { repository: first, listed } = await readFirst(request, stores, call)
  if (request.to === undefined) await checkIsSame(request, stores, call)
  const release = await findRelease(stores.target(first), request, listed, call)
  const targets = await inParallel(request.targets, targetsAtOnce, call, (repository, c) =>
    orUnread(repository, c, async () => {
      const tags = repository === first ? listed : await listTags(stores.target(repository), c)
      return await readTarget(repository, tags, release, { request, stores }, c)
    }),
  )
  return { request, release, targets }
}

/** The list of the target that says which release it is. @throws why it cannot be read; with `partial` where none can. */
async function readFirst(
  { targets, partial }: Request,
  stores: Repositories,
  call: Call,
): Promise<{ readonly repository: RepositoryName; readonly listed: readonly string[] }> {
  let failure: DrayError | undefined
  for (const repository of targets) {
    const list = await orUnread(repository, call, async () => ({
      kind: 'list' as const,
      listed: await listTags(stores.target(repository), call),
    }))
    if (list.kind === 'list') return { repository, listed: list.listed }
    failure ??= list.error
    if (!partial) break
  }
  throw failure ?? new DrayError('internal', 'an environment has no target')
}

/**
 * Where a rollback has reached some of the targets only, the release before the current one is another in each of them: to run it again would take back
 * those once more that it has reached. A target that cannot be read is told of later.
 * @throws `refused` where the targets are not on one image.
 */
async function checkIsSame(
  { image, targets, marker }: Request,
  stores: Repositories,
  call: Call,
): Promise<void> {
  const current = await inParallel(targets, targetsAtOnce, call, (repository, c) =>
    orUnread(repository, c, async () => ({
      kind: 'read' as const,
      where: formatAt(repository, { tag: marker }),
      digest: (await stores.target(repository).resolve({ tag: marker }, c))?.digest,
    })),
  )
  const read = current.filter((one) => one.kind === 'read')
  if (new Set(read.map(({ digest }) => digest)).size < 2) return
  throw new DrayError('refused', `the current version of ${image} is not the same in every target`, {
    why: read.map(({ where, digest = 'nothing' }) => `${where} is on ${digest}`).join('; '),
    hint: 'Say which release to go back to: --to VERSION.',
  })
}

async function readTarget(
  repository: RepositoryName,
  listed: readonly string[],
  release: Release,
  { request, stores }: { readonly request: Request; readonly stores: Repositories },
  call: Call,
): Promise<TargetSnapshot> {
  const spellings = versionTagsIn(listed, request.policy)
    .filter(({ version }) => compareVersions(version, release.tag.version) === 0)
    .map(({ tag }) => tag)
  const wanted = rollbackTags(release.tag, release.tag.tag, listed, request)
  const names = tagsToRead({ plain: spellings, version: wanted }, new Set(listed))
  const tags = await resolveTags(stores.target(repository), names, call)
  const exact = spellings.find((tag) => tags.get(tag) === release.root.digest)
  return { kind: 'read', repository, listed, exact, tags }
}
