import { DrayError } from '../errors.ts'

/**
 * A body on its way to the connection: exactly `size` bytes, or an error. It can be stopped from outside while its source keeps it waiting, which
 * the HTTP client itself does not do for iterables.
 */
export class OutgoingBody implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #open: () => Promise<AsyncIterable<Uint8Array>>
  readonly #size: number
  readonly #moved: () => void
  #source: AsyncIterator<Uint8Array> | undefined
  #given = 0
  #stopped = false
  #interrupt: (() => void) | undefined

  /** `moved` is called whenever the connection takes and whenever the source gives. */
  constructor(size: number, open: () => Promise<AsyncIterable<Uint8Array>>, moved: () => void) {
    this.#size = size
    this.#open = open
    this.#moved = moved
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** @throws `corrupt` where the source is shorter or longer than its size. */
  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#moved()
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
    this.#close()
  }

  async #pull(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#source === undefined) {
      const opened = await this.#open()
      this.#source = opened[Symbol.asyncIterator]()
      if (this.#stopped) this.#close()
    }
    const next = await this.#source.next()
    this.#moved()
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

  /** Lets the source clean up in its own time; what goes wrong there concerns nobody any more. */
  #close(): void {
    void this.#source?.return?.().catch(() => undefined)
  }
}
