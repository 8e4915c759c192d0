import type { Call } from '../../lib/call.ts'
import type { Clock } from '../../lib/clock.ts'
import { DrayError, isDrayError } from '../../lib/errors.ts'
import { formatAt, formatRepository, type RepositoryName } from '../../oci/reference.ts'
import { mayBeImmutable, tagsToRead, tagsToWrite } from '../../plan/decide-tags.ts'
import { isExactVersion, isSameVersion, versionTagsIn } from '../../semver/version.ts'
import { inParallel } from '../../images/parallel.ts'
import type { ManifestReader, Repositories } from '../../images/ports.ts'
import { findTags, listTags, resolveTagsToWrite } from '../../images/tags/tags.ts'
import { readOrUnread } from '../../images/graph/unread.ts'
import { addFormerImages, type PlacedImage } from '../placing/former-images.ts'
import { readingForImage } from '../placing/helm-chart.ts'
import type { WarnedImage } from '../placing/tag-warnings.ts'
import { findRelease } from './release.ts'
import type { RollbackRequest } from './request.ts'
import { decideRollbackTags } from './rollback-tags.ts'
import type { Release, RollbackSnapshot, RollbackTarget } from './snapshot.ts'

/** Targets that are read at once. */
const targetsAtOnce = 16

/**
 * Reads the state that a rollback is decided by, without any change: the tags of every target, the
 * release, and last, in one wave, the tags that may move. A target that cannot be read is returned
 * with the reason.
 * @throws `not-found` or `refused` if the release does not exist or is ambiguous; the errors that
 * the store of the first target throws.
 */
export async function gather(
  asked: RollbackRequest,
  stores: Repositories,
  { clock }: { readonly clock: Pick<Clock, 'now'> },
  call: Call,
): Promise<RollbackSnapshot> {
  const readAt = clock.now()
  const { repository: first, listed } = await readFirst(asked, stores, call)
  if (listed === undefined) throw noRepository(asked, first)
  const request = await readAsChart(asked, stores.target(first), listed, call)
  if (request.to === undefined) await checkSameVersion(request, stores, call)
  const release = await findRelease(stores.target(first), request, listed, call)
  const targets = await inParallel(request.targets, targetsAtOnce, call, (repository, c) =>
    readOrUnread(repository, c, async () => {
      const tags = repository === first ? listed : await listTags(stores.target(repository), c)
      return await readTarget(repository, tags, release, { request, stores }, c)
    }),
  )
  const snapshot = { request, readAt, release, targets }
  const [read] = await addFormerImages([{ kind: 'read', snapshot }], placedImage, stores, call)
  return read?.kind === 'read' ? read.snapshot : snapshot
}

function placedImage({ request, release: { root, tag } }: RollbackSnapshot): PlacedImage {
  return {
    root,
    from: request.targets[0],
    tagsAt: ({ listed = [] }) =>
      tagsToWrite({ plain: [], version: decideRollbackTags(tag, tag.tag, listed, request) }),
  }
}

/** Returns what warnings about the tags of the targets need. */
export function warnedImage(snapshot: RollbackSnapshot): WarnedImage {
  const { request, targets } = snapshot
  const { policy } = request
  const maintainsLatest = policy.levels.includes('latest')
  return { reading: policy, maintainsLatest, targets, tagsAt: placedImage(snapshot).tagsAt }
}

/**
 * Returns the request with the reading of tags that Helm charts require. Only a tag that may be the
 * version of a chart costs a request.
 */
async function readAsChart(
  request: RollbackRequest,
  store: ManifestReader,
  listed: readonly string[],
  call: Call,
): Promise<RollbackRequest> {
  const { policy } = request
  const candidate = versionTagsIn(listed, { ...policy, buildMetadata: true }).find(
    ({ tag }) => !isExactVersion(tag, policy),
  )
  if (candidate === undefined) return request
  try {
    const content = await store.findManifest({ tag: candidate.tag }, call)
    return content === undefined ? request : { ...request, policy: readingForImage(policy, content) }
  } catch (error) {
    // A manifest that dray cannot parse, such as docker's schema 1, is no chart.
    if (isDrayError(error) && (error.code === 'unsupported' || error.code === 'malformed')) return request
    throw error
  }
}

function noRepository({ image, environment }: RollbackRequest, repository: RepositoryName): DrayError {
  const name = formatRepository(repository)
  const where = environment === undefined ? '' : ` in ${environment}`
  return new DrayError('not-found', `cannot find ${image}${where}`, {
    subject: name,
    why: `the registry reports no repository ${name}`,
    hint: 'Check the name of the image and of the environment.',
  })
}

/**
 * Lists the tags of the target that selects the release; undefined if it does not exist.
 * @throws the first failure to list.
 */
async function readFirst(
  { targets, partial }: RollbackRequest,
  stores: Repositories,
  call: Call,
): Promise<{ readonly repository: RepositoryName; readonly listed: readonly string[] | undefined }> {
  let failure: DrayError | undefined
  for (const repository of targets) {
    const list = await readOrUnread(repository, call, async () => ({
      kind: 'list' as const,
      listed: await findTags(stores.target(repository), call),
    }))
    if (list.kind === 'list') return { repository, listed: list.listed }
    failure ??= list.error
    if (!partial) break
  }
  throw failure ?? new DrayError('internal', 'an environment has no target')
}

/**
 * Checks that all targets have the same current version. After a rollback that reached only some of
 * them, each has another release before its current one, and a second run would move those back
 * twice.
 * @throws `refused`.
 */
async function checkSameVersion(
  { image, targets, currentTag }: RollbackRequest,
  stores: Repositories,
  call: Call,
): Promise<void> {
  const current = await inParallel(targets, targetsAtOnce, call, (repository, c) =>
    readOrUnread(repository, c, async () => ({
      kind: 'read' as const,
      reference: formatAt(repository, { tag: currentTag }),
      digest: (await stores.target(repository).resolve({ tag: currentTag }, c))?.digest,
    })),
  )
  const read = current.filter((one) => one.kind === 'read')
  if (new Set(read.map(({ digest }) => digest)).size < 2) return
  throw new DrayError('refused', `the current version of ${image} is not the same in every target`, {
    why: read.map(({ reference, digest = 'no image' }) => `${reference} points to ${digest}`).join('; '),
    hint: 'Name the release to roll back to: pass --to VERSION.',
  })
}

async function readTarget(
  repository: RepositoryName,
  listed: readonly string[],
  release: Release,
  { request, stores }: { readonly request: RollbackRequest; readonly stores: Repositories },
  call: Call,
): Promise<RollbackTarget> {
  const spellings = versionTagsIn(listed, request.policy)
    .filter(({ version: other }) => isSameVersion(other, release.tag.version))
    .map(({ tag }) => tag)
  const version = decideRollbackTags(release.tag, release.tag.tag, listed, request)
  const known = new Set(listed)
  const names = tagsToRead({ plain: spellings, version }, known)
  const tags = await resolveTagsToWrite(
    stores.target(repository),
    names,
    known,
    (tag) => mayBeImmutable(tag, request.immutable),
    call,
  )
  const exact = spellings.find((tag) => tags.get(tag) === release.root.digest)
  return { kind: 'read', repository, listed, exact, tags }
}
