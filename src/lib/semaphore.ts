/** Slots, given in the order of the requests. */
export class Semaphore {
  #capacity: number
  #taken = 0
  readonly #waiters = new Set<() => void>()

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get capacity(): number {
    return this.#capacity
  }

  /** Holders keep their slots when the capacity shrinks. */
  resize(capacity: number): void {
    this.#capacity = capacity
    this.#admit()
  }

  /** Waits for a slot. Returns the function that frees it, once. @throws the signal's reason. */
  async acquire(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    if (this.#taken < this.#capacity && this.#waiters.size === 0) this.#taken++
    else await this.#wait(signal)
    let held = true
    return () => {
      if (!held) return
      held = false
      this.#taken--
      this.#admit()
    }
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const admit = (): void => {
        signal.removeEventListener('abort', leave)
        resolve()
      }
      const leave = (): void => {
        this.#waiters.delete(admit)
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the reason is the caller's, passed on as it is
        reject(signal.reason)
      }
      this.#waiters.add(admit)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  #admit(): void {
    for (const admit of this.#waiters) {
      if (this.#taken >= this.#capacity) return
      this.#waiters.delete(admit)
      this.#taken++
      admit()
    }
  }
}
