import type { Call } from '../../../lib/call.ts'
import { DrayError, type ErrorCode, isDrayError } from '../../../lib/errors.ts'
import type { BeforeAttempt } from '../../../lib/freshness.ts'
import type { RegistryResponse } from '../../http/fetch.ts'
import type { Descriptor } from '../../../oci/descriptor.ts'
import { algorithmOf, type Digest } from '../../../oci/digest.ts'
import { parseManifest } from '../../../oci/manifest.ts'
import { formatTagOrDigest, type TagOrDigest } from '../../../oci/reference.ts'
import { inParallel } from '../../../images/parallel.ts'
import type { PutManifestResult } from '../../../images/ports.ts'
import type { RepositoryClient } from '../client.ts'
import { isStorageFull } from '../errors.ts'
import { contentDigest } from '../headers.ts'
import { readManifest, resolveManifest } from './manifests.ts'
import { confirmSubjectHeader, isListed } from '../lists/subject-header.ts'
import { isSparseRefusal, noteSparseRefusal, sparseRefusals } from './sparse-refusals.ts'
import { countUrlLayers, explainUrlLayers, urlRefusals } from './url-layers.ts'

/** Tags of one manifest that are written at once. */
const tagsAtOnce = 8
/** The specification asks a registry for at least ten (Pushing Manifests). */
const tagsPerRequest = 10
/**
 * Failures that may pass although `http/` has used up its retries: the request is begun once more.
 */
const transient: ReadonlySet<ErrorCode> = new Set(['network', 'timeout', 'unavailable'])
const attemptsAfterTransient = 2
/** Failures after which the registry may have the manifest nevertheless. */
const unclear: ReadonlySet<ErrorCode> = new Set([...transient, 'refused', 'protocol', 'corrupt'])

export interface PutOptions {
  /** called before each attempt of each PUT */
  readonly beforeAttempt?: BeforeAttempt | undefined
  /** an index without all of its manifests, which the registry may refuse */
  readonly isSparse?: boolean
}

/**
 * PUTs the identical bytes of a manifest (distribution-spec, Pushing Manifests): by digest if there
 * are no tags, otherwise under each of them. Several tags go in one request if the registry is
 * known to accept that.
 * @throws `corrupt` if the registry keeps storing something else; `refused` for an immutable tag;
 * what `beforeAttempt` throws.
 */
export async function putManifest(
  client: RepositoryClient,
  d: Descriptor,
  bytes: Uint8Array,
  tags: readonly string[],
  call: Call,
  options: PutOptions,
): Promise<PutManifestResult> {
  const put = new ManifestPut(client, d, bytes, call, options)
  try {
    const tagged = await put.under(tags)
    return { tagged, subjectListed: await put.isSubjectListed() }
  } finally {
    client.shared.manifests.forget(client.repository, d.digest)
  }
}

class ManifestPut {
  readonly #client: RepositoryClient
  readonly #d: Descriptor
  readonly #bytes: Uint8Array
  readonly #call: Call
  readonly #beforeAttempt: BeforeAttempt | undefined
  readonly #urlLayers: number
  readonly #isSparse: boolean
  /** what the registry says that it stored in place of the manifest, damaged on the way */
  #storedInstead: Digest | undefined
  /** what the answers to the PUTs say about the list of referrers of the subject */
  #subject: 'claimed' | 'not listed' | 'unclear' = 'unclear'

  constructor(
    client: RepositoryClient,
    d: Descriptor,
    bytes: Uint8Array,
    call: Call,
    { beforeAttempt, isSparse = false }: PutOptions,
  ) {
    this.#client = client
    this.#d = d
    this.#bytes = bytes
    this.#urlLayers = countUrlLayers(bytes, d)
    this.#isSparse = isSparse
    this.#call = call
    this.#beforeAttempt = beforeAttempt && (() => beforeAttempt(this.#storedInstead))
  }

  async under(tags: readonly string[]): Promise<readonly string[]> {
    const { digest } = this.#d
    if (tags.length === 0) {
      await this.#put({ digest }, [], this.#call)
      return []
    }
    const together = await this.#together(tags)
    const missing = tags.filter((tag) => !together.has(tag))
    if (missing.length > 0 && algorithmOf(digest) !== 'sha256') throw this.#unsupportedAlgorithm(missing)
    await inParallel(missing, tagsAtOnce, this.#call, (tag, call) => this.#put({ tag }, [], call))
    return tags
  }

  /**
   * `OCI-Subject` counts if the API has listed something. If the response to the PUT was lost, the
   * list of referrers says whether the subject is listed.
   */
  async isSubjectListed(): Promise<boolean> {
    if (this.#subject === 'not listed') return false
    const { subject } = parseManifest(this.#bytes, this.#d.mediaType, this.#d.digest)
    if (subject === undefined) return false
    const confirm = this.#subject === 'claimed' ? confirmSubjectHeader : isListed
    return await confirm(this.#client, subject.digest, this.#d.digest, this.#call)
  }

  /**
   * Returns the tags that were written together with the digest. Sha512 manifests are written in no
   * other way, because a registry may store a manifest that comes under a tag by its sha256 digest.
   */
  async #together(tags: readonly string[]): Promise<ReadonlySet<string>> {
    const known = this.#client.shared.capabilities.get(this.#client.repository, 'manyTags')
    const isOnlyWay = algorithmOf(this.#d.digest) !== 'sha256'
    if (!isOnlyWay && (tags.length < 2 || known !== 'yes')) return new Set()
    const accepted = new Set<string>()
    for (let at = 0; at < tags.length; at += tagsPerRequest) {
      const some = tags.slice(at, at + tagsPerRequest)
      for (const tag of await this.#put({ digest: this.#d.digest }, some, this.#call)) accepted.add(tag)
    }
    return accepted
  }

  /**
   * Puts until the registry has the right bytes: again if it stored other bytes, or if the result
   * of the request is unknown.
   */
  async #put(at: TagOrDigest, tags: readonly string[], call: Call): Promise<readonly string[]> {
    for (let attempts = 1; ; attempts++) {
      try {
        return await this.#putOnce(at, tags, call)
      } catch (error) {
        if (call.signal.aborted || !isDrayError(error)) throw error
        if (this.#isSparse && isSparseRefusal(error)) throw noteSparseRefusal(this.#client, this.#d, error)
        if (!isUnclear(error)) throw error
        if (tags.length === 0 && (await this.#isStored(at, call))) return []
        if (this.#urlLayers > 0 && urlRefusals.includes(error.status ?? 0))
          throw explainUrlLayers(error, this.#urlLayers)
        if (attempts >= this.#maxAttempts(error)) throw error
      }
    }
  }

  /**
   * A registry that rejects a manifest (400) may have received other bytes: nothing protects a
   * request. It refuses an immutable tag with any bytes.
   */
  #maxAttempts(error: DrayError): number {
    if (error.code === 'refused') return 1
    if (error.code === 'corrupt' || error.status === 400) return this.#client.shared.retry.corruptAttempts
    if (isStorageFull(error.status)) return 1
    return transient.has(error.code) ? attemptsAfterTransient : 1
  }

  async #putOnce(at: TagOrDigest, tags: readonly string[], call: Call): Promise<readonly string[]> {
    const tag = 'tag' in at ? at.tag : tags[0]
    const mark = 'tag' in at ? `:${at.tag}` : `@${at.digest}`
    const purpose = this.#client.describe(
      'push the manifest',
      mark,
      'write',
      tag === undefined ? {} : { tag },
    )
    const query = tags.map((name) => `tag=${encodeURIComponent(name)}`).join('&')
    const response = await this.#client.sendAndDiscard(
      {
        method: 'PUT',
        url: this.#client.url(`manifests/${formatTagOrDigest(at)}`, query),
        headers: { 'content-type': this.#d.mediaType },
        body: { kind: 'bytes', bytes: this.#bytes },
        beforeAttempt: this.#beforeAttempt,
        ...(this.#urlLayers > 0 && { finalStatuses: urlRefusals }),
        ...(this.#isSparse && { finalStatuses: sparseRefusals }),
        expect: [200, 201, 202],
        purpose,
      },
      call,
    )
    const named = contentDigest(response, purpose, this.#client.shared)
    const stored = named ?? (await this.#readBack(at, call))
    if (stored === this.#d.digest) return this.#learn(response)
    // A tag that was read back may have been moved by another client since the PUT.
    const mayHaveMoved = named === undefined && 'tag' in at
    if (mayHaveMoved && (await this.#isStored({ digest: this.#d.digest }, call))) return this.#learn(response)
    this.#storedInstead = named
    throw new DrayError(
      'corrupt',
      `${this.#client.repository.registry} stored another manifest than dray sent`,
      { subject: purpose.subject, why: `dray sent ${this.#d.digest}, it stored ${stored ?? 'none'}` },
    )
  }

  #learn(response: RegistryResponse): readonly string[] {
    const { capabilities } = this.#client.shared
    const { repository } = this.#client
    if (response.headers.has('oci-subject')) this.#subject = 'claimed'
    else if (this.#subject === 'unclear') this.#subject = 'not listed'
    const accepted = response.headers.get('oci-tag')
    if (accepted === undefined) return []
    capabilities.learn(repository, 'manyTags', 'yes')
    return accepted.split(',').map((tag) => tag.trim())
  }

  /**
   * Whether the registry has the manifest after a failure: the response was lost, or the registry
   * refused it because it is already present (an immutable tag with the same digest).
   */
  async #isStored(at: TagOrDigest, call: Call): Promise<boolean> {
    try {
      return (await this.#readBack(at, call)) === this.#d.digest
    } catch {
      return false
    }
  }

  async #readBack(at: TagOrDigest, call: Call): Promise<Digest | undefined> {
    let reads = 0
    // Some registries answer 404 to HEAD of a manifest that GET returns.
    const read = async (): Promise<Descriptor | undefined> =>
      reads++ === 0
        ? await resolveManifest(this.#client, at, call)
        : (await readManifest(this.#client, at, call))?.descriptor
    return (await this.#client.shared.retry.readBack(call, read))?.digest
  }

  #unsupportedAlgorithm(missing: readonly string[]): DrayError {
    const { registry } = this.#client.repository
    return new DrayError('unsupported', `${registry} cannot tag a manifest by its sha512 digest`, {
      subject: this.#d.digest,
      why: `it did not accept the tags ${missing.join(', ')} together with the digest; for a tag alone it may compute another digest`,
    })
  }
}

function isUnclear(error: DrayError): boolean {
  return unclear.has(error.code) || error.status === 400
}
