import { DrayError } from '../../../lib/errors.ts'

/** Told of whose turn it is. */
export interface Turns {
  /** the connection wants more: the source is waited for */
  asked(): void
  /** the source gave so many bytes: the connection is waited for */
  gave(bytes: number): void
}

/**
 * A body on its way to the connection: exactly `size` bytes, or an error. It can be stopped from outside while its source keeps it waiting, which
 * the HTTP client itself does not do for iterables.
 */
export class OutgoingBody implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #source: AsyncIterator<Uint8Array>
  readonly #size: number
  readonly #turns: Turns
  #begun = false
  #given = 0
  #stopped = false
  #interrupt: (() => void) | undefined

  constructor(source: AsyncIterable<Uint8Array>, size: number, turns: Turns) {
    this.#source = source[Symbol.asyncIterator]()
    this.#size = size
    this.#turns = turns
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** @throws `corrupt` where the source is shorter or longer than its size. */
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

  /** Asks for no more, whether or not the source answers. */
  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#interrupt?.()
    // the source cleans up in its own time; what goes wrong there concerns nobody any more
    void this.#close().catch(() => undefined)
  }

  async #pull(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#begun = true
    this.#turns.asked()
    const next = await this.#source.next()
    this.#turns.gave(next.done === true ? 0 : next.value.byteLength)
    if (next.done === true) {
      if (this.#given !== this.#size) throw this.#wrongSize(`it ended after ${this.#given} bytes`)
      return { done: true, value: undefined }
    }
    this.#given += next.value.byteLength
    if (this.#given > this.#size) throw this.#wrongSize('it has more')
    return next
  }

  #wrongSize(why: string): DrayError {
    return new DrayError('corrupt', `a body of ${this.#size} bytes was to be sent, but ${why}`)
  }

  /** A generator that was never begun would not run its `finally`, and keep its connection. */
  async #close(): Promise<void> {
    if (!this.#begun) await this.#source.next()
    await this.#source.return?.()
  }
}
