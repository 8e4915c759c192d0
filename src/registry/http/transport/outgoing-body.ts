import { DrayError } from '../../../lib/errors.ts'

/** Reports which side the body waits for. */
export interface SourceProgress {
  /** The connection is ready for more, so the body waits for the source. */
  waiting(): void
  /** The source gave so many bytes, so the body waits for the connection. */
  received(bytes: number): void
}

/**
 * A body on its way to the connection: exactly `size` bytes, or an error. It can be stopped while
 * its source delays it. undici cannot stop an iterable.
 */
export class OutgoingBody implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #source: AsyncIterator<Uint8Array>
  readonly #size: number
  readonly #progress: SourceProgress
  #begun = false
  #given = 0
  #stopped = false
  #interrupt: (() => void) | undefined

  constructor(source: AsyncIterable<Uint8Array>, size: number, progress: SourceProgress) {
    this.#source = source[Symbol.asyncIterator]()
    this.#size = size
    this.#progress = progress
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** @throws `corrupt` if the source is shorter or longer than its size. */
  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    return new Promise((resolve, reject) => {
      this.#interrupt = () => resolve({ done: true, value: undefined })
      if (this.#stopped) this.#interrupt()
      else this.#pull().then(resolve, reject)
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
    // The source cleans up later. No caller needs its failure.
    void this.#close().catch(() => undefined)
  }

  async #pull(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#begun = true
    this.#progress.waiting()
    const next = await this.#source.next()
    this.#progress.received(next.done === true ? 0 : next.value.byteLength)
    if (next.done === true) {
      if (this.#given !== this.#size) throw this.#wrongSize(`it ended after ${this.#given} bytes`)
      return { done: true, value: undefined }
    }
    this.#given += next.value.byteLength
    if (this.#given > this.#size) throw this.#wrongSize('it has more')
    return next
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
