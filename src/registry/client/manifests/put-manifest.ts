import type { Call } from '../../../lib/call.ts'
import { DrayError, type ErrorCode, isDrayError } from '../../../lib/errors.ts'
import type { RegistryResponse } from '../../http/fetch.ts'
import type { Descriptor } from '../../../oci/descriptor.ts'
import { algorithmOf, type Digest } from '../../../oci/digest.ts'
import { parseManifest } from '../../../oci/manifest.ts'
import { formatTagOrDigest, type TagOrDigest } from '../../../oci/reference.ts'
import { inParallel } from '../../../images/parallel.ts'
import type { PutManifestResult } from '../../../images/ports.ts'
import type { RepositoryClient } from '../client.ts'
import { contentDigest } from '../headers.ts'
import { resolveManifest } from './manifests.ts'
import { listReferrers } from '../lists/referrers.ts'

/** Tags of one manifest that are written at once. */
const tagsAtOnce = 8
/** The specification asks a registry for at least ten (Pushing Manifests). */
const tagsPerRequest = 10
/** Failures that have outlived the tries of `http/`: the request is begun once more. */
const mayPass: ReadonlySet<ErrorCode> = new Set(['network', 'timeout', 'unavailable'])
const triesOfWhatMayPass = 2

/**
 * PUTs the identical bytes of a manifest (distribution-spec, Pushing Manifests): by digest where there are no
 * tags, else under each of them; several in one request where the registry is known to take them so.
 * @throws `corrupt` where the registry keeps storing something else; `refused` for an immutable tag.
 */
export async function putManifest(
  client: RepositoryClient,
  d: Descriptor,
  bytes: Uint8Array,
  tags: readonly string[],
  call: Call,
): Promise<PutManifestResult> {
  const put = new ManifestPut(client, d, bytes, call)
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
  #subject: 'listed' | 'not listed' | 'unclear' = 'unclear'

  constructor(client: RepositoryClient, d: Descriptor, bytes: Uint8Array, call: Call) {
    this.#client = client
    this.#d = d
    this.#bytes = bytes
    this.#call = call
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

  /** A PUT whose answer was lost says nothing of the subject; then the list itself is asked. */
  async isSubjectListed(): Promise<boolean> {
    if (this.#subject !== 'unclear') return this.#subject === 'listed'
    const { subject } = parseManifest(this.#bytes, this.#d.mediaType, this.#d.digest)
    if (subject === undefined) return false
    const listed = await listReferrers(this.#client, subject.digest, this.#call)
    return listed?.some((entry) => entry.digest === this.#d.digest) ?? false
  }

  /**
   * The tags that went up with the digest. A PUT by tag may re-address a sha512 manifest as sha256, so those
   * go no other way.
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

  /** Puts until the registry has the right bytes: again where it stored others, or where it is not known what became of the request. */
  async #put(at: TagOrDigest, tags: readonly string[], call: Call): Promise<readonly string[]> {
    for (let puts = 1; ; puts++) {
      try {
        return await this.#putOnce(at, tags, call)
      } catch (error) {
        if (call.signal.aborted || !isUnclear(error)) throw error
        if (tags.length === 0 && (await this.#stands(at, call))) return []
        if (puts >= this.#triesOf(error)) throw error
      }
    }
  }

  /** A registry that finds a manifest wrong (400) may have been given another one: nothing vouches for the bytes of a request on their way. */
  #triesOf(error: DrayError): number {
    if (error.code === 'corrupt' || error.status === 400) return this.#client.shared.retry.corruptAttempts
    return mayPass.has(error.code) ? triesOfWhatMayPass : 1
  }

  async #putOnce(at: TagOrDigest, tags: readonly string[], call: Call): Promise<readonly string[]> {
    const tag = 'tag' in at ? at.tag : tags[0]
    const mark = 'tag' in at ? `:${at.tag}` : `@${at.digest}`
    const purpose = this.#client.describe('put the manifest', mark, 'write', tag === undefined ? {} : { tag })
    const query = tags.map((name) => `tag=${encodeURIComponent(name)}`).join('&')
    const response = await this.#client.sendAndDiscard(
      {
        method: 'PUT',
        url: this.#client.url(`manifests/${formatTagOrDigest(at)}`, query),
        headers: { 'content-type': this.#d.mediaType },
        body: { kind: 'bytes', bytes: this.#bytes },
        expect: [200, 201, 202],
        purpose,
      },
      call,
    )
    const stored = contentDigest(response, purpose, this.#client.shared) ?? (await this.#readBack(at, call))
    if (stored !== this.#d.digest) {
      throw new DrayError(
        'corrupt',
        `${this.#client.repository.registry} stored another manifest than was sent`,
        {
          subject: purpose.subject,
          why: `sent ${this.#d.digest}, it stored ${stored ?? 'none'}`,
        },
      )
    }
    return this.#learn(response)
  }

  #learn(response: RegistryResponse): readonly string[] {
    const { capabilities } = this.#client.shared
    const { repository } = this.#client
    const isListed = response.headers.has('oci-subject')
    if (isListed) capabilities.learn(repository, 'referrers', 'yes')
    this.#subject = isListed ? 'listed' : this.#subject === 'listed' ? 'listed' : 'not listed'
    const accepted = response.headers.get('oci-tag')
    if (accepted === undefined) return []
    capabilities.learn(repository, 'manyTags', 'yes')
    return accepted.split(',').map((tag) => tag.trim())
  }

  /**
   * Whether it stands there after all: the answer was lost, or it was refused for being there already (an
   * immutable tag with the same digest).
   */
  async #stands(at: TagOrDigest, call: Call): Promise<boolean> {
    try {
      return (await this.#readBack(at, call)) === this.#d.digest
    } catch {
      return false
    }
  }

  async #readBack(at: TagOrDigest, call: Call): Promise<Digest | undefined> {
    const read = (): Promise<Descriptor | undefined> => resolveManifest(this.#client, at, call)
    return (await this.#client.shared.retry.readBack(call, read))?.digest
  }

  #unsupportedAlgorithm(missing: readonly string[]): DrayError {
    const { registry } = this.#client.repository
    return new DrayError('unsupported', `${registry} cannot tag a manifest by its sha512 digest`, {
      subject: this.#d.digest,
      why: `it did not take the tags ${missing.join(', ')} beside the digest; under a tag alone it may compute another digest`,
    })
  }
}

/** Failures after which the manifest may stand there nevertheless. */
function isUnclear(error: unknown): error is DrayError {
  if (!isDrayError(error)) return false
  return (
    ['refused', 'protocol', 'corrupt'].includes(error.code) || error.status === 400 || mayPass.has(error.code)
  )
}
