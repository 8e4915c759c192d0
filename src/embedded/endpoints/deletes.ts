import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import { childrenOf, parseManifest } from '../../oci/manifest.ts'
import { isIndexType } from '../../oci/media-types.ts'
import type { EndpointResponse } from '../response.ts'
import { foreignRefusal, refusal } from '../errors.ts'
import type { Endpoint, RegistryState } from '../request.ts'
import { tagOrDigestFrom } from '../names.ts'
import type { RegistryStorage } from '../storage/storage.ts'

/** DELETE of a tag, or of a manifest with all its tags (distribution-spec, Content Management). */
export const deleteManifest: Endpoint = async (_, state, repository, reference) => {
  const at = tagOrDigestFrom(reference)
  if (at === undefined) throw unknownManifest(repository, reference)
  if ('tag' in at) return await deleteTag(state, repository, at.tag)
  const { abilities } = state
  if (!abilities.deleteManifest) throw refusal('UNSUPPORTED', 'this registry does not delete manifests')
  await checkRepository(state, repository)
  await checkUnreferenced(state, repository, at.digest)
  if (!(await remove(state, repository, at.digest))) throw unknownManifest(repository, reference)
  if (abilities.deleteAnswer === 500) throw foreignRefusal('UNKNOWN', 500, 'the delete is still running')
  return done(abilities.deleteAnswer)
}

async function deleteTag(state: RegistryState, repository: string, tag: string): Promise<EndpointResponse> {
  const { storage, abilities } = state
  switch (abilities.deleteTag) {
    case 'UNSUPPORTED':
    case 'DIGEST_INVALID':
      throw refusal(abilities.deleteTag, 'this registry does not delete tags')
    case 'UNSUPPORTED 400':
      throw refusal('UNSUPPORTED', 'this registry does not delete tags', 400)
    case 'yes':
    case 'with its manifest':
  }
  await checkRepository(state, repository)
  if (abilities.lockedTags.includes(tag)) throw locked(tag)
  const digest = await storage.tag(repository, tag)
  const isGone =
    abilities.deleteTag === 'with its manifest' && digest !== undefined
      ? await storage.deleteManifest(repository, digest)
      : await storage.deleteTag(repository, tag)
  if (!isGone) throw unknownManifest(repository, tag)
  return done(202)
}

async function checkRepository({ storage }: RegistryState, repository: string): Promise<void> {
  if (!(await storage.hasRepository(repository)))
    throw refusal('NAME_UNKNOWN', `the repository ${repository} does not exist`)
}

/** @throws a refusal if something protects the manifest. */
async function checkUnreferenced(
  { storage, abilities }: RegistryState,
  repository: string,
  digest: Digest,
): Promise<void> {
  const { referenced, lockedTags } = abilities
  const doTagsMatter =
    lockedTags.length > 0 || !abilities.deleteTagged || abilities.untagged !== 'like others'
  const tags = doTagsMatter ? await storage.tagsOf(repository, digest) : []
  const lockedTag = tags.find((tag) => lockedTags.includes(tag))
  if (lockedTag !== undefined) throw locked(lockedTag)
  if (tags.length === 0 && abilities.untagged !== 'like others') {
    throw refusal('MANIFEST_UNKNOWN', `no tag of ${repository} points to ${digest}`)
  }
  if (!abilities.deleteTagged && tags.length > 0) {
    throw foreignRefusal(
      referenced.byTag,
      referenced.status,
      `the manifest is still referenced by the tag ${tags.join()}`,
    )
  }
  const [index] = abilities.deleteInsideIndex ? [] : await indexesOf(storage, repository, digest)
  if (index !== undefined)
    throw foreignRefusal(
      referenced.byIndex,
      referenced.status,
      `the manifest is still referenced by the index ${index}`,
    )
  const [referrer] = abilities.deleteSubject === 'no' ? await referrersOf(storage, repository, digest) : []
  if (referrer !== undefined) {
    throw foreignRefusal(
      referenced.byReferrer,
      referenced.status,
      `the manifest is still referenced by ${referrer.digest}`,
    )
  }
}

/** Removes a manifest, and its referrers if the profile says so. False if it did not exist. */
async function remove(
  { storage, abilities }: Pick<RegistryState, 'storage' | 'abilities'>,
  repository: string,
  digest: Digest,
): Promise<boolean> {
  const referrers =
    abilities.deleteSubject === 'with its referrers' ? await referrersOf(storage, repository, digest) : []
  const isGone = await storage.deleteManifest(repository, digest)
  if (isGone) {
    for (const referrer of referrers) await remove({ storage, abilities }, repository, referrer.digest)
  }
  return isGone
}

/** Whether a manifest is readable: it has a tag, or a readable index or subject leads to it. */
export async function isShown(
  { storage }: Pick<RegistryState, 'storage'>,
  repository: string,
  digest: Digest,
  seen: ReadonlySet<Digest> = new Set(),
): Promise<boolean> {
  if (seen.has(digest)) return false
  const past = new Set([...seen, digest])
  if ((await storage.tagsOf(repository, digest)).length > 0) return true
  const subject = (await storage.manifest(repository, digest))?.refers?.subject
  if (subject !== undefined && (await isShown({ storage }, repository, subject, past))) return true
  for (const index of await indexesOf(storage, repository, digest)) {
    if (await isShown({ storage }, repository, index, past)) return true
  }
  return false
}

async function referrersOf(
  storage: RegistryStorage,
  repository: string,
  digest: Digest,
): Promise<readonly Descriptor[]> {
  return await Array.fromAsync(storage.referrers(repository, digest))
}

/** The indexes that name a manifest. */
export async function indexesOf(
  storage: RegistryStorage,
  repository: string,
  digest: Digest,
): Promise<Digest[]> {
  const found: Digest[] = []
  for await (const each of storage.manifests(repository)) {
    if (!isIndexType(each.mediaType) || each.digest === digest) continue
    const index = parseManifest(each.bytes, each.mediaType, each.digest)
    if (childrenOf(index).some((child) => child.digest === digest)) found.push(each.digest)
  }
  return found
}

function done(status: number): EndpointResponse {
  return { status, body: new Uint8Array() }
}

function locked(tag: string): Error {
  return foreignRefusal('REGISTRY_DISALLOWED_OPERATION', 405, `${tag} is locked`)
}

export function unknownManifest(repository: string, reference: string): Error {
  return refusal('MANIFEST_UNKNOWN', `${repository} has no manifest ${reference}`)
}
