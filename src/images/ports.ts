import type { Call } from '../lib/call.ts'
import type { BeforeAttempt } from '../lib/freshness.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import type { RepositoryName, TagOrDigest } from '../oci/reference.ts'

// The ports to one repository. Absent means 404 and nothing else: 401, 403, 429 and 5xx throw.
// Every method with a `Call` may throw `unauthorized`, `forbidden`, `unavailable`, `network`,
// `timeout`, `interrupted` and `protocol`. Adapters are object literals, so that they can be
// combined.

/** Bytes as they were served, verified against the digest and size that were asked for. */
export interface ManifestContent {
  readonly descriptor: Descriptor
  readonly bytes: Uint8Array
}

export interface NamedRepository {
  /** for messages; the registry of an image layout is `oci:`, and its path is the folder */
  readonly repository: RepositoryName
}

export interface ManifestReader extends NamedRepository {
  /**
   * Returns the descriptor of a tag or digest without its body (HEAD), or undefined if it is
   * absent.
   */
  resolve(at: TagOrDigest, call: Call): Promise<Descriptor | undefined>

  /**
   * Returns the raw bytes of a manifest or index.
   * @throws `not-found`, `corrupt`, `malformed`, `unsupported` (schema 1).
   */
  manifest(at: TagOrDigest | Descriptor, call: Call): Promise<ManifestContent>

  /** Returns the same as `manifest`, or undefined if it is absent. */
  findManifest(at: TagOrDigest | Descriptor, call: Call): Promise<ManifestContent | undefined>

  /**
   * Frees the memory of a manifest that the caller keeps elsewhere. A later read asks the registry
   * again. Absent: it holds none.
   */
  release?(digest: Digest): void
}

export interface BlobReader extends NamedRepository {
  /** Returns whether the repository has the blob with the size of the descriptor (HEAD). */
  hasBlob(d: Descriptor, call: Call): Promise<boolean>

  /**
   * Streams a blob from `offset` on. If `offset` is 0 and there is no `end`, the last chunk comes
   * only after size and digest are verified. Any other reader verifies the whole itself. Bytes
   * after `end` are not needed, but they may come.
   * @throws `not-found`; `corrupt` from the stream too.
   */
  blob(d: Descriptor, offset: number, call: Call, end?: number): Promise<AsyncIterable<Uint8Array>>

  /**
   * Returns a repository of this registry that has the blob too, to mount it from there. Absent:
   * the reader knows no other repository than its own.
   */
  placedAt?(d: Descriptor, registry: string): RepositoryName | undefined
}

/**
 * The treatment of an entry of a tag list that is not a tag, such as a digest. `skip`: one warning
 * for each repository. `refuse`: an error, for a reader to which each tag matters, because nothing
 * can be read under such a name.
 */
export type InvalidTags = 'skip' | 'refuse'

export interface TagLister extends NamedRepository {
  /**
   * Lists all tags. An incomplete list is an error.
   * @param invalid `skip` by default
   * @throws `not-found` if the repository is absent; `refused` for an invalid tag.
   */
  tags(call: Call, invalid?: InvalidTags): AsyncIterable<string>

  /**
   * Lists the tags in the pages of the registry, so that a reader can stop early. Skips invalid
   * tags.
   */
  tagPages(call: Call): AsyncIterable<readonly string[]>
}

export interface ReferrerLister extends NamedRepository {
  /**
   * Lists the manifests whose `subject` is this digest, from the referrers API alone
   * (distribution-spec, Listing Referrers). Returns undefined if the registry says that it does not
   * have that API. `images/evidence` also reads the artifacts under tags.
   */
  referrers(subject: Digest, call: Call): Promise<readonly Descriptor[] | undefined>

  /**
   * Whether the registry has the referrers API now: one request about a manifest that it has, also
   * if an earlier answer said that there is none.
   */
  hasReferrersApi(subject: Digest, call: Call): Promise<boolean>
}

/**
 * The capabilities of a repository for the credentials in use. dray learns them from answers,
 * without probes.
 */
export type Capability =
  /** `GET /referrers/<digest>` answers */
  | 'referrers'
  | 'deleteTag'
  | 'deleteManifest'
  /** deleting a manifest deletes its tags too; if not, the tags have to be deleted first */
  | 'deleteTagged'
  /** a manifest stays, by its digest, when its last tag moves to another one */
  | 'keepsUntagged'
  /**
   * a GET of a manifest does not count as a pull; if it does, HEAD is the cheaper way to resolve a
   * tag
   */
  | 'freeReads'
  /** cross-repository mount answers 201 */
  | 'mount'
  /** `PUT manifests/<digest>?tag=a&tag=b` */
  | 'manyTags'
  /** a blob can be uploaded in several PATCH requests; if not, in one PUT of any size */
  | 'chunks'
  /**
   * the `Range` of an upload session says how much arrived, so that a broken upload can be resumed
   */
  | 'uploadRange'
  /** an index is accepted although the repository lacks some of its manifests */
  | 'sparseIndexes'

export type Known = 'yes' | 'no' | 'unknown'

export interface Capabilities {
  capability(name: Capability): Known

  /**
   * Returns the milliseconds that the registry's clock is ahead of this machine's, or undefined if
   * no answer had a `Date`. It is right to a second and the duration of the latest answer.
   */
  clockDifference(): number | undefined
}

/** Where the bytes of a blob come from. */
export interface BlobSource {
  /** the repository to mount the blob from, if it is on the same registry */
  readonly repository?: RepositoryName
  /** the content was made in this run, so that no registry can have it and no check is needed */
  readonly isNew?: boolean
  /** Opens the bytes from `offset` on. Bytes after `end` are not needed, but they may come. */
  open(offset: number, call: Call, end?: number): Promise<AsyncIterable<Uint8Array>>
}

export interface BlobWriter extends NamedRepository {
  /** Mounts or uploads a blob, unless the repository has it. @throws `corrupt`. */
  putBlob(d: Descriptor, from: BlobSource, call: Call): Promise<'mounted' | 'uploaded' | 'present'>
}

export interface PutManifestResult {
  /** tags that now resolve to the manifest */
  readonly tagged: readonly string[]
  /**
   * for a manifest with a `subject`: whether the referrers API lists it; if not, the referrer
   * belongs in the index under the fallback tag
   */
  readonly subjectListed: boolean
}

export interface ManifestWriter extends NamedRepository {
  /**
   * Puts the identical bytes under the tags, or by digest if there are no tags.
   * @param beforeAttempt is called before each attempt of each request, and may throw
   * @throws `protocol` if the registry answers with another digest.
   */
  putManifest(
    d: Descriptor,
    bytes: Uint8Array,
    tags: readonly string[],
    call: Call,
    beforeAttempt?: BeforeAttempt,
  ): Promise<PutManifestResult>

  /**
   * Puts an index by its digest that lists manifests which were not copied on purpose. A registry
   * may require them all (distribution-spec 1.1, Pushing Manifests).
   * @throws `refused` if it does; from then on without a request in each repository of the
   * registry; what `putManifest` throws.
   */
  putSparseIndex(d: Descriptor, bytes: Uint8Array, call: Call): Promise<PutManifestResult>
}

/**
 * A referrer that the registry stores and does not list: it belongs in the index under the fallback
 * tag of its subject.
 */
export interface UnlistedReferrer {
  readonly subject: Digest
  /** its entry in that index */
  readonly entry: Descriptor
}

/** The index under a fallback tag, as it was read after referrers were added to it. */
export interface FallbackListing {
  /** `unchanged`: it listed all of them before */
  readonly result: 'added' | 'unchanged'
  /** referrers that it does not list, because other clients overwrote it again and again */
  readonly missing: readonly Digest[]
  /** by digest: all entries that it was seen to have, also those of other clients */
  readonly seen: ReadonlyMap<unknown, Readonly<Record<string, unknown>>>
  /** the digest of the index; undefined: there is no such tag */
  readonly index: Digest | undefined
  /** when it was read, in milliseconds since 1970 */
  readonly readAt: number
  /** the milliseconds from the read before the write to its end */
  readonly writeMs: number
}

/**
 * Maintains the index of referrers under a fallback tag (distribution-spec, Referrers Tag Schema).
 */
export interface FallbackTagWriter {
  /**
   * Adds referrers in one write: reads, merges, writes and reads back, until the index lists all of
   * them. Calls for one subject are executed one after another.
   */
  addToFallbackTag(subject: Digest, referrers: readonly Descriptor[], call: Call): Promise<FallbackListing>

  /**
   * Reads the index again until it has not changed between two reads, and adds the referrers that
   * another client has removed since `listing`. Returns those that are still missing in the end.
   */
  confirmFallbackTag(
    subject: Digest,
    referrers: readonly Descriptor[],
    listing: FallbackListing,
    call: Call,
  ): Promise<readonly Digest[]>

  removeFromFallbackTag(subject: Digest, referrer: Digest, call: Call): Promise<'removed' | 'unchanged'>
}

export interface Deleter {
  /**
   * Deletes a manifest with all its tags. Returns `absent` if the registry answers 404 and the
   * digest does not resolve, and `deleted` if the answer to an earlier attempt was lost.
   * @throws `unsupported` if the registry deletes no manifest in this repository for any user;
   * `refused` if it keeps this one, because something references it or it is locked; `forbidden`.
   */
  deleteManifest(digest: Digest, call: Call, beforeAttempt?: BeforeAttempt): Promise<'deleted' | 'absent'>

  /**
   * Deletes a tag. `resolve` with the digest says whether its manifest is still there.
   * @throws the same as `deleteManifest`.
   */
  deleteTag(tag: string, call: Call, beforeAttempt?: BeforeAttempt): Promise<'deleted' | 'absent'>
}

/** The times of pushes, if the registry or its inventory has them. */
export interface PushTimeReader {
  /**
   * When the registry received a manifest, in milliseconds since 1970; undefined if no tag list of
   * this run has it. Sends no request.
   */
  pushTime?(digest: Digest): number | undefined
}

/** A repository to read from. */
export type SourceRepository = ManifestReader &
  BlobReader &
  TagLister &
  ReferrerLister &
  Capabilities &
  PushTimeReader

/** A repository to read from and to write to. */
export type TargetRepository = SourceRepository & ManifestWriter & BlobWriter & FallbackTagWriter & Deleter

/** Opens repositories. The same name gives the same object for the whole run. */
export interface Repositories {
  source(name: RepositoryName): SourceRepository
  target(name: RepositoryName): TargetRepository
}

export interface RepositoryLister {
  /**
   * Lists the paths of all repositories of a registry, each once, in any order. Repositories that
   * the credentials do not show may be missing, and empty ones may be in the list.
   * @throws `unsupported` if the registry has no such list; `forbidden` if it does not show it;
   * `protocol`.
   */
  repositories(registry: string, call: Call): AsyncIterable<string>
}
