import type { Digest } from '../../oci/digest.ts'
import { childrenOf, parseManifest } from '../../oci/manifest.ts'
import { isIndexType } from '../../oci/media-types.ts'
import type { RegistryStorage, StoredManifest } from '../storage/storage.ts'
import { indexesOf } from './deletes.ts'

/**
 * Stores a manifest like zot: a manifest whose last tag moves away is deleted at once, even if an
 * index names it. If an index replaces an index, so are the children of the former one that have no
 * tag and are in no other index.
 */
export async function putInPlaceOfFormer(
  storage: RegistryStorage,
  repository: string,
  manifest: StoredManifest,
  tags: readonly string[],
): Promise<void> {
  const former = new Set<Digest>()
  for (const tag of tags) {
    const digest = await storage.tag(repository, tag)
    if (digest !== undefined && digest !== manifest.digest) former.add(digest)
  }
  await storage.putManifest(repository, manifest, tags)
  for (const digest of former) {
    const replaced = await storage.manifest(repository, digest)
    if (replaced === undefined) continue
    await deleteUntagged(storage, repository, digest)
    if (isIndexType(replaced.mediaType) && isIndexType(manifest.mediaType))
      await deleteChildren(storage, repository, replaced)
  }
}

async function deleteUntagged(storage: RegistryStorage, repository: string, digest: Digest): Promise<void> {
  if ((await storage.tagsOf(repository, digest)).length === 0)
    await storage.deleteManifest(repository, digest)
}

async function deleteChildren(
  storage: RegistryStorage,
  repository: string,
  { bytes, mediaType, digest }: StoredManifest,
): Promise<void> {
  for (const child of childrenOf(parseManifest(bytes, mediaType, digest))) {
    if (isIndexType(child.mediaType)) continue
    if ((await indexesOf(storage, repository, child.digest)).length === 0)
      await deleteUntagged(storage, repository, child.digest)
  }
}
