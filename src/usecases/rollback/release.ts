import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatAt, formatRepository } from '../../oci/reference.ts'
import {
  compareVersions,
  formatVersion,
  compareDescending,
  isSameVersion,
  isStable,
  versionKeyWithBuild,
  type VersionTag,
  versionTagsIn,
} from '../../semver/version.ts'
import { suggestTags } from '../../semver/suggest-tags.ts'
import { explainDeleted } from '../../images/graph/explain-deleted.ts'
import type { Capabilities, ManifestReader } from '../../images/ports.ts'
import { findFirstTag, resolveTags, tagsResolvingTo } from '../../images/tags/tags.ts'
import type { RollbackRequest } from './request.ts'
import type { Release } from './snapshot.ts'

/**
 * Finds the release to go back to in one target.
 * @param listed all tags there
 * @throws `not-found` for a version or digest without a version tag; `refused` if the release is
 * ambiguous.
 */
export async function findRelease(
  store: ManifestReader & Capabilities,
  request: RollbackRequest,
  listed: readonly string[],
  call: Call,
): Promise<Release> {
  const versions = versionTagsIn(listed, request.policy)
  const { to } = request
  const tag =
    to === undefined
      ? await releaseBefore(store, request, versions, call)
      : typeof to === 'string'
        ? await releaseWith(store, request, to, versions, call)
        : versions.find(({ version }) => isSameVersion(version, to))
  if (tag === undefined) throw await notThere(store, request, versions, call)
  if (to === undefined || typeof to !== 'string') await checkOneImage(store, request, tag, versions, call)
  return { tag, root: await rootOf(store, tag, call) }
}

/** @throws `refused` if spellings of one version are on different images. */
async function checkOneImage(
  store: ManifestReader,
  { image }: RollbackRequest,
  { version }: VersionTag,
  versions: readonly VersionTag[],
  call: Call,
): Promise<void> {
  const spellings = versions.filter((one) => isSameVersion(one.version, version))
  if (spellings.length < 2) return
  const tags = spellings.map(({ tag }) => tag)
  const found = await resolveTags(store, tags, call)
  if (new Set(found.values()).size < 2) return
  throw new DrayError('refused', `${formatVersion(version)} of ${image} is ambiguous`, {
    why: tags.map((tag) => `${tag} points to ${found.get(tag) ?? 'no image'}`).join('; '),
    hint: 'Name one of the digests: pass --to DIGEST.',
  })
}

async function rootOf(store: ManifestReader, { tag }: VersionTag, call: Call): Promise<Descriptor> {
  const root = await store.resolve({ tag }, call)
  if (root !== undefined) return root
  throw new DrayError('conflict', `cannot read ${formatAt(store.repository, { tag })}`, {
    why: 'the tag was deleted after dray listed it',
    hint: 'Find out who deletes tags in this repository. Then run the command again.',
  })
}

/** Returns the highest stable version of the variant below the current one, on another image. */
async function releaseBefore(
  store: ManifestReader,
  { image, currentTag, variant = '' }: RollbackRequest,
  all: readonly VersionTag[],
  call: Call,
): Promise<VersionTag> {
  const versions = all.filter(({ version }) => version.variant === variant)
  const current = (await store.resolve({ tag: currentTag }, call))?.digest
  const now =
    current === undefined
      ? undefined
      : await highestWhere(store, (digest) => digest === current, versions, call)
  if (now === undefined) {
    const reference = formatAt(store.repository, { tag: currentTag })
    throw new DrayError('refused', `the current version of ${image} is unknown`, {
      why:
        current === undefined
          ? `${reference} does not exist`
          : `no version tag points to ${current}, the image of ${reference}`,
      hint: 'Name the release to roll back to: pass --to VERSION.',
    })
  }
  const lower = versions.filter(
    ({ version }) => isStable(version) && compareVersions(version, now.version) < 0,
  )
  const before = await highestWhere(store, (digest) => digest !== current, lower, call)
  if (before !== undefined) return before
  throw new DrayError('refused', `there is no release of ${image} before ${formatVersion(now.version)}`, {
    subject: formatAt(store.repository, { tag: now.tag }),
    why: 'no lower stable version points to another image',
    hint: `To list the versions, run: dray ls ${formatRepository(store.repository)}`,
  })
}

async function releaseWith(
  store: ManifestReader,
  { image, variant = '' }: RollbackRequest,
  digest: Digest,
  versions: readonly VersionTag[],
  call: Call,
): Promise<VersionTag | undefined> {
  const all = await tagsResolvingTo(store, digest, versions, call)
  const own = all.filter(({ version }) => version.variant === variant)
  const found = own.length > 0 ? own : all
  const distinct = new Set(found.map(({ version }) => versionKeyWithBuild(version)))
  if (distinct.size > 1) {
    throw new DrayError('refused', `${digest} of ${image} is ambiguous`, {
      why: `it has several version tags: ${found.map(({ tag }) => tag).join(', ')}`,
      hint: 'Name one of the versions: pass --to VERSION.',
    })
  }
  return found[0]
}

/** Searches from the highest version down, because the current one is near the top. */
async function highestWhere(
  store: ManifestReader,
  isMatch: (digest: Digest) => boolean,
  versions: readonly VersionTag[],
  call: Call,
): Promise<VersionTag | undefined> {
  const sorted = compareDescending(versions)
  const found = await findFirstTag(
    store,
    sorted.map(({ tag }) => tag),
    isMatch,
    call,
  )
  return sorted.find(({ tag }) => tag === found)
}

async function notThere(
  store: ManifestReader & Capabilities,
  { image, environment, to, policy }: RollbackRequest,
  versions: readonly VersionTag[],
  call: Call,
): Promise<DrayError> {
  const requested = to === undefined || typeof to === 'string' ? (to ?? '') : formatVersion(to)
  const where = environment === undefined ? '' : ` in ${environment}`
  const tags = versions.map(({ tag }) => tag)
  const why = typeof to === 'string' ? await explainDeleted(store, to, call) : undefined
  return new DrayError('not-found', `${image} has no release ${requested}${where}`, {
    ...(why !== undefined && { why }),
    hint:
      tags.length === 0
        ? 'Promote or tag a version first: the repository has no version tags.'
        : suggestTags(requested, tags, policy),
  })
}
