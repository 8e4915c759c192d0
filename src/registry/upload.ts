import type { Call } from '../call.ts'
import { DrayError, isDrayError } from '../errors.ts'
import type { RegistryResponse, RequestBody } from '../http/fetch.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { algorithmOf, Digester } from '../oci/digest.ts'
import type { BlobSource } from '../store/store.ts'
import { hasBlob } from './blobs.ts'
import type { Exchange, RepositoryClient } from './client.ts'
import type { Attempt } from './errors.ts'
import { BlobFeed } from './blob-feed.ts'
import { cancelSession, openSession, type Session, sessionOf, withDigest } from './upload-session.ts'

/** How often one upload is begun: each costs all of its bytes. */
const maxTries = 4

/**
 * Uploads a blob (distribution-spec, Pushing blobs). One try goes
 *
 *     open -> whole (one PUT), or chunk, chunk, … (PATCH) and closing (PUT) -> done
 *
 * and a break leads to `unclear`: the registry may have applied what it did not answer. Then the blob is
 * looked for; where it is not there, the session is cancelled and a new one begins. Nothing is ever sent
 * again into a session whose state is not known: it would append twice.
 */
export class Upload {
  readonly #client: RepositoryClient
  readonly #d: Descriptor
  readonly #from: BlobSource
  readonly #call: Call
  readonly #attempt: Attempt

  constructor(client: RepositoryClient, d: Descriptor, from: BlobSource, call: Call) {
    this.#client = client
    this.#d = d
    this.#from = from
    this.#call = call
    this.#attempt = client.attempt('upload the blob', `@${d.digest}`, 'write')
  }

  /**
   * `opened` is the session that a refused mount left. @throws what outlived the tries; every session given
   * up was cancelled.
   */
  async run(opened: Session | undefined): Promise<void> {
    const { retry } = this.#client.run
    let ready = opened
    for (let failures = 1; ; failures++) {
      const session = ready ?? (await openSession(this.#client, this.#d, this.#attempt, this.#call))
      ready = undefined
      const tried = new SessionTry(this.#client, this.#d, this.#from, this.#attempt, session, this.#call)
      try {
        await tried.send()
        return
      } catch (error) {
        const arrived = await this.#isThere()
        await cancelSession(this.#client, tried.session, this.#attempt, this.#call)
        if (arrived) return
        if (!this.#isWorth(error, failures)) throw error
        await retry.wait(failures, this.#call)
      }
    }
  }

  /** Whether what broke was applied after all. A look that fails is no answer. */
  async #isThere(): Promise<boolean> {
    if (this.#call.signal.aborted) return false
    try {
      return await hasBlob(this.#client, this.#d, this.#call, 'write')
    } catch {
      return false
    }
  }

  /** A session that the registry lost (404, 416) is as good as a broken connection. */
  #isWorth(error: unknown, failures: number): boolean {
    const { retry } = this.#client.run
    const { registry } = this.#client.repository
    if (failures >= maxTries) return false
    if (isDrayError(error) && isLostSession(error, this.#attempt)) return !this.#call.signal.aborted
    return retry.isWorth(error, failures, registry, this.#call)
  }
}

/** One try with one session. */
class SessionTry {
  session: Session
  readonly #client: RepositoryClient
  readonly #d: Descriptor
  readonly #from: BlobSource
  readonly #attempt: Attempt
  readonly #call: Call

  constructor(
    client: RepositoryClient,
    d: Descriptor,
    from: BlobSource,
    attempt: Attempt,
    session: Session,
    call: Call,
  ) {
    this.#client = client
    this.#d = d
    this.#from = from
    this.#attempt = attempt
    this.session = session
    this.#call = call
  }

  async send(): Promise<void> {
    const { wholeUpTo } = this.#client.run.uploads
    if (this.#d.size <= wholeUpTo) await this.#sendWhole()
    else await this.#sendChunks()
  }

  async #sendWhole(): Promise<void> {
    const feed = new BlobFeed(this.#client.repository, this.#d, this.#from, this.#call)
    await this.#exchange('PUT', withDigest(this.session.url, this.#d.digest), feed, 0, this.#d.size)
  }

  /**
   * Each chunk opens the source anew at its offset, once its own place at the destination is held: who held
   * the source open from chunk to chunk would wait for a place at the destination with one of the source in
   * hand, and copies within one host would lock each other out.
   */
  async #sendChunks(): Promise<void> {
    const hash = new Digester(algorithmOf(this.#d.digest))
    const feed = new BlobFeed(this.#client.repository, this.#d, this.#from, this.#call, hash)
    const size = Math.max(this.#client.run.uploads.chunk, this.session.minChunk)
    for (let at = 0; at < this.#d.size; at += size) {
      const end = Math.min(at + size, this.#d.size)
      const response = await this.#exchange('PATCH', this.session.url, feed, at, end)
      this.session = sessionOf(this.#client, response, this.session, this.#attempt)
      this.#checkRange(response, end)
    }
    const is = feed.digest()
    if (is !== this.#d.digest) {
      throw new DrayError('corrupt', 'the blob is not what its descriptor says', {
        subject: this.#attempt.subject,
        why: `its bytes hash to ${is}`,
      })
    }
    const body: RequestBody = { kind: 'bytes', bytes: new Uint8Array() }
    const url = withDigest(this.session.url, this.#d.digest)
    await this.#client.sendAndDiscard(this.#bodyExchange('PUT', url, body, {}), this.#call)
  }

  async #exchange(
    method: 'PUT' | 'PATCH',
    url: URL,
    feed: BlobFeed,
    start: number,
    end: number,
  ): Promise<RegistryResponse> {
    const body: RequestBody = { kind: 'stream', size: end - start, open: () => feed.open(start, end) }
    const headers = method === 'PATCH' ? { 'content-range': `${start}-${end - 1}` } : {}
    try {
      const request = this.#bodyExchange(method, url, body, headers)
      const response = await this.#client.sendAndDiscard(request, this.#call)
      feed.accept()
      return response
    } catch (error) {
      feed.takeBack()
      // why the source failed says more than that the request broke off for it
      throw feed.failure ?? error
    }
  }

  #bodyExchange(
    method: 'PUT' | 'PATCH',
    url: URL,
    body: RequestBody,
    headers: Readonly<Record<string, string>>,
  ): Exchange {
    return {
      method,
      url,
      headers: { 'content-type': 'application/octet-stream', ...headers },
      body,
      replay: 'never',
      lane: 'upload',
      // ECR answers a PATCH by 201, others by 204
      expect: method === 'PUT' ? [201, 204] : [201, 202, 204],
      attempt: this.#attempt,
    }
  }

  #checkRange(response: RegistryResponse, end: number): void {
    const last = /^(?:bytes=)?0-(\d{1,15})$/.exec(response.headers.get('range')?.trim() ?? '')?.[1]
    if (last === undefined || Number(last) === end - 1) return
    throw new DrayError('network', 'the registry has another part of the blob than was sent', {
      subject: this.#attempt.subject,
      why: `sent up to byte ${end - 1}, it has up to ${last}`,
    })
  }
}

function isLostSession(error: DrayError, attempt: Attempt): boolean {
  // an error about something else, the source say, has another subject
  return error.subject === attempt.subject && (error.status === 404 || error.status === 416)
}
