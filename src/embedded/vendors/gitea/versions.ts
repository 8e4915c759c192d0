import { type Digest, isDigest } from '../../../oci/digest.ts'
import { isTag } from '../../../oci/reference.ts'
import type { VendorState } from '../vendor.ts'

/** The pushes of a registry, as far as versions depend on them. */
interface KnownPushes {
  /**
   * `REPOSITORY@DIGEST` of manifests that were pushed by digest, and have a version of that name
   */
  readonly byDigest: Set<string>
  /** manifests whose tag a push is moving */
  readonly former: Map<string, { readonly repository: string; readonly digest: Digest }>
}

const pushes = new WeakMap<VendorState['records'], KnownPushes>()

function pushesOf({ records }: VendorState): KnownPushes {
  const known = pushes.get(records) ?? { byDigest: new Set(), former: new Map() }
  pushes.set(records, known)
  return known
}

export function noteDigestPush(repository: string, digest: Digest, state: VendorState): void {
  pushesOf(state).byDigest.add(`${repository}@${digest}`)
}

/** A push overwrites the version of a tag. */
export async function noteFormer(repository: string, tag: string, state: VendorState): Promise<void> {
  const digest = await state.storage.tag(repository, tag)
  if (digest !== undefined) pushesOf(state).former.set(`${repository}@${digest}`, { repository, digest })
}

/** Deletes the manifests that have no version since their tag moved. */
export async function forgetFormer(state: VendorState): Promise<void> {
  const { former } = pushesOf(state)
  for (const [key, { repository, digest }] of former) {
    if ((await state.storage.tagsOf(repository, digest)).length > 0) continue
    former.delete(key)
    await deleteIfGone(repository, digest, state)
  }
}

/** Whether a manifest has a version of its own, besides its tags. */
export async function hasDigestVersion(
  repository: string,
  digest: Digest,
  state: VendorState,
): Promise<boolean> {
  if (pushesOf(state).byDigest.has(`${repository}@${digest}`)) return true
  return (await state.storage.tagsOf(repository, digest)).length === 0
}

/** Deletes one version: a tag, or a digest. False if it does not exist. */
export async function deleteVersion(
  repository: string,
  version: string,
  state: VendorState,
): Promise<boolean> {
  if (isTag(version)) return await deleteTagVersion(repository, version, state)
  if (!isDigest(version) || (await state.storage.manifest(repository, version)) === undefined) return false
  if (!(await hasDigestVersion(repository, version, state))) return false
  pushesOf(state).byDigest.delete(`${repository}@${version}`)
  await deleteIfGone(repository, version, state)
  return true
}

export async function deleteTagVersion(
  repository: string,
  tag: string,
  state: VendorState,
): Promise<boolean> {
  const digest = await state.storage.tag(repository, tag)
  if (digest === undefined) return false
  await state.storage.deleteTag(repository, tag)
  await deleteIfGone(repository, digest, state)
  return true
}

/** Deletes the manifest if its last version is gone. */
async function deleteIfGone(repository: string, digest: Digest, state: VendorState): Promise<void> {
  const { storage, records, clock } = state
  if (pushesOf(state).byDigest.has(`${repository}@${digest}`)) return
  if ((await storage.tagsOf(repository, digest)).length > 0) return
  if (await storage.deleteManifest(repository, digest)) records.deleted(repository, digest, clock.now())
}
