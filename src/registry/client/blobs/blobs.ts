import type { Call } from '../../../lib/call.ts'
import { DrayError } from '../../../lib/errors.ts'
import type { RegistryResponse } from '../../http/fetch.ts'
import type { Descriptor } from '../../../oci/descriptor.ts'
import { algorithmOf, Digester } from '../../../oci/digest.ts'
import type { RepositoryClient } from '../client.ts'
import { isCorrupt, type Purpose, withSubject } from '../errors.ts'
import { compressionNote, contentLength, contentRange } from '../headers.ts'
import { FailedAttempts } from '../transfer.ts'

/**
 * Whether a blob exists with its content (HEAD). @throws `corrupt` if it has another size.
 */
export async function hasBlob(
  client: RepositoryClient,
  d: Pick<Descriptor, 'digest'> & { readonly size?: number },
  call: Call,
  access: 'read' | 'write' = 'read',
): Promise<boolean> {
  const purpose = client.describe('check the blob', `@${d.digest}`, access)
  const url = client.url(`blobs/${d.digest}`)
  return await client.shared.retry.run(
    client.repository.registry,
    call,
    () => client.sendAndDiscard({ method: 'HEAD', url, expect: [200, 404], purpose }, call),
    (response) => {
      if (response.status === 404) return false
      const length = contentLength(response)
      // Zuul's registry sends the length of its empty answer. The blob is uploaded again then.
      if (length === 0 && d.size !== undefined && d.size > 0) return false
      checkSize(length, d.size, purpose)
      return true
    },
  )
}

/**
 * Streams a blob from `offset` up to `end`, or to its last byte. Resolves when the registry has
 * answered. A transfer that breaks continues from that byte, by `Range`, and progress resets
 * the count of its attempts. If the whole blob is read, its size and digest are verified before the
 * last chunk is yielded.
 * @throws `not-found`; from the stream `corrupt`, and what outlived the retries.
 */
export async function readBlob(
  client: RepositoryClient,
  d: Descriptor,
  offset: number,
  call: Call,
  end?: number,
): Promise<AsyncIterable<Uint8Array>> {
  const transfer = new BlobTransfer(client, d, offset, Math.min(end ?? d.size, d.size), call)
  await transfer.begin()
  return transfer.bytes()
}

class BlobTransfer {
  readonly #client: RepositoryClient
  readonly #d: Descriptor
  readonly #call: Call
  readonly #purpose: Purpose
  readonly #digester: Digester | undefined
  readonly #end: number
  readonly #failed: FailedAttempts
  #reached: number
  #response: RegistryResponse | undefined

  constructor(client: RepositoryClient, d: Descriptor, offset: number, end: number, call: Call) {
    this.#client = client
    this.#d = d
    this.#call = call
    this.#purpose = client.describe('read the blob', `@${d.digest}`, 'read')
    this.#digester = offset === 0 && end === d.size ? new Digester(algorithmOf(d.digest)) : undefined
    this.#end = end
    this.#reached = offset
    this.#failed = new FailedAttempts(d.size, offset)
    if (offset > d.size)
      throw this.#corrupt(`it has ${d.size} bytes, and the requested range starts at ${offset}`)
  }

  /**
   * Requests what is missing. A body with a wrong length is requested again before its first byte
   * is yielded.
   */
  async begin(): Promise<void> {
    if (this.#isReached) return
    this.#response = await this.#client.shared.retry.run(
      this.#client.repository.registry,
      this.#call,
      () => this.#request(),
      async (response) => {
        try {
          this.#checkHeaders(response)
          return response
        } catch (error) {
          await response.discard()
          throw error
        }
      },
    )
  }

  async *bytes(): AsyncGenerator<Uint8Array, void> {
    const { retry } = this.#client.shared
    let last: Uint8Array | undefined
    while (this.#response !== undefined) {
      const response = this.#response
      this.#response = undefined
      try {
        for await (const chunk of this.#body(response)) {
          if (this.#reached === this.#end) last = chunk
          else yield chunk
        }
        if (this.#reached < this.#end) throw this.#truncated()
      } catch (error) {
        if (isCorrupt(error)) throw error
        // A connection that breaks after the last byte has done its work.
        if (this.#isReached) break
        this.#failed.reach(this.#reached, error)
        this.#failed.add()
        if (!retry.isWorth(error, this.#failed.count, this.#client.repository.registry, this.#call)) {
          throw withSubject(error, this.#purpose, this.#call)
        }
        await retry.wait(this.#failed.count, this.#call)
        await this.begin()
      } finally {
        await response.discard().catch(() => undefined)
      }
    }
    this.#verify()
    if (last !== undefined) yield last
  }

  /** Yields and hashes the new bytes of a body. */
  async *#body(response: RegistryResponse): AsyncGenerator<Uint8Array, void> {
    // A registry without ranges answers with the whole blob.
    let skip = response.status === 206 ? 0 : this.#reached
    for await (const chunk of response.body) {
      const rest = skip === 0 ? chunk : chunk.subarray(Math.min(skip, chunk.byteLength))
      const skipped = chunk.byteLength - rest.byteLength
      skip -= skipped
      if (skipped > 0) response.release?.(chunk.subarray(0, skipped))
      // Ignores the bytes after the requested part, if the registry did not stop there.
      const fresh = this.#end < this.#d.size ? rest.subarray(0, this.#end - this.#reached) : rest
      if (fresh.byteLength === 0 && this.#isReached) return
      if (fresh.byteLength === 0) continue
      this.#reached += fresh.byteLength
      if (this.#reached > this.#d.size)
        throw this.#corrupt(`the registry sent more than its ${this.#d.size} bytes`)
      this.#digester?.update(fresh)
      yield fresh
    }
  }

  async #request(): Promise<RegistryResponse> {
    const from = this.#reached
    const last = this.#end < this.#d.size ? this.#end - 1 : ''
    const isWhole = from === 0 && last === ''
    const response = await this.#ask(isWhole ? undefined : `bytes=${from}-${last}`)
    if (response.status !== 416) return response
    // The registry has no such part. Read the whole again, and skip what arrived before.
    await response.discard()
    return await this.#ask(undefined)
  }

  #ask(range: string | undefined): Promise<RegistryResponse> {
    return this.#client.send(
      {
        method: 'GET',
        url: this.#client.url(`blobs/${this.#d.digest}`),
        ...(range !== undefined && { headers: { range } }),
        lane: 'download',
        expect: range === undefined ? [200] : [200, 206, 416],
        purpose: this.#purpose,
      },
      this.#call,
    )
  }

  #checkHeaders(response: RegistryResponse): void {
    if (response.status !== 206) {
      checkSize(contentLength(response), this.#d.size, this.#purpose, compressionNote(response))
      return
    }
    const range = contentRange(response)
    if (range?.first !== this.#reached || range.last !== this.#end - 1) {
      throw this.#corrupt(
        `dray requested bytes ${this.#reached} to ${this.#end - 1}, the registry sent ${range === undefined ? 'a part without a range' : `${range.first} to ${range.last}`}`,
      )
    }
    checkSize(range.size, this.#d.size, this.#purpose)
    checkSize(contentLength(response), this.#end - this.#reached, this.#purpose)
  }

  get #isReached(): boolean {
    return this.#reached === this.#end && this.#reached > 0
  }

  #verify(): void {
    const is = this.#digester?.digest() ?? this.#d.digest
    if (is !== this.#d.digest) throw this.#corrupt(`the digest of its bytes is ${is}`)
  }

  #corrupt(why: string): DrayError {
    return corrupt(this.#purpose, why)
  }

  #truncated(): DrayError {
    return new DrayError(
      'network',
      `the download of the blob from ${this.#client.repository.registry} ended early`,
      {
        subject: this.#purpose.subject,
        why: `${this.#reached} of ${this.#end} bytes arrived`,
      },
    )
  }
}

function checkSize(is: number | undefined, should: number | undefined, purpose: Purpose, note = ''): void {
  if (is === undefined || should === undefined || is === should) return
  throw corrupt(purpose, `expected ${should} bytes, the registry has ${is}${note}`)
}

function corrupt(purpose: Purpose, why: string): DrayError {
  return new DrayError('corrupt', `the blob from ${purpose.registry} differs from its descriptor`, {
    subject: purpose.subject,
    why,
    hint: 'Check the registry and the proxies in front of it, or push the image again.',
  })
}
