/** A set of names in ASCII order. Each method takes at most the time for the names it returns. */
export class SortedNames {
  readonly #names: string[]

  constructor(names: Iterable<string> = []) {
    this.#names = [...new Set(names)].sort(byText)
  }

  get size(): number {
    return this.#names.length
  }

  add(name: string): void {
    const at = this.#firstFrom(name)
    if (this.#names[at] !== name) this.#names.splice(at, 0, name)
  }

  delete(name: string): void {
    const at = this.#firstFrom(name)
    if (this.#names[at] === name) this.#names.splice(at, 1)
  }

  /** At most `count` names after `last`, or the first ones. */
  after(last: string | undefined, count: number): readonly string[] {
    const at = last === undefined ? 0 : this.#firstFrom(last)
    const start = last !== undefined && this.#names[at] === last ? at + 1 : at
    return this.#names.slice(start, start + count)
  }

  /** The position of the first name that is not before `name`. */
  #firstFrom(name: string): number {
    let low = 0
    let high = this.#names.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#names[middle] ?? '') < name) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** The order of Go's `sort.Strings`: by code unit, so capitals come first. */
export function byText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
