import type { OnReadOpts } from 'node:net'

/** For answers without a large body: several of them share one buffer. */
const smallSize = 16 * 1024
/** For large bodies. One read takes what has arrived in the meantime, up to this size. */
const largeSize = 512 * 1024
/** A new buffer is better than a rest that is shorter than this part of the whole. */
const minRest = 1 / 8
/** Buffers of each size that are kept for the next read. */
const maxSpare = 8

/** A buffer, while it is in use. */
interface BufferUse {
  /** the bytes that were read into it */
  read: number
  /** of these, the bytes that are written */
  written: number
  /** whether nothing more is read into it */
  full: boolean
}

/**
 * The memory into which the connections of one transport read. Node would allocate 64 KiB for each
 * read, and collecting these buffers takes more processor time than hashing their bytes. A buffer
 * is used again once all of its bytes are released: written to other connections of the transport,
 * or skipped. All other bytes are left to the garbage collector, so that no reader has to return
 * them.
 */
export class ReadBuffers {
  readonly #spareSmall: ArrayBufferLike[] = []
  readonly #spareLarge: ArrayBufferLike[] = []
  readonly #uses = new WeakMap<ArrayBufferLike, BufferUse>()

  /**
   * Returns the option of a socket that reads into these buffers.
   * @param push gets what was read; returns whether the socket may read more
   */
  onread(push: (bytes: Uint8Array) => boolean): OnReadOpts {
    let next: Uint8Array | undefined
    return {
      buffer: () => (next ??= this.#take(smallSize)),
      callback: (size, buffer) => {
        next = this.#after(buffer, size)
        return push(buffer.subarray(0, size))
      },
    }
  }

  /** Call it once for bytes that are written, or skipped, and have no other reader. */
  release(chunk: Uint8Array): void {
    const use = this.#uses.get(chunk.buffer)
    if (use === undefined) return
    use.written += chunk.byteLength
    this.#recycle(chunk.buffer, use)
  }

  /** Returns the buffer for the read after one of `size` bytes into `buffer`. */
  #after(buffer: Uint8Array, size: number): Uint8Array {
    const memory = buffer.buffer
    const use = this.#uses.get(memory)
    if (use !== undefined) use.read += size
    const rest = buffer.byteLength - size
    const isLargeRead = size >= smallSize
    const fits = memory.byteLength === smallSize || isLargeRead
    if (fits && rest >= memory.byteLength * minRest) return buffer.subarray(size)
    if (use !== undefined) {
      use.full = true
      this.#recycle(memory, use)
    }
    // As much as a small buffer was there to read, so there is probably more.
    return this.#take(isLargeRead ? largeSize : smallSize)
  }

  #take(size: number): Uint8Array {
    const buffer = new Uint8Array(this.#spareOf(size).pop() ?? Buffer.allocUnsafeSlow(size).buffer)
    this.#uses.set(buffer.buffer, { read: 0, written: 0, full: false })
    return buffer
  }

  #recycle(memory: ArrayBufferLike, { read, written, full }: BufferUse): void {
    if (!full || written < read) return
    this.#uses.delete(memory)
    const spare = this.#spareOf(memory.byteLength)
    if (spare.length < maxSpare) spare.push(memory)
  }

  #spareOf(size: number): ArrayBufferLike[] {
    return size === smallSize ? this.#spareSmall : this.#spareLarge
  }
}
