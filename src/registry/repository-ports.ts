import type { Call } from '../lib/call.ts'
import { DrayError } from '../lib/errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { parseManifest } from '../oci/manifest.ts'
import { formatRepository } from '../oci/reference.ts'
import type {
  BlobReader,
  BlobWriter,
  Capabilities,
  Deleter,
  FallbackTagWriter,
  InvalidTags,
  ManifestReader,
  ManifestWriter,
  PushTimeReader,
  PutManifestResult,
  ReferrerLister,
  TagLister,
} from '../images/ports.ts'
import { hasBlob, readBlob } from './client/blobs/blobs.ts'
import { putBlob } from './client/blobs/put-blob.ts'
import type { RepositoryClient } from './client/client.ts'
import { errorOf } from './client/errors.ts'
import { confirmFallbackTag } from './client/lists/confirm-fallback-tag.ts'
import { noteAbsent } from './client/lists/fallback-index.ts'
import { addToFallbackTag, removeFromFallbackTag } from './client/lists/fallback-tag.ts'
import { hasReferrersApi, listReferrers } from './client/lists/referrers.ts'
import { readIfListed } from './client/lists/refused-tags.ts'
import { tagPages } from './client/lists/tags.ts'
import { deleteContent } from './client/manifests/deletion.ts'
import { findManifest, noteExisting, resolveManifest } from './client/manifests/manifests.ts'
import { putManifest, type PutOptions } from './client/manifests/put-manifest.ts'
import { knownSparseRefusal } from './client/manifests/sparse-refusals.ts'

// The ports of one repository of an OCI registry (distribution-spec 1.1), as object literals.

export function manifestReader(client: RepositoryClient): ManifestReader {
  const find: ManifestReader['findManifest'] = (at, call) =>
    readIfListed(client, at, () => findManifest(client, at, call), call)
  return {
    repository: client.repository,
    resolve: (at, call) => readIfListed(client, at, () => resolveManifest(client, at, call), call),
    release: (digest) => client.shared.manifests.release(client.repository, digest),
    findManifest: async (at, call) => {
      const content = await find(at, call)
      if (content === undefined && 'tag' in at) noteAbsent(client, at.tag)
      return content
    },
    manifest: async (at, call) => {
      const content = await find(at, call)
      if (content !== undefined) return content
      const suffix = 'digest' in at ? `@${at.digest}` : `:${at.tag}`
      throw errorOf(404, {}, client.describe('read the manifest', suffix, 'read'))
    },
  }
}

export function manifestWriter(client: RepositoryClient): ManifestWriter & FallbackTagWriter {
  const { repository, shared } = client
  const put = async (
    d: Descriptor,
    bytes: Uint8Array,
    tags: readonly string[],
    call: Call,
    options: PutOptions,
  ): Promise<PutManifestResult> => {
    if (bytes.byteLength !== d.size) {
      throw new DrayError('internal', `a manifest of ${d.size} bytes has ${bytes.byteLength} bytes`, {
        subject: d.digest,
      })
    }
    const send = (): Promise<PutManifestResult> => putManifest(client, d, bytes, tags, call, options)
    const listsReferrers = shared.capabilities.get(repository, 'referrers') !== 'no'
    const subject = listsReferrers ? subjectOf(d, bytes) : undefined
    if (subject === undefined) return await send()
    // Registries with the referrers API also lose entries if several arrive at once (olareg 0.2).
    return await shared.runOneByOne(`${formatRepository(repository)}@${subject}`, call, send)
  }
  return {
    repository,
    putManifest: (d, bytes, tags, call, beforeAttempt) => put(d, bytes, tags, call, { beforeAttempt }),
    putSparseIndex: async (d, bytes, call) => {
      const refused = knownSparseRefusal(client, d)
      if (refused !== undefined) throw refused
      return await put(d, bytes, [], call, { isSparse: true })
    },
    addToFallbackTag: (subject, referrers, call) => addToFallbackTag(client, subject, referrers, call),
    confirmFallbackTag: (subject, referrers, listing, call) =>
      confirmFallbackTag(client, subject, referrers, listing, call),
    removeFromFallbackTag: (subject, referrer, call) =>
      removeFromFallbackTag(client, subject, referrer, call),
  }
}

/** Deletes through the OCI API (distribution-spec, Content Management). */
export function deleter(client: RepositoryClient): Deleter {
  return {
    deleteManifest: (digest, call, before) => deleteContent(client, { digest }, call, before),
    deleteTag: (tag, call, before) => deleteContent(client, { tag }, call, before),
  }
}

export function blobPorts(client: RepositoryClient): BlobReader & BlobWriter {
  return {
    repository: client.repository,
    hasBlob: (d, call) => hasBlob(client, d, call),
    blob: (d, offset, call, end) => readBlob(client, d, offset, call, end),
    putBlob: (d, from, call) => putBlob(client, d, from, call),
  }
}

export function listPorts(client: RepositoryClient): TagLister & ReferrerLister & PushTimeReader {
  const listTagPages = async function* (
    invalid: InvalidTags,
    call: Call,
  ): AsyncGenerator<readonly string[], void> {
    for await (const page of tagPages(client, invalid, call)) {
      for (const tag of page) noteExisting(client, { tag })
      yield page
    }
  }
  return {
    repository: client.repository,
    tags: async function* (call, invalid = 'skip') {
      for await (const page of listTagPages(invalid, call)) yield* page
    },
    tagPages: (call) => listTagPages('skip', call),
    referrers: (subject, call) => listReferrers(client, subject, call),
    hasReferrersApi: (subject, call) => hasReferrersApi(client, subject, call),
    pushTime: (digest) => client.shared.pushTimes.of(client.repository, digest),
  }
}

export function capabilities({ repository, shared }: RepositoryClient): Capabilities {
  return {
    capability: (name) => shared.capabilities.get(repository, name),
    clockDifference: () => shared.clocks.difference(repository.registry),
  }
}

function subjectOf(d: Descriptor, bytes: Uint8Array): Digest | undefined {
  return parseManifest(bytes, d.mediaType, d.digest).subject?.digest
}
