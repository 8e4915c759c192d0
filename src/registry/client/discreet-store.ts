import type { Call } from '../../lib/call.ts'
import type { Secrets } from '../http/secrets.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import type { RepositoryName, TagOrDigest } from '../../oci/reference.ts'
import type {
  BlobSource,
  Capability,
  Known,
  ManifestContent,
  PutManifestResult,
  TargetRepository,
} from '../../images/ports.ts'

/**
 * A store whose errors have nothing in them that was sent in this run, whichever piece of an answer they quote. Of the stream of a blob they name
 * hosts and digests alone, and so it passes as it is.
 */
export class DiscreetStore implements TargetRepository {
  readonly #store: TargetRepository
  readonly #secrets: Secrets

  constructor(store: TargetRepository, secrets: Secrets) {
    this.#store = store
    this.#secrets = secrets
  }

  get repository(): RepositoryName {
    return this.#store.repository
  }

  resolve(at: TagOrDigest, call: Call): Promise<Descriptor | undefined> {
    return this.#told(this.#store.resolve(at, call))
  }

  manifest(at: TagOrDigest | Descriptor, call: Call): Promise<ManifestContent> {
    return this.#told(this.#store.manifest(at, call))
  }

  findManifest(at: TagOrDigest | Descriptor, call: Call): Promise<ManifestContent | undefined> {
    return this.#told(this.#store.findManifest(at, call))
  }

  hasBlob(d: Descriptor, call: Call): Promise<boolean> {
    return this.#told(this.#store.hasBlob(d, call))
  }

  blob(d: Descriptor, offset: number, call: Call, end?: number): Promise<AsyncIterable<Uint8Array>> {
    return this.#told(this.#store.blob(d, offset, call, end))
  }

  tags(call: Call): AsyncIterable<string> {
    return discreetList(this.#store.tags(call), this.#secrets)
  }

  tagPages(call: Call): AsyncIterable<readonly string[]> {
    return discreetList(this.#store.tagPages(call), this.#secrets)
  }

  referrers(subject: Digest, call: Call): Promise<readonly Descriptor[] | undefined> {
    return this.#told(this.#store.referrers(subject, call))
  }

  capability(name: Capability): Known {
    return this.#store.capability(name)
  }

  clockDifference(): number | undefined {
    return this.#store.clockDifference()
  }

  putBlob(d: Descriptor, from: BlobSource, call: Call): Promise<'mounted' | 'uploaded' | 'present'> {
    return this.#told(this.#store.putBlob(d, from, call))
  }

  putManifest(
    d: Descriptor,
    bytes: Uint8Array,
    tags: readonly string[],
    call: Call,
  ): Promise<PutManifestResult> {
    return this.#told(this.#store.putManifest(d, bytes, tags, call))
  }

  addToFallbackTag(subject: Digest, referrer: Descriptor, call: Call): Promise<'added' | 'unchanged'> {
    return this.#told(this.#store.addToFallbackTag(subject, referrer, call))
  }

  removeFromFallbackTag(subject: Digest, referrer: Digest, call: Call): Promise<'removed' | 'unchanged'> {
    return this.#told(this.#store.removeFromFallbackTag(subject, referrer, call))
  }

  deleteManifest(digest: Digest, call: Call): Promise<'deleted' | 'absent'> {
    return this.#told(this.#store.deleteManifest(digest, call))
  }

  deleteTag(tag: string, call: Call): Promise<'deleted' | 'absent'> {
    return this.#told(this.#store.deleteTag(tag, call))
  }

  async #told<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (thrown) {
      throw this.#secrets.redactError(thrown)
    }
  }
}

/** A list whose errors have nothing in them that was sent in this run. */
export async function* discreetList<T>(list: AsyncIterable<T>, secrets: Secrets): AsyncGenerator<T, void> {
  try {
    yield* list
  } catch (thrown) {
    throw secrets.redactError(thrown)
  }
}
