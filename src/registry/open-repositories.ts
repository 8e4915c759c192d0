import type { Call } from '../lib/call.ts'
import { DrayError } from '../lib/errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { parseManifest } from '../oci/manifest.ts'
import { formatRepository, type RepositoryName, type TagOrDigest } from '../oci/reference.ts'
import type { RegistryFacts, WritingFacts } from '../images/registry-facts.ts'
import type {
  BlobSource,
  Capability,
  RepositoryLister,
  Known,
  ManifestContent,
  PutManifestResult,
  Repositories,
  TargetRepository,
} from '../images/ports.ts'
import { hasBlob, readBlob } from './client/blobs/blobs.ts'
import { listRepositories } from './client/lists/catalog.ts'
import { RegistryClient, type RegistryOptions, RepositoryClient, Run } from './client/client.ts'
import { deleteContent } from './client/manifests/deletion.ts'
import { discreetList, DiscreetStore } from './client/discreet-store.ts'
import { addToFallbackTag, removeFromFallbackTag } from './client/lists/fallback-tag.ts'
import { errorOf } from './client/errors.ts'
import { findManifest, type ManifestName, resolveManifest } from './client/manifests/manifests.ts'
import { putBlob } from './client/blobs/put-blob.ts'
import { putManifest } from './client/manifests/put-manifest.ts'
import { lookAtRegistry } from './examine/look-at-registry.ts'
import { listReferrers } from './client/lists/referrers.ts'
import { tagPages } from './client/lists/tags.ts'
import { tryRegistry } from './examine/try-registry.ts'

/**
 * Opens stores over HTTP. They share what one run learns: manifests that were read, abilities of registries,
 * warnings that were shown.
 */
export function openRepositories(options: RegistryOptions): Repositories & RepositoryLister {
  const run = new Run(options)
  const stores = new Map<string, TargetRepository>()
  const open = (name: RepositoryName): TargetRepository => {
    const key = formatRepository(name)
    const store =
      stores.get(key) ?? new DiscreetStore(new RegistryStore(new RepositoryClient(run, name)), run.secrets)
    stores.set(key, store)
    return store
  }
  return {
    source: open,
    target: open,
    repositories: (registry, call) =>
      discreetList(listRepositories(new RegistryClient(run, registry), call), run.secrets),
  }
}

/** What is asked of a registry to tell what it is like. */
export interface Examiner {
  look(registry: string, path: string | undefined, call: Call): Promise<RegistryFacts>
  /** Writes to the repository, and takes away what it wrote. */
  try(repository: RepositoryName, call: Call): Promise<WritingFacts>
}

/** Looks at registries, and tries them. */
export function createExaminer(options: RegistryOptions): Examiner {
  return {
    look: (registry, path, call) => lookAtRegistry(new Run(options), registry, path, call),
    try: (repository, call) => tryRegistry(new RepositoryClient(new Run(options), repository), call),
  }
}

/** One repository of an OCI registry (distribution-spec 1.1). */
class RegistryStore implements TargetRepository {
  readonly #client: RepositoryClient

  constructor(client: RepositoryClient) {
    this.#client = client
  }

  get repository(): RepositoryName {
    return this.#client.repository
  }

  resolve(at: TagOrDigest, call: Call): Promise<Descriptor | undefined> {
    return resolveManifest(this.#client, at, call)
  }

  async manifest(at: ManifestName, call: Call): Promise<ManifestContent> {
    const content = await this.findManifest(at, call)
    if (content !== undefined) return content
    const mark = 'digest' in at ? `@${at.digest}` : `:${at.tag}`
    throw errorOf(404, {}, this.#client.attempt('read the manifest', mark, 'read'))
  }

  findManifest(at: ManifestName, call: Call): Promise<ManifestContent | undefined> {
    return findManifest(this.#client, at, call)
  }

  hasBlob(d: Descriptor, call: Call): Promise<boolean> {
    return hasBlob(this.#client, d, call)
  }

  blob(d: Descriptor, offset: number, call: Call, end?: number): Promise<AsyncIterable<Uint8Array>> {
    return readBlob(this.#client, d, offset, call, end)
  }

  async *tags(call: Call): AsyncGenerator<string, void> {
    for await (const page of this.tagPages(call)) yield* page
  }

  tagPages(call: Call): AsyncGenerator<readonly string[], void> {
    return tagPages(this.#client, call)
  }

  referrers(subject: Digest, call: Call): Promise<readonly Descriptor[] | undefined> {
    return listReferrers(this.#client, subject, call)
  }

  capability(name: Capability): Known {
    return this.#client.run.capabilities.get(this.repository, name)
  }

  clockDifference(): number | undefined {
    return this.#client.run.clocks.difference(this.repository.registry)
  }

  putBlob(d: Descriptor, from: BlobSource, call: Call): Promise<'mounted' | 'uploaded' | 'present'> {
    return putBlob(this.#client, d, from, call)
  }

  async putManifest(
    d: Descriptor,
    bytes: Uint8Array,
    tags: readonly string[],
    call: Call,
  ): Promise<PutManifestResult> {
    if (bytes.byteLength !== d.size) {
      throw new DrayError('internal', `a manifest of ${d.size} bytes was given ${bytes.byteLength}`, {
        subject: d.digest,
      })
    }
    const put = (): Promise<PutManifestResult> => putManifest(this.#client, d, bytes, tags, call)
    const subject = this.capability('referrers') === 'no' ? undefined : subjectOf(d, bytes)
    if (subject === undefined) return await put()
    // registries that list referrers by themselves lose entries too where several come at once (olareg 0.2)
    return await this.#client.run.oneByOne(`${formatRepository(this.repository)}@${subject}`, call, put)
  }

  addToFallbackTag(subject: Digest, referrer: Descriptor, call: Call): Promise<'added' | 'unchanged'> {
    return addToFallbackTag(this.#client, subject, referrer, call)
  }

  removeFromFallbackTag(subject: Digest, referrer: Digest, call: Call): Promise<'removed' | 'unchanged'> {
    return removeFromFallbackTag(this.#client, subject, referrer, call)
  }

  deleteManifest(digest: Digest, call: Call): Promise<'deleted' | 'absent'> {
    return deleteContent(this.#client, { digest }, call)
  }

  deleteTag(tag: string, call: Call): Promise<'deleted' | 'absent'> {
    return deleteContent(this.#client, { tag }, call)
  }
}

function subjectOf(d: Descriptor, bytes: Uint8Array): Digest | undefined {
  return parseManifest(bytes, d.mediaType, d.digest).subject?.digest
}
