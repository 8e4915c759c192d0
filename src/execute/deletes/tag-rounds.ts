/** Tags that are checked a few at a time, each as often as every other. */
export class TagRounds {
  #tags: string[]
  #next = 0

  constructor(tags: Iterable<string>) {
    this.#tags = [...tags]
  }

  add(tag: string): void {
    this.#tags.push(tag)
  }

  /**
   * Returns the next tags, at most `most` and each once. Tags that `isThere` rejects are dropped at
   * the end of a round, so that all calls together cost time in proportion to what they return.
   */
  take(most: number, isThere: (tag: string) => boolean): readonly string[] {
    const taken: string[] = []
    this.#takeWanted(most, isThere, taken)
    if (taken.length >= most) return taken
    const before = new Set(taken)
    this.#tags = this.#tags.filter(isThere)
    this.#next = 0
    this.#takeWanted(most, (tag) => !before.has(tag), taken)
    return taken
  }

  #takeWanted(most: number, isWanted: (tag: string) => boolean, taken: string[]): void {
    while (this.#next < this.#tags.length && taken.length < most) {
      const tag = this.#tags[this.#next++]
      if (tag !== undefined && isWanted(tag)) taken.push(tag)
    }
  }
}
