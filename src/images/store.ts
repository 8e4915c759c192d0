import type { Call } from '../lib/call.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import type { RepositoryName, TagOrDigest } from '../oci/reference.ts'

/** What a repository can do, for the credential in use. Learned as one goes, never probed for. */
export type Capability =
  /** `GET /referrers/<digest>` answers */
  | 'referrers'
  | 'deleteTag'
  | 'deleteManifest'
  /** a manifest is deleted with the tags on it; else the tags go first */
  | 'deleteTagged'
  /** a GET of a manifest counts for no quota of pulls; else tags are better resolved by HEAD first */
  | 'freeReads'
  /** cross-repository mount answers 201 */
  | 'mount'
  /** `PUT manifests/<digest>?tag=a&tag=b` */
  | 'manyTags'
  /** a blob may go up in several PATCHes; else in one PUT, however large it is */
  | 'chunks'
  /** the `Range` of an upload session tells what is there, so that a broken upload may go on */
  | 'uploadRange'

export type Known = 'yes' | 'no' | 'unknown'

/** Bytes as they were served, verified against the digest and size that were asked for. */
export interface ManifestContent {
  readonly descriptor: Descriptor
  readonly bytes: Uint8Array
}

/**
 * One repository to read from. Absent means 404 and nothing else: 401, 403, 429 and 5xx throw. Every method may throw
 * `unauthorized`, `forbidden`, `unavailable`, `network`, `timeout`, `interrupted` and `protocol`.
 */
export interface SourceStore {
  /** What this store is, for messages; a layout's registry is `oci:` and its path the folder. */
  readonly repository: RepositoryName

  /** The descriptor of a tag or digest without its body (HEAD); undefined where it is not there. */
  resolve(at: TagOrDigest, call: Call): Promise<Descriptor | undefined>

  /** The raw bytes of a manifest or index. @throws `not-found`, `corrupt`, `malformed`, `unsupported` (schema 1). */
  manifest(at: TagOrDigest | Descriptor, call: Call): Promise<ManifestContent>

  /** Like `manifest`; undefined where it is not there. */
  findManifest(at: TagOrDigest | Descriptor, call: Call): Promise<ManifestContent | undefined>

  /** Whether a blob is there (HEAD), with the size that was asked for. */
  hasBlob(d: Descriptor, call: Call): Promise<boolean>

  /**
   * The bytes of a blob from `offset` on. Read from 0, the last chunk is given only after size and digest were found right; else it throws `corrupt`.
   * A reader that begins at another offset, or names an `end` before the last byte, verifies the whole itself. What comes behind `end` is not wanted, and may come
   * all the same. @throws `not-found`.
   */
  blob(d: Descriptor, offset: number, call: Call, end?: number): Promise<AsyncIterable<Uint8Array>>

  /** All tags, whole: an incomplete list is an error. A repository that is not there throws `not-found`. */
  tags(call: Call): AsyncIterable<string>

  /** The tags page by page as the registry cuts them, so that a reader may stop early. A layout gives one page. */
  tagPages(call: Call): AsyncIterable<readonly string[]>

  /**
   * Manifests whose `subject` is this digest, from the referrers API alone; undefined where the registry does not have that API (404), an error
   * where it fails. Evidence under tags is `store/evidence.ts`'s to find: there the list may be cheaper.
   */
  referrers(subject: Digest, call: Call): Promise<readonly Descriptor[] | undefined>

  capability(name: Capability): Known

  /**
   * Milliseconds that the registry's clock is ahead of this machine's, by its most recent answer that said the time; right to a second and the time
   * that the answer took. Undefined where none did.
   */
  clockDifference(): number | undefined
}

/** Where the bytes of a blob come from. */
export interface BlobSource {
  /** where it may be mounted from, if it is on the same registry */
  readonly repository?: RepositoryName
  /** made a moment ago, with its time in it: it cannot be there yet, and is not looked for */
  readonly isNew?: boolean
  /** The bytes from `offset` on; none behind `end` is wanted, though some may come. */
  open(offset: number, call: Call, end?: number): Promise<AsyncIterable<Uint8Array>>
}

export interface PutManifestResult {
  /** tags that now resolve to it */
  readonly tagged: readonly string[]
  /** for a manifest with `subject`: whether the registry lists it by itself (`OCI-Subject`); else the fallback tag must */
  readonly subjectListed: boolean
}

/** One repository to write to. */
export interface TargetStore extends SourceStore {
  /** Puts a blob: by mount where it can be, else by upload, else not at all where it is there already. @throws `corrupt`. */
  putBlob(d: Descriptor, from: BlobSource, call: Call): Promise<'mounted' | 'uploaded' | 'present'>

  /** Puts the identical bytes: by digest where `tags` is empty, else under the tags. The digest that the answer gives must agree. */
  putManifest(
    d: Descriptor,
    bytes: Uint8Array,
    tags: readonly string[],
    call: Call,
  ): Promise<PutManifestResult>

  /**
   * Adds a referrer to the index under its subject's fallback tag (distribution-spec, Referrers Tag Schema): read, merge, write, read back, again
   * until it stands there. `unchanged` where it was listed already. Calls for one subject go one after another.
   */
  addToFallbackTag(subject: Digest, referrer: Descriptor, call: Call): Promise<'added' | 'unchanged'>

  /** Takes a referrer out of that index again. */
  removeFromFallbackTag(subject: Digest, referrer: Digest, call: Call): Promise<'removed' | 'unchanged'>

  /**
   * Drops every tag on it. What is not there (404, and it cannot be resolved either) is `absent`; `deleted` where the answer
   * to an earlier try was lost.
   * @throws `unsupported` where the registry deletes no manifests at all, or not for anybody: nothing of the kind will be deleted in it;
   * `refused` where it keeps this one, because something points at it or it is locked; `forbidden`.
   */
  deleteManifest(digest: Digest, call: Call): Promise<'deleted' | 'absent'>

  /**
   * Takes a tag away. Whether its manifest stayed is told by `resolve`, which always asks the registry. @throws as `deleteManifest`.
   */
  deleteTag(tag: string, call: Call): Promise<'deleted' | 'absent'>
}

/** What a registry has, where it tells. */
export interface Catalog {
  /**
   * The paths of all repositories of a registry, as it gives them: each once, in no order that can be relied on, whole or an error. What a
   * person may not see may be missing from it, and what is empty may be in it. @throws `unsupported` where the registry has no such list; `forbidden`
   * where it does not show it; `protocol`.
   */
  repositories(registry: string, call: Call): AsyncIterable<string>
}

/** Opens the store of a repository; the same name gives the same store for the whole run. */
export interface Stores {
  source(name: RepositoryName): SourceStore
  target(name: RepositoryName): TargetStore
}
