import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'

export interface StoredManifest {
  readonly mediaType: string
  readonly digest: Digest
  readonly bytes: Uint8Array
  /** of a manifest with `subject`: the subject, and its entry in the list of referrers */
  readonly refers?: { readonly subject: Digest; readonly entry: Descriptor }
}

/** A blob that is being uploaded. It cannot be read before `commit`. */
export interface OpenBlob {
  /** bytes so far */
  readonly size: number
  /** If it fails, the bytes so far stay, and the chunk can be appended again. */
  append(chunk: Uint8Array): Promise<void>
  /** The bytes so far. */
  read(): AsyncIterable<Uint8Array>
  /** Makes it a blob of the repository, atomically, after the caller has checked the digest. */
  commit(repository: string, digest: Digest): Promise<void>
  /** Drops the bytes. Ends the writer. Has no effect after `commit` or another `discard`. */
  discard(): Promise<void>
}

/**
 * The storage of a registry. Every blob, manifest and tag belongs to a repository: others do not
 * have it before it is pushed or mounted there. The caller has checked names, tags and digests. A
 * repository exists from its first content on, and stays. If the storage is full or fails, changes
 * throw a refusal with 507 and `STORAGE_FULL` or `STORAGE_FAILED`, and tags do not change.
 */
export interface RegistryStorage {
  /** At most `count` repositories after `last`, in ASCII order. */
  repositories(last: string | undefined, count: number): Promise<readonly string[]>
  hasRepository(repository: string): Promise<boolean>

  /** Size in bytes, or undefined if the repository has no such blob. */
  blobSize(repository: string, digest: Digest): Promise<number | undefined>
  /** The bytes from `start` up to `end`, exclusive. Opened when the first chunk is read. */
  readBlob(repository: string, digest: Digest, start: number, end: number): AsyncIterable<Uint8Array>
  /** Adds the blob of one repository to another; false if the first does not have it. */
  mountBlob(digest: Digest, from: string, to: string): Promise<boolean>
  /** False if it did not exist. */
  deleteBlob(repository: string, digest: Digest): Promise<boolean>
  /**
   * Removes the files of abandoned uploads, unless a writer has them open or they changed after
   * `before`, in milliseconds since 1970.
   */
  removeAbandoned(before: number): Promise<void>
  /** Begins a blob. `id` is unique among the open writers and safe in a file name. */
  openWriter(id: string): Promise<OpenBlob>

  manifest(repository: string, digest: Digest): Promise<StoredManifest | undefined>
  /**
   * Stores the manifest, then points the tags to it. No delete in the repository runs in between.
   */
  putManifest(repository: string, manifest: StoredManifest, tags: readonly string[]): Promise<void>
  /**
   * Deletes the manifest, its tags and its entry among the referrers; false if it did not exist.
   */
  deleteManifest(repository: string, digest: Digest): Promise<boolean>
  /** All manifests of a repository, unordered. */
  manifests(repository: string): AsyncIterable<StoredManifest>
  /** The entries of all manifests with this `subject` after the digest `last`, in ASCII order. */
  referrers(repository: string, subject: Digest, last?: string): AsyncIterable<Descriptor>

  /** The tags after `last`, in ASCII order; at most `count` of them. */
  tags(repository: string, last?: string, count?: number): Promise<readonly string[]>
  /** The tags of a manifest, unordered. Costs nothing for other tags, except for the first call. */
  tagsOf(repository: string, digest: Digest): Promise<readonly string[]>
  tag(repository: string, tag: string): Promise<Digest | undefined>
  /** False if it did not exist. */
  deleteTag(repository: string, tag: string): Promise<boolean>
}
