import { randomBytes } from 'node:crypto'
import type { Call } from '../../lib/call.ts'
import { isDrayError } from '../../lib/errors.ts'
import type { RegistryResponse, RequestBody } from '../http/fetch.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { formatTagOrDigest, type TagOrDigest } from '../../oci/reference.ts'
import {
  type Ability,
  type AbilityFact,
  type CheckResult,
  runCheck,
  type WritingFacts,
} from '../../images/registry-facts.ts'
import type { ApiRequest, RepositoryClient } from '../client/client.ts'
import { deleteContent } from '../client/manifests/deletion.ts'
import { resolveManifest } from '../client/manifests/manifests.ts'
import { brokenBody, configType, contentOf, manifestOf, type ProbeContent } from './probe-content.ts'
import { checkReferrers } from './check-referrers.ts'
import { ProbeCleanup } from './probe-cleanup.ts'
import {
  askSession,
  openSession,
  patchRequest,
  putRequest,
  sessionOf,
  uploadSuccesses,
  withDigest,
} from '../client/blobs/upload-session.ts'

/**
 * Bytes of a chunk. Blobs have two chunks, which most registries accept; the first is interrupted.
 */
const chunkBytes = 64 * 1024
/** Milliseconds in which a registry notices that a connection broke. */
const afterBreakMs = 200
const claimedDetail = 'it answered OCI-Subject for a referrer, but does not list it'

/**
 * Tests the abilities of a repository with new content, and deletes the content again. A
 * failure ends the probe and is part of the result. The content is deleted in any case, also if the
 * call is aborted.
 */
export async function probeWrites(client: RepositoryClient, call: Call): Promise<WritingFacts> {
  const probe = new WriteProbe(client, call)
  let left: readonly string[] = []
  let result: CheckResult<void>
  try {
    result = await runCheck(call, () => probe.run(), client.shared.redactError)
  } finally {
    left = await probe.created.run(call)
  }
  return { abilities: probe.facts, left, ...('error' in result && { failure: result.error }) }
}

class WriteProbe {
  readonly facts: Partial<Record<Ability, AbilityFact>> = {}
  readonly created: ProbeCleanup
  readonly #client: RepositoryClient
  readonly #call: Call
  readonly #id = randomBytes(6).toString('hex')

  constructor(client: RepositoryClient, call: Call) {
    this.#client = client
    this.#call = call
    this.created = new ProbeCleanup(client)
  }

  async run(): Promise<void> {
    const config = contentOf(Buffer.from(JSON.stringify({ 'dray.doctor': this.#id })), configType)
    await this.#upload(config)
    await this.#probeMount(config)
    await this.#probeChunks(randomLayer())
    await this.#probeResume(randomLayer())
    const image = manifestOf(config.descriptor)
    await this.#probeTags(image)
    await this.#probeReferrers(config.descriptor, image)
    await this.#probeDeletes(image)
  }

  async #upload({ descriptor, bytes }: ProbeContent): Promise<void> {
    const purpose = this.#describe('upload a blob')
    const session = await openSession(this.#client, descriptor, purpose, this.#call)
    this.created.sessions.push(session)
    await this.#send(
      putRequest(withDigest(session.url, descriptor.digest), bytesBody(bytes), purpose),
      uploadSuccesses,
    )
    this.created.sessions.pop()
    this.created.blobs.push(descriptor.digest)
  }

  /** Mounts from the repository itself: dray could not delete a second repository. */
  async #probeMount({ descriptor }: ProbeContent): Promise<void> {
    const { path } = this.#client.repository
    const query = `mount=${encodeURIComponent(descriptor.digest)}&from=${encodeURIComponent(path)}`
    const purpose = this.#describe('mount a blob')
    const url = this.#client.url('blobs/uploads/', query)
    const response = await this.#client.sendAndDiscard(
      { method: 'POST', url, expect: () => true, purpose },
      this.#call,
    )
    this.#note('mount', response.status === 201, `from the same repository, it answered ${response.status}`)
    if (response.status === 202 && response.headers.has('location'))
      this.created.sessions.push(sessionOf(this.#client, response, undefined, purpose))
  }

  async #probeChunks({ descriptor, bytes }: ProbeContent): Promise<void> {
    const purpose = this.#describe('upload a blob in chunks')
    let session = await openSession(this.#client, descriptor, purpose, this.#call)
    const size = Math.max(chunkBytes, Math.min(session.minChunk, descriptor.size))
    this.created.sessions.push(session)
    for (let at = 0; at < descriptor.size; at += size) {
      const chunk = bytes.subarray(at, at + size)
      const response = await this.#send(patchRequest(session.url, bytesBody(chunk), at, purpose))
      if (!uploadSuccesses.includes(response.status)) {
        this.#note(
          'chunks',
          false,
          `it answered ${response.status} to the ${at === 0 ? 'first' : 'second'} chunk`,
        )
        return
      }
      session = sessionOf(this.#client, response, session, purpose)
      this.created.sessions.splice(-1, 1, session)
    }
    const closing = withDigest(session.url, descriptor.digest)
    const closed = await this.#send(putRequest(closing, bytesBody(new Uint8Array()), purpose))
    const isTaken = uploadSuccesses.includes(closed.status)
    if (isTaken) {
      this.created.sessions.pop()
      this.created.blobs.push(descriptor.digest)
    }
    this.#note(
      'chunks',
      isTaken,
      isTaken ? undefined : `it answered ${closed.status} to the last request of the upload`,
    )
  }

  /** Interrupts a chunk in its middle, and asks the session how much of it arrived. */
  async #probeResume({ descriptor, bytes }: ProbeContent): Promise<void> {
    if (this.facts.chunks?.known !== 'yes') return
    const purpose = this.#describe('interrupt an upload')
    const session = await openSession(this.#client, descriptor, purpose, this.#call)
    this.created.sessions.push(session)
    try {
      const body = brokenBody(bytes, () => this.#waitForBreak())
      await this.#send(patchRequest(session.url, body, 0, purpose))
    } catch (error) {
      if (!isDrayError(error) || this.#call.signal.aborted) throw error
    }
    await this.#waitForBreak()
    const state = await askSession(this.#client, session, purpose, this.#call)
    const isKept = state !== undefined && state !== 'gone' && state.size > 0 && state.size <= chunkBytes
    if (state !== undefined && state !== 'gone') this.created.sessions.splice(-1, 1, state.session)
    this.#note(
      'uploadRange',
      isKept,
      state === 'gone'
        ? 'its session did not exist any more: the registry removes such uploads itself'
        : undefined,
    )
  }

  async #waitForBreak(): Promise<void> {
    await this.#client.shared.clock.sleep(afterBreakMs, this.#call.signal)
  }

  async #probeTags(image: ProbeContent): Promise<void> {
    const tags = [`dray-doctor-${this.#id}-a`, `dray-doctor-${this.#id}-b`]
    const { digest } = image.descriptor
    this.created.manifests.push(digest)
    this.created.tags.push(...tags)
    const query = tags.map((tag) => `tag=${tag}`).join('&')
    const response = await this.#put(image, { digest }, query)
    const accepted = response.headers.get('oci-tag') !== undefined
    this.#note('manyTags', accepted)
    if (!accepted) for (const tag of tags) await this.#put(image, { tag }, '')
  }

  async #probeReferrers(config: Descriptor, image: ProbeContent): Promise<void> {
    const referrer = manifestOf(config, image.descriptor)
    this.created.manifests.push(referrer.descriptor.digest)
    const response = await this.#put(referrer, { digest: referrer.descriptor.digest }, '')
    const { fact, digests } = await checkReferrers(this.#client, image.descriptor.digest, this.#call)
    const isListed = digests.includes(referrer.descriptor.digest)
    const isClaimed = response.headers.has('oci-subject') && !isListed
    this.#note('referrers', isListed, isClaimed ? claimedDetail : fact.detail)
  }

  async #probeDeletes(image: ProbeContent): Promise<void> {
    const [tag] = this.created.tags
    const { digest } = image.descriptor
    if (tag !== undefined && (await this.#probeDelete('deleteTag', { tag }))) {
      this.created.tags.shift()
      const isKept = (await resolveManifest(this.#client, { digest }, this.#call)) !== undefined
      if (!isKept) this.#note('deleteTag', true, 'deleting the tag deletes the image')
    }
    const referrer = this.created.manifests.at(-1)
    if (referrer !== undefined && (await this.#probeDelete('deleteManifest', { digest: referrer })))
      this.created.manifests.pop()
  }

  async #probeDelete(name: 'deleteTag' | 'deleteManifest', at: TagOrDigest): Promise<boolean> {
    try {
      await deleteContent(this.#client, at, this.#call)
      this.#note(name, true)
      return true
    } catch (error) {
      if (!isDrayError(error) || this.#call.signal.aborted) throw error
      if (error.code === 'unavailable' || error.code === 'network' || error.code === 'timeout') throw error
      this.#note(name, false, this.#client.shared.redact(error.why ?? error.message))
      return false
    }
  }

  #put(manifest: ProbeContent, at: TagOrDigest, query: string) {
    const purpose = this.#describe('push a manifest')
    return this.#client.sendAndDiscard(
      {
        method: 'PUT',
        url: this.#client.url(`manifests/${formatTagOrDigest(at)}`, query),
        headers: { 'content-type': manifest.descriptor.mediaType },
        body: bytesBody(manifest.bytes),
        expect: [200, 201, 202],
        purpose,
      },
      this.#call,
    )
  }

  #send(request: ApiRequest, expect: ApiRequest['expect'] = () => true): Promise<RegistryResponse> {
    return this.#client.sendAndDiscard({ ...request, expect }, this.#call)
  }

  #describe(doing: string) {
    return this.#client.describe(doing, '', 'write')
  }

  #note(name: Ability, can: boolean, detail?: string): void {
    this.facts[name] = { known: can ? 'yes' : 'no', by: 'writing', ...(detail !== undefined && { detail }) }
  }
}

function bytesBody(bytes: Uint8Array): RequestBody {
  return { kind: 'bytes', bytes }
}

function randomLayer(): ProbeContent {
  return contentOf(randomBytes(2 * chunkBytes), 'application/octet-stream')
}
