import type { DrayError } from '../../../lib/errors.ts'

/**
 * dray stops reading from the connection above the first number of bytes and continues below the
 * second. A download holds this and the buffer of the socket.
 */
const highWater = 256 * 1024
const lowWater = 64 * 1024

export interface FlowControl {
  /** Stops reading from the connection, because the reader is slower than the server. */
  pause(): void
  resume(): void
  /** The reader needs no more bytes. */
  cancel(): void
}

/**
 * The bytes of one answer between the connection and its reader, with backpressure. For one reader,
 * once.
 */
export class IncomingBody implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #flow: FlowControl
  readonly #chunks: Uint8Array[] = []
  #queued = 0
  #paused = false
  #over: 'no' | 'ended' | 'cancelled' = 'no'
  #error: DrayError | undefined
  #wake: (() => void) | undefined

  constructor(flow: FlowControl) {
    this.#flow = flow
  }

  push(chunk: Uint8Array): void {
    if (this.#over !== 'no') return
    this.#chunks.push(chunk)
    this.#queued += chunk.byteLength
    if (!this.#paused && this.#queued >= highWater) {
      this.#paused = true
      this.#flow.pause()
    }
    this.#wakeReader()
  }

  end(): void {
    if (this.#over === 'no') this.#over = 'ended'
    this.#wakeReader()
  }

  fail(error: DrayError): void {
    this.#error ??= error
    this.#wakeReader()
  }

  get finished(): boolean {
    return this.#over !== 'no' || this.#error !== undefined
  }

  /** Whether it ended and has no more bytes for the reader. */
  get isRead(): boolean {
    return this.#over === 'ended' && this.#chunks.length === 0
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    for (;;) {
      const chunk = this.#chunks.shift()
      if (chunk !== undefined) {
        this.#queued -= chunk.byteLength
        if (this.#paused && this.#queued <= lowWater) {
          this.#paused = false
          this.#flow.resume()
        }
        return { done: false, value: chunk }
      }
      if (this.#error !== undefined) throw this.#error
      if (this.#over !== 'no') return { done: true, value: undefined }
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.cancel()
    return { done: true, value: undefined }
  }

  /** Drops the queued bytes, and the connection if it expects more. */
  cancel(): void {
    this.#chunks.length = 0
    this.#queued = 0
    if (this.finished) return
    this.#over = 'cancelled'
    this.#flow.cancel()
    this.#wakeReader()
  }

  #wakeReader(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }
}
