/**
 * Finds the oldest item that is open. An item that was once found closed is never examined again,
 * so a search takes amortised constant time.
 */
export class FirstOpen<T> {
  readonly #isOpen: (item: T) => boolean
  #items: T[] = []
  /** index of the oldest item that can be open */
  #first = 0

  /** `isOpen` must never be true again for an item for which it was false. */
  constructor(isOpen: (item: T) => boolean) {
    this.#isOpen = isOpen
  }

  add(item: T): void {
    this.#items.push(item)
  }

  find(): T | undefined {
    for (; this.#first < this.#items.length; this.#first++) {
      const item = this.#items[this.#first]
      if (item !== undefined && this.#isOpen(item)) break
    }
    if (this.#first * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#first)
      this.#first = 0
    }
    return this.#items[this.#first]
  }

  clear(): void {
    this.#items = []
    this.#first = 0
  }
}
