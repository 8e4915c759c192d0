import { DrayError } from '../../../lib/errors.ts'
import type { Bandwidth } from './bandwidth.ts'

/**
 * The most bytes that are given to the connection at once. The time limits see only what it has
 * taken as a whole, and a slow connection takes long for more.
 */
const maxPart = 64 * 1024

/** Reports which side the body waits for. */
export interface SourceProgress {
  /** The connection is ready for more, so the body waits for the source. */
  waiting(): void
  /** The body waits for the bandwidth. */
  pausing(): void
  /** The connection gets so many bytes, so the body waits for the connection. */
  sending(bytes: number): void
  /** The connection has taken all bytes of a chunk of the source. */
  sent(chunk: Uint8Array): void
}

/**
 * A body on its way to the connection: exactly `size` bytes, or an error. It can be stopped while
 * its source delays it. undici cannot stop an iterable. undici asks for more when the connection
 * has taken all that it was given (`connector.ts` opens the connections for that).
 */
export class OutgoingBody implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #source: AsyncIterator<Uint8Array>
  readonly #size: number
  readonly #progress: SourceProgress
  #begun = false
  #given = 0
  #stopped = false
  #interrupt: (() => void) | undefined
  #chunk: Uint8Array | undefined
  /** bytes of the chunk that the connection got */
  #at = 0
  readonly #pace: { readonly bandwidth: Bandwidth; readonly stop: AbortController } | undefined

  constructor(
    source: AsyncIterable<Uint8Array>,
    size: number,
    progress: SourceProgress,
    bandwidth?: Bandwidth,
  ) {
    this.#source = source[Symbol.asyncIterator]()
    this.#size = size
    this.#progress = progress
    this.#pace = bandwidth && { bandwidth, stop: new AbortController() }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** @throws `corrupt` if the source is shorter or longer than its size. */
  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const isGiven = this.#chunk === undefined || this.#at === this.#chunk.byteLength
    if (!isGiven && !this.#stopped && this.#pace === undefined)
      return Promise.resolve({ done: false, value: this.#nextPart(maxPart) })
    return new Promise((resolve, reject) => {
      this.#interrupt = () => resolve({ done: true, value: undefined })
      if (this.#stopped) this.#interrupt()
      else (isGiven ? this.#pull() : this.#give()).then(resolve, reject)
    })
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.stop()
    return { done: true, value: undefined }
  }

  /** Requests no more, whether or not the source answers. */
  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#interrupt?.()
    this.#pace?.stop.abort('stopped')
    // The source cleans up later. No caller needs its failure.
    void this.#close().catch(() => undefined)
  }

  async #pull(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#begun = true
    if (this.#chunk !== undefined) this.#progress.sent(this.#chunk)
    this.#chunk = undefined
    this.#progress.waiting()
    const next = await this.#source.next()
    if (next.done === true) {
      this.#progress.sending(0)
      if (this.#given !== this.#size) throw this.#wrongSize(`it ended after ${this.#given} bytes`)
      return { done: true, value: undefined }
    }
    this.#given += next.value.byteLength
    if (this.#given > this.#size) throw this.#wrongSize('it has more')
    this.#chunk = next.value
    this.#at = 0
    return await this.#give()
  }

  /** Gives the next part of the chunk when the bandwidth allows it. */
  async #give(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#pace === undefined) return { done: false, value: this.#nextPart(maxPart) }
    const { bandwidth, stop } = this.#pace
    const rest = (this.#chunk?.byteLength ?? 0) - this.#at
    const bytes = Math.min(rest, maxPart, bandwidth.maxBytes)
    const wait = bandwidth.take(bytes, stop.signal)
    if (wait !== undefined) {
      this.#progress.pausing()
      await wait
    }
    return { done: false, value: this.#nextPart(bytes) }
  }

  /** The next part of the chunk, of at most so many bytes. */
  #nextPart(most: number): Uint8Array {
    const part = (this.#chunk ?? new Uint8Array()).subarray(this.#at, this.#at + most)
    this.#at += part.byteLength
    this.#progress.sending(part.byteLength)
    return part
  }

  #wrongSize(why: string): DrayError {
    return new DrayError('corrupt', `cannot send a body of ${this.#size} bytes: ${why}`)
  }

  /**
   * A generator that was never begun would not run its `finally`, and would keep its connection.
   */
  async #close(): Promise<void> {
    if (!this.#begun) await this.#source.next()
    await this.#source.return?.()
  }
}
