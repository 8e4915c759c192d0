/** The end of a line with a delay: bytes come out in order, half a round trip later. */
interface Pipe {
  /** false: the far end is full, and `drained` is called when it is not */
  write(bytes: Uint8Array): boolean
  end(): void
}

export interface LineOptions {
  /** milliseconds from end to end */
  readonly delay: number
  /**
   * the earliest arrival, milliseconds on the clock: a connection takes a round trip before it
   * carries bytes
   */
  readonly notBefore: number
  readonly out: Pipe
  /** milliseconds; only differences count */
  readonly now: () => number
  readonly wake: (afterMs: number, what: () => void) => void
}

/** The most bytes in transit in one direction before the sender waits: 400 MB/s at 80 ms. */
export const mostUnderWay: number = 16 * 1024 * 1024
/** Timers have a resolution of a millisecond. Bytes that are due within half of one leave now. */
const grain = 0.5

/** One direction of one connection. */
export class DelayLine {
  readonly #options: LineOptions
  #underWay: { readonly due: number; readonly bytes: Uint8Array | undefined }[] = []
  #size = 0
  #isArmed = false
  #isBlocked = false

  constructor(options: LineOptions) {
    this.#options = options
  }

  /** Whether the sender must wait. */
  get isFull(): boolean {
    return this.#size >= mostUnderWay
  }

  /** Sends bytes; undefined ends the direction. */
  send(bytes: Uint8Array | undefined): void {
    const { now, delay, notBefore } = this.#options
    this.#underWay.push({ due: Math.max(now() + delay, notBefore), bytes })
    this.#size += bytes?.byteLength ?? 0
    this.#arm()
  }

  /** Call this when the far end accepts bytes again. */
  drained(): void {
    this.#isBlocked = false
    this.#letOut()
  }

  #arm(): void {
    const [first] = this.#underWay
    if (first === undefined || this.#isArmed || this.#isBlocked) return
    this.#isArmed = true
    this.#options.wake(Math.max(0, first.due - this.#options.now()), () => {
      this.#isArmed = false
      this.#letOut()
    })
  }

  #letOut(): void {
    const dueBy = this.#options.now() + grain
    while (!this.#isBlocked) {
      const [first] = this.#underWay
      if (first === undefined || first.due > dueBy) break
      this.#underWay.shift()
      if (first.bytes === undefined) {
        this.#options.out.end()
      } else {
        this.#size -= first.bytes.byteLength
        this.#isBlocked = !this.#options.out.write(first.bytes)
      }
    }
    this.#arm()
  }
}
