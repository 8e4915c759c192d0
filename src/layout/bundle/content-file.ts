import type { FileHandle } from 'node:fs/promises'
import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import { ioError } from '../../lib/files/io-error.ts'
import { algorithmOf, type Digest, Digester, digestOf } from '../../oci/digest.ts'

/** Bytes of one read. */
const chunkSize = 256 * 1024

/** Where the content of a digest is in a file. */
export interface ContentPlace {
  /** the position of its first byte */
  readonly offset: number
  /** bytes */
  readonly size: number
}

/** The content of a bundle in a file that can be read at any position: the tar or a copy. */
export class ContentFile {
  /** for messages */
  readonly name: string
  readonly #handle: FileHandle
  readonly #places: ReadonlyMap<Digest, ContentPlace>

  constructor(name: string, handle: FileHandle, places: ReadonlyMap<Digest, ContentPlace>) {
    this.name = name
    this.#handle = handle
    this.#places = places
  }

  /** Returns the size of content in bytes, or undefined if the file does not have it. */
  sizeOf(digest: Digest): number | undefined {
    return this.#places.get(digest)?.size
  }

  /** Reads and verifies content of the size of a manifest. @throws `corrupt`, `io`. */
  async read(digest: Digest, call: Call): Promise<Uint8Array> {
    const place = this.#placeOf(digest)
    const parts: Uint8Array[] = []
    for await (const part of this.#chunks(place, 0, call)) parts.push(part)
    const bytes = Buffer.concat(parts)
    const actual = digestOf(bytes, algorithmOf(digest))
    if (actual !== digest) throw this.#changed(digest, `the digest of its bytes is ${actual}`)
    return bytes
  }

  /**
   * Streams content from `offset` on. From offset 0, the last chunk comes only after the digest is
   * verified: the file may have changed since it was read first.
   * @throws `corrupt`, `io`.
   */
  stream(digest: Digest, offset: number, call: Call): AsyncIterable<Uint8Array> {
    const place = this.#placeOf(digest)
    const chunks = this.#chunks(place, offset, call)
    return offset === 0 ? this.#verified(digest, place, chunks) : chunks
  }

  #placeOf(digest: Digest): ContentPlace {
    const place = this.#places.get(digest)
    if (place !== undefined) return place
    throw new DrayError('not-found', `${digest} is not in the bundle ${this.name}`, { subject: digest })
  }

  async *#chunks({ offset, size }: ContentPlace, from: number, call: Call): AsyncGenerator<Uint8Array, void> {
    for (let at = from; at < size;) {
      call.signal.throwIfAborted()
      const length = Math.min(chunkSize, size - at)
      const { buffer, bytesRead } = await this.#readAt(Buffer.allocUnsafe(length), offset + at)
      if (bytesRead === 0) return
      at += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  }

  async #readAt(buffer: Buffer, position: number): Promise<{ buffer: Buffer; bytesRead: number }> {
    try {
      return await this.#handle.read(buffer, 0, buffer.byteLength, position)
    } catch (cause) {
      throw ioError(cause, `cannot read ${this.name}`, this.name)
    }
  }

  async *#verified(
    digest: Digest,
    { size }: ContentPlace,
    chunks: AsyncIterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array, void> {
    const digester = new Digester(algorithmOf(digest))
    let last: Uint8Array | undefined
    for await (const chunk of chunks) {
      digester.update(chunk)
      if (last !== undefined) yield last
      last = chunk
    }
    const actual = digester.digest()
    if (digester.size !== size) throw this.#changed(digest, `it has ${digester.size} bytes of ${size}`)
    if (actual !== digest) throw this.#changed(digest, `the digest of its bytes is ${actual}`)
    if (last !== undefined) yield last
  }

  #changed(digest: Digest, why: string): DrayError {
    return new DrayError('corrupt', `the content of ${digest} in ${this.name} was changed`, {
      subject: digest,
      why,
      hint: 'Do not change the file while dray reads it. Run the command again.',
    })
  }
}
