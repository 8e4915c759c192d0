import { randomBytes } from 'node:crypto'
import type { Call } from '../call.ts'
import { type ErrorInfo, isDrayError, toErrorInfo } from '../errors.ts'
import type { RequestBody } from '../http/fetch.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Digest, parseDigest } from '../oci/digest.ts'
import { formatTagOrDigest, type TagOrDigest } from '../oci/reference.ts'
import type { Ability, AbilityFact, WritingFacts } from '../store/registry-facts.ts'
import type { RepositoryClient } from './client.ts'
import { deleteContent } from './deletion.ts'
import { resolveManifest } from './manifests.ts'
import { type Blob, blobOf, broken, configType, manifestOf, whole } from './trial-content.ts'
import {
  askSession,
  cancelSession,
  openSession,
  type Session,
  sessionOf,
  withDigest,
} from './upload-session.ts'

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
  let failure: ErrorInfo | undefined
  let left: readonly string[] = []
  try {
    await trial.run()
  } catch (error) {
    if (call.signal.aborted || !isDrayError(error)) throw error
    failure = toErrorInfo(client.run.secrets.redactError(error))
  } finally {
    left = await trial.cleanUp()
  }
  return { abilities: trial.facts, left, ...(failure !== undefined && { failure }) }
}

class Trial {
  readonly facts: Partial<Record<Ability, AbilityFact>> = {}
  readonly #client: RepositoryClient
  readonly #call: Call
  readonly #id = randomBytes(6).toString('hex')
  /** what is there and has to go, the newest last */
  readonly #manifests: Digest[] = []
  readonly #tags: string[] = []
  readonly #blobs: Digest[] = []
  readonly #sessions: Session[] = []

  constructor(client: RepositoryClient, call: Call) {
    this.#client = client
    this.#call = call
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

  /** What could not be taken away. */
  async cleanUp(): Promise<readonly string[]> {
    const call: Call = { signal: AbortSignal.timeout(15_000), notify: this.#call.notify }
    const attempt = this.#client.attempt('clean up', '', 'delete')
    for (const session of this.#sessions) await cancelSession(this.#client, session, attempt, call)
    const left: string[] = []
    for (const tag of this.#tags) if (!(await this.#remove({ tag }, call))) left.push(tag)
    for (const digest of this.#manifests.toReversed())
      if (!(await this.#remove({ digest }, call))) left.push(digest)
    for (const digest of this.#blobs) if (!(await this.#removeBlob(digest, call))) left.push(digest)
    // a tag goes with its manifest where it does not go alone
    const gone = await Promise.all(left.map((name) => this.#isGone(name, call)))
    return left.filter((_, i) => gone[i] !== true)
  }

  async #upload({ descriptor, bytes }: Blob): Promise<void> {
    const attempt = this.#attempt('upload a blob')
    const session = await openSession(this.#client, descriptor, attempt, this.#call)
    this.#sessions.push(session)
    await this.#send('PUT', withDigest(session.url, descriptor.digest), whole(bytes), {}, [201, 204])
    this.#sessions.pop()
    this.#blobs.push(descriptor.digest)
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
      this.#sessions.push(sessionOf(this.#client, response, undefined, attempt))
  }

  async #tryChunks({ descriptor, bytes }: Blob): Promise<void> {
    const attempt = this.#attempt('upload a blob in chunks')
    let session = await openSession(this.#client, descriptor, attempt, this.#call)
    const size = Math.max(pieceBytes, Math.min(session.minChunk, descriptor.size))
    this.#sessions.push(session)
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
      this.#sessions.splice(-1, 1, session)
    }
    const closing = withDigest(session.url, descriptor.digest)
    const closed = await this.#send('PUT', closing, whole(new Uint8Array()), {}, () => true)
    const isTaken = closed.status === 201 || closed.status === 204
    if (isTaken) {
      this.#sessions.pop()
      this.#blobs.push(descriptor.digest)
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
    this.#sessions.push(session)
    const headers = { 'content-range': `0-${descriptor.size - 1}` }
    try {
      await this.#send('PATCH', session.url, this.#broken(bytes), headers, () => true)
    } catch (error) {
      if (!isDrayError(error) || this.#call.signal.aborted) throw error
    }
    await this.#client.run.clock.sleep(afterBreakMs, this.#call.signal)
    const told = await askSession(this.#client, session, attempt, this.#call)
    const isKept = told !== undefined && told !== 'gone' && told.size > 0 && told.size <= pieceBytes
    if (told !== undefined && told !== 'gone') this.#sessions.splice(-1, 1, told.session)
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
    this.#manifests.push(digest)
    this.#tags.push(...tags)
    const query = tags.map((tag) => `tag=${tag}`).join('&')
    const response = await this.#put(image, { digest }, query)
    const accepted = response.headers.get('oci-tag') !== undefined
    this.#note('manyTags', accepted)
    if (!accepted) for (const tag of tags) await this.#put(image, { tag }, '')
  }

  async #tryReferrers(config: Descriptor, image: Blob): Promise<void> {
    const referrer = manifestOf(config, [config], image.descriptor)
    this.#manifests.push(referrer.descriptor.digest)
    const response = await this.#put(referrer, { digest: referrer.descriptor.digest }, '')
    this.#note('referrers', response.headers.has('oci-subject'))
  }

  async #tryDeletes(image: Blob): Promise<void> {
    const [tag] = this.#tags
    const { digest } = image.descriptor
    if (tag !== undefined && (await this.#tryDelete('deleteTag', { tag }))) {
      this.#tags.shift()
      const stays = (await resolveManifest(this.#client, { digest }, this.#call)) !== undefined
      if (!stays) this.#note('deleteTag', true, 'the image goes with its tag')
    }
    const referrer = this.#manifests.at(-1)
    if (referrer !== undefined && (await this.#tryDelete('deleteManifest', { digest: referrer })))
      this.#manifests.pop()
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
        body: { kind: 'bytes', bytes: manifest.bytes },
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

  async #remove(at: TagOrDigest, call: Call): Promise<boolean> {
    try {
      await deleteContent(this.#client, at, call)
      return true
    } catch {
      return false
    }
  }

  /** Few registries delete blobs by themselves; what nothing names goes with their next clean-up. */
  async #removeBlob(digest: Digest, call: Call): Promise<boolean> {
    try {
      const attempt = this.#client.attempt('delete the blob', `@${digest}`, 'delete')
      const url = this.#client.url(`blobs/${digest}`)
      await this.#client.sendAndDiscard({ method: 'DELETE', url, expect: () => true, attempt }, call)
    } catch {
      // looked at below
    }
    return false
  }

  async #isGone(name: string, call: Call): Promise<boolean> {
    try {
      if (this.#blobs.some((digest) => digest === name)) {
        const attempt = this.#client.attempt('look for the blob', `@${name}`, 'read')
        const url = this.#client.url(`blobs/${name}`)
        const response = await this.#client.sendAndDiscard(
          { method: 'HEAD', url, expect: [200, 404], attempt },
          call,
        )
        return response.status === 404
      }
      const at = name.includes(':') ? { digest: parseDigest(name) } : { tag: name }
      return (await resolveManifest(this.#client, at, call)) === undefined
    } catch {
      return false
    }
  }
}
