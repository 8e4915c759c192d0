import { offAbort, onAbort } from './call.ts'

/** Slots, given in the order of the requests; those that are `first` come before all others. */
export class Semaphore {
  #capacity: number
  #taken = 0
  readonly #first = new Set<() => void>()
  readonly #others = new Set<() => void>()

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
  async acquire(signal: AbortSignal, order?: 'first'): Promise<() => void> {
    const free = this.acquireFree(signal)
    if (free !== undefined) return free
    await this.#wait(signal, order === 'first' ? this.#first : this.#others)
    return this.#held()
  }

  /**
   * Takes a slot if one is free and no other call waits; otherwise undefined.
   * @throws the signal's reason.
   */
  acquireFree(signal: AbortSignal): (() => void) | undefined {
    signal.throwIfAborted()
    const isFree = this.#taken < this.#capacity && this.#first.size + this.#others.size === 0
    if (!isFree) return undefined
    this.#taken++
    return this.#held()
  }

  #held(): () => void {
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      this.#taken--
      this.#admit()
    }
  }

  #wait(signal: AbortSignal, waiters: Set<() => void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const admit = (): void => {
        offAbort(signal, leave)
        resolve()
      }
      const leave = (): void => {
        waiters.delete(admit)
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the caller's reason
        reject(signal.reason)
      }
      waiters.add(admit)
      onAbort(signal, leave)
    })
  }

  #admit(): void {
    for (const waiters of [this.#first, this.#others]) {
      for (const admit of waiters) {
        if (this.#taken >= this.#capacity) return
        waiters.delete(admit)
        this.#taken++
        admit()
      }
    }
  }
}
