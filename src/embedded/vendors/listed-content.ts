import { isTag } from '../../oci/reference.ts'
import type { Digest } from '../../oci/digest.ts'
import { blobsOf, type Manifest, parseManifest } from '../../oci/manifest.ts'
import type { StoredManifest } from '../storage/storage.ts'
import type { VendorState } from './vendor.ts'

/** A manifest that a list names. */
export interface ListedContent {
  readonly stored: StoredManifest
  readonly manifest: Manifest
  /** the manifest with its config and layers, or blobs, in bytes */
  readonly contentBytes: number
}

/** A manifest as the list of a vendor shows it. */
export interface ListedManifest extends ListedContent {
  /** in ASCII order */
  readonly tags: readonly string[]
}

export interface ListedTag {
  readonly name: string
  readonly digest: Digest
}

/** The digests that lists show, in ASCII order. A push shows after the lag of the vendor. */
export async function listedDigests(state: VendorState, repository: string): Promise<readonly Digest[]> {
  const digests: Digest[] = []
  for await (const { digest } of state.storage.manifests(repository)) {
    if (isShownYet(state, state.records.manifest(repository, digest).pushedAt)) digests.push(digest)
  }
  return digests.toSorted()
}

/** Reads a manifest with its tags for a list; undefined if it was deleted since. */
export async function listedManifest(
  state: VendorState,
  repository: string,
  digest: Digest,
): Promise<ListedManifest | undefined> {
  const content = await listedContent(state, repository, digest)
  if (content === undefined) return undefined
  const tags = await state.storage.tagsOf(repository, digest)
  return { ...content, tags: tags.toSorted() }
}

/** Reads a manifest without its tags. */
export async function listedContent(
  { storage }: VendorState,
  repository: string,
  digest: Digest,
): Promise<ListedContent | undefined> {
  const stored = await storage.manifest(repository, digest)
  if (stored === undefined) return undefined
  const manifest = parseManifest(stored.bytes, stored.mediaType, digest)
  return { stored, manifest, contentBytes: contentBytes(stored, manifest) }
}

/** Returns at most `count` tags after `last`, in ASCII order. A push shows after the lag. */
export async function listedTags(
  state: VendorState,
  repository: string,
  last: string | undefined,
  count: number,
): Promise<readonly ListedTag[]> {
  const listed: ListedTag[] = []
  for (let after = last; listed.length < count;) {
    const names = await state.storage.tags(repository, after, count)
    for (const name of names) {
      const digest = await state.storage.tag(repository, name)
      const { pushedAt } = state.records.tag(repository, name)
      if (digest !== undefined && isShownYet(state, pushedAt)) listed.push({ name, digest })
    }
    after = names.at(-1)
    if (after === undefined) break
  }
  return listed.slice(0, count)
}

/** Returns the digest of a tag; undefined also for text that is no tag. */
export async function digestOfTag(
  { storage }: VendorState,
  repository: string,
  text: string,
): Promise<Digest | undefined> {
  return isTag(text) ? await storage.tag(repository, text) : undefined
}

function isShownYet({ clock, options }: VendorState, pushedAt: number): boolean {
  return pushedAt + (options.lagMs ?? 0) <= clock.now()
}

function contentBytes({ bytes }: StoredManifest, manifest: Manifest): number {
  return blobsOf(manifest).reduce((sum, { size }) => sum + size, bytes.byteLength)
}
