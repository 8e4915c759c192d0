import { randomBytes } from 'node:crypto'
import type { Call } from '../../lib/call.ts'
import { isDrayError } from '../../lib/errors.ts'
import type { RequestBody } from '../http/fetch.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { formatTagOrDigest, type TagOrDigest } from '../../oci/reference.ts'
import {
  type Ability,
  type AbilityFact,
  type Seen,
  seen,
  type WritingFacts,
} from '../../images/registry-facts.ts'
import type { RepositoryClient } from '../client/client.ts'
import { deleteContent } from '../client/manifests/deletion.ts'
import { resolveManifest } from '../client/manifests/manifests.ts'
import { type Blob, blobOf, broken, configType, manifestOf, whole } from './trial-content.ts'
import { TrialTraces } from './trial-traces.ts'
import { askSession, openSession, sessionOf, withDigest } from '../client/blobs/upload-session.ts'

/** Bytes of the blobs that are uploaded in pieces: two that most registries take, of which the first breaks off. */
const pieceBytes = 64 * 1024
/** A registry needs a moment to notice that a connection broke, milliseconds. */
const afterBreakMs = 200

/**
 * Finds out what a repository can do by doing it, with a little content that nobody else has, and takes away again what it made. A failure ends the trial and
 * is told; the taking away is done in any case, also when the call is aborted.
 */
export async function tryRegistry(client: RepositoryClient, call: Call): Promise<WritingFacts> {
  const trial = new Trial(client, call)
  let left: readonly string[] = []
  let tried: Seen<void>
  try {
    tried = await seen(call, () => trial.run(), client.run.told)
  } finally {
    left = await trial.traces.remove(call)
  }
  return { abilities: trial.facts, left, ...('error' in tried && { failure: tried.error }) }
}

class Trial {
  readonly facts: Partial<Record<Ability, AbilityFact>> = {}
  readonly traces: TrialTraces
  readonly #client: RepositoryClient
  readonly #call: Call
  readonly #id = randomBytes(6).toString('hex')

  constructor(client: RepositoryClient, call: Call) {
    this.#client = client
    this.#call = call
    this.traces = new TrialTraces(client)
  }

  async run(): Promise<void> {
    const config = blobOf(Buffer.from(JSON.stringify({ 'dray.doctor': this.#id })), configType)
    await this.#upload(config)
    await this.#tryMount(config)
    const layer = blobOf(randomBytes(2 * pieceBytes), 'application/octet-stream')
    await this.#tryChunks(layer)
    await this.#tryResume(blobOf(randomBytes(2 * pieceBytes), 'application/octet-stream'))
    const image = manifestOf(config.descriptor, [config.descriptor])
    await this.#tryTags(image)
    await this.#tryReferrers(config.descriptor, image)
    await this.#tryDeletes(image)
  }

  async #upload({ descriptor, bytes }: Blob): Promise<void> {
    const attempt = this.#attempt('upload a blob')
    const session = await openSession(this.#client, descriptor, attempt, this.#call)
    this.traces.sessions.push(session)
    await this.#send('PUT', withDigest(session.url, descriptor.digest), whole(bytes), {}, [201, 204])
    this.traces.sessions.pop()
    this.traces.blobs.push(descriptor.digest)
  }

  /** From the repository itself: a second one could not be taken away again. */
  async #tryMount({ descriptor }: Blob): Promise<void> {
    const { path } = this.#client.repository
    const query = `mount=${encodeURIComponent(descriptor.digest)}&from=${encodeURIComponent(path)}`
    const attempt = this.#attempt('mount a blob')
    const url = this.#client.url('blobs/uploads/', query)
    const response = await this.#client.sendAndDiscard(
      { method: 'POST', url, expect: () => true, attempt },
      this.#call,
    )
    this.#note('mount', response.status === 201, `within the repository, it answered ${response.status}`)
    if (response.status === 202 && response.headers.has('location'))
      this.traces.sessions.push(sessionOf(this.#client, response, undefined, attempt))
  }

  async #tryChunks({ descriptor, bytes }: Blob): Promise<void> {
    const attempt = this.#attempt('upload a blob in chunks')
    let session = await openSession(this.#client, descriptor, attempt, this.#call)
    const size = Math.max(pieceBytes, Math.min(session.minChunk, descriptor.size))
    this.traces.sessions.push(session)
    for (let at = 0; at < descriptor.size; at += size) {
      const piece = bytes.subarray(at, at + size)
      const headers = { 'content-range': `${at}-${at + piece.byteLength - 1}` }
      const response = await this.#send('PATCH', session.url, whole(piece), headers, () => true)
      if (![201, 202, 204].includes(response.status)) {
        this.#note(
          'chunks',
          false,
          `it answered ${response.status} to the ${at === 0 ? 'first' : 'second'} chunk`,
        )
        return
      }
      session = sessionOf(this.#client, response, session, attempt)
      this.traces.sessions.splice(-1, 1, session)
    }
    const closing = withDigest(session.url, descriptor.digest)
    const closed = await this.#send('PUT', closing, whole(new Uint8Array()), {}, () => true)
    const isTaken = closed.status === 201 || closed.status === 204
    if (isTaken) {
      this.traces.sessions.pop()
      this.traces.blobs.push(descriptor.digest)
    }
    this.#note(
      'chunks',
      isTaken,
      isTaken ? undefined : `it answered ${closed.status} to the end of the upload`,
    )
  }

  /** A chunk that breaks off in its middle, and what the session says of it. */
  async #tryResume({ descriptor, bytes }: Blob): Promise<void> {
    if (this.facts.chunks?.known !== 'yes') return
    const attempt = this.#attempt('break an upload off')
    const session = await openSession(this.#client, descriptor, attempt, this.#call)
    this.traces.sessions.push(session)
    const headers = { 'content-range': `0-${descriptor.size - 1}` }
    try {
      await this.#send('PATCH', session.url, this.#broken(bytes), headers, () => true)
    } catch (error) {
      if (!isDrayError(error) || this.#call.signal.aborted) throw error
    }
    await this.#client.run.clock.sleep(afterBreakMs, this.#call.signal)
    const told = await askSession(this.#client, session, attempt, this.#call)
    const isKept = told !== undefined && told !== 'gone' && told.size > 0 && told.size <= pieceBytes
    if (told !== undefined && told !== 'gone') this.traces.sessions.splice(-1, 1, told.session)
    this.#note(
      'uploadRange',
      isKept,
      told === 'gone' ? 'its session was gone: the registry clears out by itself what came of it' : undefined,
    )
  }

  #broken(bytes: Uint8Array): RequestBody {
    return broken(bytes, () => this.#client.run.clock.sleep(afterBreakMs, this.#call.signal))
  }

  async #tryTags(image: Blob): Promise<void> {
    const tags = [`dray-doctor-${this.#id}-a`, `dray-doctor-${this.#id}-b`]
    const { digest } = image.descriptor
    this.traces.manifests.push(digest)
    this.traces.tags.push(...tags)
    const query = tags.map((tag) => `tag=${tag}`).join('&')
    const response = await this.#put(image, { digest }, query)
    const accepted = response.headers.get('oci-tag') !== undefined
    this.#note('manyTags', accepted)
    if (!accepted) for (const tag of tags) await this.#put(image, { tag }, '')
  }

  async #tryReferrers(config: Descriptor, image: Blob): Promise<void> {
    const referrer = manifestOf(config, [config], image.descriptor)
    this.traces.manifests.push(referrer.descriptor.digest)
    const response = await this.#put(referrer, { digest: referrer.descriptor.digest }, '')
    this.#note('referrers', response.headers.has('oci-subject'))
  }

  async #tryDeletes(image: Blob): Promise<void> {
    const [tag] = this.traces.tags
    const { digest } = image.descriptor
    if (tag !== undefined && (await this.#tryDelete('deleteTag', { tag }))) {
      this.traces.tags.shift()
      const stays = (await resolveManifest(this.#client, { digest }, this.#call)) !== undefined
      if (!stays) this.#note('deleteTag', true, 'the image goes with its tag')
    }
    const referrer = this.traces.manifests.at(-1)
    if (referrer !== undefined && (await this.#tryDelete('deleteManifest', { digest: referrer })))
      this.traces.manifests.pop()
  }

  async #tryDelete(name: 'deleteTag' | 'deleteManifest', at: TagOrDigest): Promise<boolean> {
    try {
      await deleteContent(this.#client, at, this.#call)
      this.#note(name, true)
      return true
    } catch (error) {
      if (!isDrayError(error) || this.#call.signal.aborted) throw error
      if (error.code === 'unavailable' || error.code === 'network' || error.code === 'timeout') throw error
      this.#note(name, false, this.#client.run.redact(error.why ?? error.message))
      return false
    }
  }

  #put(manifest: Blob, at: TagOrDigest, query: string) {
    const attempt = this.#attempt('put a manifest')
    return this.#client.sendAndDiscard(
      {
        method: 'PUT',
        url: this.#client.url(`manifests/${formatTagOrDigest(at)}`, query),
        headers: { 'content-type': manifest.descriptor.mediaType },
        body: whole(manifest.bytes),
        expect: [200, 201, 202],
        attempt,
      },
      this.#call,
    )
  }

  #send(
    method: 'PUT' | 'PATCH',
    url: URL,
    body: RequestBody,
    headers: Readonly<Record<string, string>>,
    expect: readonly number[] | ((status: number) => boolean),
  ) {
    return this.#client.sendAndDiscard(
      {
        method,
        url,
        headers: { 'content-type': 'application/octet-stream', ...headers },
        body,
        replay: 'never',
        lane: 'upload',
        expect,
        attempt: this.#attempt('upload a blob'),
      },
      this.#call,
    )
  }

  #attempt(doing: string) {
    return this.#client.attempt(doing, '', 'write')
  }

  #note(name: Ability, can: boolean, detail?: string): void {
    this.facts[name] = { known: can ? 'yes' : 'no', by: 'writing', ...(detail !== undefined && { detail }) }
  }
}
