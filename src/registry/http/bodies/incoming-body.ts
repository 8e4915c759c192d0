import { type DrayError, toDrayError } from '../../../lib/errors.ts'
import type { Bandwidth } from './bandwidth.ts'

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

/** The limit on the bytes of bodies, for the reader of one of them. */
export interface ReaderPace {
  readonly bandwidth: Bandwidth
  /** ends a wait */
  readonly signal: AbortSignal
}

/**
 * The bytes of one answer between the connection and its reader, with backpressure. For one reader,
 * once.
 */
export class IncomingBody implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #flow: FlowControl
  readonly #pace: ReaderPace | undefined
  readonly #chunks: Uint8Array[] = []
  #queued = 0
  #paused = false
  #over: 'no' | 'ended' | 'cancelled' = 'no'
  #error: DrayError | undefined
  #wake: (() => void) | undefined
  #isHurried = false

  /** With `pace`, the reader gets parts of chunks, each when the bandwidth allows it. */
  constructor(flow: FlowControl, pace?: ReaderPace) {
    this.#flow = flow
    this.#pace = pace
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
      const wait = this.#pass()
      if (wait !== undefined) await wait
      const chunk = this.#shift()
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

  /** The rest is not needed: it counts for the bandwidth and does not wait for it. */
  hurry(): void {
    this.#isHurried = true
  }

  /** Drops the queued bytes, and the connection if it expects more. */
  cancel(): void {
    this.#pace?.bandwidth.spend(this.#queued)
    this.#chunks.length = 0
    this.#queued = 0
    if (this.finished) return
    this.#over = 'cancelled'
    this.#flow.cancel()
    this.#wakeReader()
  }

  /** Waits until the next part may pass; undefined if it may now, or there is none yet. */
  #pass(): Promise<void> | undefined {
    const [chunk] = this.#chunks
    if (this.#pace === undefined || chunk === undefined) return undefined
    const { bandwidth, signal } = this.#pace
    const bytes = Math.min(chunk.byteLength, bandwidth.maxBytes)
    if (this.#isHurried) bandwidth.spend(bytes)
    const wait = this.#isHurried ? undefined : bandwidth.take(bytes, signal)
    return wait?.catch((reason: unknown) => {
      throw this.#error ?? toDrayError(reason)
    })
  }

  #shift(): Uint8Array | undefined {
    const [chunk] = this.#chunks
    const most = this.#pace?.bandwidth.maxBytes
    if (chunk === undefined || most === undefined || chunk.byteLength <= most) return this.#chunks.shift()
    this.#chunks[0] = chunk.subarray(most)
    return chunk.subarray(0, most)
  }

  #wakeReader(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }
}
