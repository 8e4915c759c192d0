import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'

export interface StoredManifest {
  readonly mediaType: string
  readonly digest: Digest
  readonly bytes: Uint8Array
  /** of a manifest with `subject`: the subject, and its own entry in the list of referrers */
  readonly refers?: { readonly subject: Digest; readonly entry: Descriptor }
}

/** A blob on its way in: nobody can read it before `commit`. */
export interface BlobWriter {
  /** bytes that are there */
  readonly size: number
  append(chunk: Uint8Array): Promise<void>
  /** What is there so far, from the start. */
  read(): AsyncIterable<Uint8Array>
  /** Makes it a blob of the repository, at once and whole. The caller has checked the digest. Ends the writer. */
  commit(repository: string, digest: Digest): Promise<void>
  /** Drops it. Ends the writer; may be called again and after `commit`, then to no effect. */
  discard(): Promise<void>
}

/**
 * Where a registry keeps its content. Every blob, manifest and tag belongs to a repository: what one repository has, another does not see until it is
 * pushed or mounted there. Names, tags and digests were checked before they come here. A repository is there from its first content on, and stays.
 */
export interface RegistryStorage {
  /** All repositories, in no order. */
  repositories(): Promise<readonly string[]>
  hasRepository(repository: string): Promise<boolean>

  /** Size in bytes, or undefined where the repository has no such blob. */
  blobSize(repository: string, digest: Digest): Promise<number | undefined>
  /** The bytes from `start` up to `end`, not included. Opened when the first chunk is asked for. */
  readBlob(repository: string, digest: Digest, start: number, end: number): AsyncIterable<Uint8Array>
  /** Makes the blob of one repository also one of another; false where the first does not have it. */
  mountBlob(digest: Digest, from: string, to: string): Promise<boolean>
  /** False where it was not there. */
  deleteBlob(repository: string, digest: Digest): Promise<boolean>
  /** Begins a blob; `id` is unique among the writers that are open and is safe in a file name. */
  openWriter(id: string): Promise<BlobWriter>

  manifest(repository: string, digest: Digest): Promise<StoredManifest | undefined>
  /** Keeps it, and then points the tags to it; a delete in the same repository comes before or after all of that. */
  putManifest(repository: string, manifest: StoredManifest, tags: readonly string[]): Promise<void>
  /** Drops the manifest, every tag on it and its entry among the referrers; false where it was not there. */
  deleteManifest(repository: string, digest: Digest): Promise<boolean>
  /** All manifests of a repository, in no order. */
  manifests(repository: string): AsyncIterable<StoredManifest>
  /** The entries of all manifests whose `subject` is this digest, in no order. */
  referrers(repository: string, subject: Digest): Promise<readonly Descriptor[]>

  tags(repository: string): Promise<readonly string[]>
  tag(repository: string, tag: string): Promise<Digest | undefined>
  /** False where it was not there. */
  deleteTag(repository: string, tag: string): Promise<boolean>
}
