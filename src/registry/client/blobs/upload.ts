import type { Call } from '../../../lib/call.ts'
import { DrayError } from '../../../lib/errors.ts'
import type { RegistryResponse, RequestBody } from '../../http/fetch.ts'
import type { Descriptor } from '../../../oci/descriptor.ts'
import type { BlobSource } from '../../../images/ports.ts'
import { hasBlob } from './blobs.ts'
import type { RepositoryClient } from '../client.ts'
import { type Purpose, isCorrupt } from '../errors.ts'
import { BlobFeed } from './blob-feed.ts'
import { confirmUpload } from './confirm-upload.ts'
import { FailedAttempts } from '../transfer.ts'
import { isAnswered, isChunkRefused, isContentRefused, isSessionLost } from './upload-failures.ts'
import {
  askSession,
  beginUpload,
  parseUploadedBytes,
  cancelSession,
  patchRequest,
  putRequest,
  type Session,
  sessionOf,
  withDigest,
} from './upload-session.ts'

const emptyBody: RequestBody = { kind: 'bytes', bytes: new Uint8Array() }

/** How often one upload begins from its first byte. */
const maxSessions = 4

/**
 * Uploads a blob (distribution-spec, Pushing blobs). A session goes
 *
 *     open -> whole (one PUT), or chunk, chunk, … (PATCH) and closing (PUT) -> done
 *
 * After a break, the registry may have any part of the body. dray asks the session for its size. If
 * the size is consistent, the upload continues there. Else dray checks for the blob, cancels the
 * session and opens a new one. It never sends into a session of unknown state, which would append
 * twice.
 */
export class Upload {
  readonly #client: RepositoryClient
  readonly #d: Descriptor
  readonly #call: Call
  readonly #purpose: Purpose
  readonly #feed: BlobFeed
  #session: Session | undefined
  /**
   * Sessions for which a 404 came back. A proxy can send a false 404, so these are cancelled at the
   * end too.
   */
  readonly #missing: Session[] = []
  #sessions = 0
  /** bytes that the session has */
  #at = 0
  /** where the current or the broken body ends */
  #sentTo = 0
  readonly #failed: FailedAttempts
  #isResumed = false
  /** whether an answer named another length than was sent */
  #isCountedOtherwise = false

  constructor(client: RepositoryClient, d: Descriptor, from: BlobSource, call: Call) {
    this.#client = client
    this.#d = d
    this.#call = call
    this.#purpose = client.describe('upload the blob', `@${d.digest}`, 'write')
    this.#feed = new BlobFeed(client.repository, d, from, call)
    this.#failed = new FailedAttempts(d.size)
  }

  /**
   * `opened` is the session of a refused mount. @throws what outlived the retries; no session stays
   * open.
   */
  async run(opened: Session | undefined): Promise<void> {
    this.#session = opened
    try {
      for (;;) {
        const session = await this.#openSession()
        if (session === 'present') return this.#feed.accept(this.#d.size)
        try {
          await this.#send(session)
          return
        } catch (error) {
          if (await this.#recover(error)) return
        }
      }
    } catch (error) {
      this.#feed.reset()
      throw error
    } finally {
      // A session that a PUT ended needs no DELETE.
      await this.#cancel()
      for (const session of this.#missing)
        await cancelSession(this.#client, session, this.#purpose, this.#call)
    }
  }

  async #openSession(): Promise<Session | 'present'> {
    if (this.#at === 0) this.#sessions++
    if (this.#session !== undefined) return this.#session
    const begun = await beginUpload(this.#client, this.#d, this.#purpose, this.#call)
    if (begun !== 'present') this.#session = begun
    return begun
  }

  /**
   * Prepares the next attempt after a failure. Returns true if the blob is uploaded in spite of it.
   * @throws the failure if it is final.
   */
  async #recover(error: unknown): Promise<boolean> {
    if (this.#isChunkRefused(error)) {
      this.#learn('chunks', 'no')
      await this.#startOver(error)
      return false
    }
    this.#failed.add()
    const isWorth = this.#isWorth(error)
    if (isWorth) {
      await this.#client.shared.retry.wait(this.#failed.count, this.#call)
      if (await this.#resume(error)) return false
    }
    if (await this.#isUploaded()) {
      this.#feed.accept(this.#d.size)
      return true
    }
    if (!isWorth) throw error
    await this.#startOver(error)
    return false
  }

  /** Whether the registry has the blob in spite of the failure. A check that fails is no answer. */
  async #isUploaded(): Promise<boolean> {
    if (this.#call.signal.aborted) return false
    try {
      return await hasBlob(this.#client, this.#d, this.#call, 'write')
    } catch {
      return false
    }
  }

  #isWorth(error: unknown): boolean {
    const { retry } = this.#client.shared
    // A session that the registry lost is like a broken connection.
    if (isSessionLost(error, this.#purpose) || this.#isAnswered(error, [416]))
      return !this.#call.signal.aborted && this.#failed.count < retry.maxAttempts
    if (isContentRefused(error, this.#purpose))
      return !this.#call.signal.aborted && this.#failed.count < retry.corruptAttempts
    return retry.isWorth(error, this.#failed.count, this.#client.repository.registry, this.#call)
  }

  /** Whether a registry that never accepted a second chunk refused one. */
  #isChunkRefused(error: unknown): boolean {
    if (!this.#inChunks || this.#known('chunks') !== 'unknown') return false
    return isChunkRefused(error, this.#purpose, this.#at === 0)
  }

  #isAnswered(error: unknown, statuses: readonly number[]): boolean {
    return isAnswered(error, this.#purpose, statuses)
  }

  /** Asks how much of the session is uploaded, and continues there. */
  async #resume(error: unknown): Promise<boolean> {
    if (isCorrupt(error) && this.#isResumed) this.#learn('uploadRange', 'no')
    if (isCorrupt(error) || isSessionLost(error, this.#purpose)) return false
    if (this.#known('uploadRange') === 'no' || this.#known('chunks') === 'no') return false
    const state = await this.#askSession()
    if (state === undefined || state.size < this.#at || state.size > this.#sentTo) {
      if (this.#isCountedOtherwise) this.#learn('uploadRange', 'no')
      return false
    }
    if (state.size === this.#at && this.#isAnswered(error, [416])) {
      // The offsets agree, so the registry refuses the chunk.
      this.#learn('chunks', 'no')
      return false
    }
    this.#session = state.session
    this.#isResumed = true
    this.#reach(state.size, error)
    return true
  }

  async #askSession(): Promise<{ readonly session: Session; readonly size: number } | undefined> {
    if (this.#session === undefined) return undefined
    try {
      const state = await askSession(this.#client, this.#session, this.#purpose, this.#call)
      if (state !== 'gone') return state
      this.#missing.push(this.#session)
      this.#session = undefined
      return undefined
    } catch (error) {
      if (this.#call.signal.aborted) throw error
      return undefined
    }
  }

  #learn(name: 'chunks' | 'uploadRange', known: 'yes' | 'no'): void {
    this.#client.shared.capabilities.learn(this.#client.repository, name, known)
  }

  /**
   * The registry has the first `size` bytes; `failure` ended the request that sent the last of
   * them.
   */
  #reach(size: number, failure?: unknown): void {
    this.#feed.accept(size)
    this.#at = size
    this.#failed.reach(size, failure)
  }

  /** Cancels the session, so that none stays open. */
  async #cancel(): Promise<void> {
    const session = this.#session
    this.#session = undefined
    if (session !== undefined) await cancelSession(this.#client, session, this.#purpose, this.#call)
  }

  /** @throws `error`, the reason, if the upload has begun too often. */
  async #startOver(error: unknown): Promise<void> {
    if (this.#sessions >= maxSessions) throw error
    await this.#cancel()
    this.#feed.reset()
    this.#at = 0
    this.#isResumed = false
    this.#isCountedOtherwise = false
  }

  get #inChunks(): boolean {
    return (
      this.#at > 0 || (this.#d.size > this.#client.shared.uploads.wholeUpTo && this.#known('chunks') !== 'no')
    )
  }

  #known(name: 'chunks' | 'uploadRange'): 'yes' | 'no' | 'unknown' {
    return this.#client.shared.capabilities.get(this.#client.repository, name)
  }

  async #send(session: Session): Promise<void> {
    const response = this.#inChunks
      ? await this.#sendChunks(session)
      : await this.#sendBody('PUT', withDigest(session.url, this.#d.digest), this.#d.size)
    await confirmUpload(this.#client, this.#d, response, this.#purpose, this.#call)
    this.#session = undefined
  }

  /**
   * Each chunk opens the source anew at its offset, once it has its slot at the destination. A
   * source that stays open from chunk to chunk would wait for such a slot while it holds one of its
   * own, and copies within one host would block each other.
   */
  async #sendChunks(opened: Session): Promise<RegistryResponse> {
    let session = opened
    const size = Math.max(this.#client.shared.uploads.chunk, session.minChunk)
    while (this.#at < this.#d.size) {
      const isFirst = this.#at === 0
      const response = await this.#sendBody('PATCH', session.url, Math.min(this.#at + size, this.#d.size))
      session = sessionOf(this.#client, response, session, this.#purpose)
      this.#session = session
      this.#checkRange(response)
      this.#reach(this.#sentTo)
      if (!isFirst) this.#learn('chunks', 'yes')
    }
    this.#feed.verify()
    const end = putRequest(withDigest(session.url, this.#d.digest), emptyBody, this.#purpose)
    return await this.#client.sendAndDiscard(end, this.#call)
  }

  /** Sends the bytes from the current offset up to `end`. */
  async #sendBody(method: 'PUT' | 'PATCH', url: URL, end: number): Promise<RegistryResponse> {
    const start = this.#at
    this.#sentTo = end
    const body: RequestBody = { kind: 'stream', size: end - start, open: () => this.#feed.open(start, end) }
    const request =
      method === 'PUT' ? putRequest(url, body, this.#purpose) : patchRequest(url, body, start, this.#purpose)
    try {
      const response = await this.#client.sendAndDiscard(request, this.#call)
      if (method === 'PUT') this.#feed.accept(end)
      return response
    } catch (error) {
      // The failure of the source explains more than the broken request.
      throw this.#feed.failure ?? error
    }
  }

  #checkRange(response: RegistryResponse): void {
    const uploaded = parseUploadedBytes(response)
    // Some registries always answer `0-0`.
    if (uploaded === undefined || uploaded === 0 || uploaded === this.#sentTo) return
    if (this.#known('uploadRange') === 'no') return
    this.#isCountedOtherwise = true
    throw new DrayError('network', 'the registry reports another upload size than dray sent', {
      subject: this.#purpose.subject,
      why: `dray sent ${this.#sentTo} bytes, the registry reports ${uploaded} bytes`,
    })
  }
}
