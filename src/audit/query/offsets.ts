const chunkLength = 16 * 1024

/** Stores millions of file offsets: eight bytes each, without copies when it grows. */
export class Offsets {
  readonly #chunks: Float64Array[] = []
  #length = 0

  get length(): number {
    return this.#length
  }

  push(offset: number): void {
    const at = this.#length % chunkLength
    if (at === 0) this.#chunks.push(new Float64Array(chunkLength))
    const chunk = this.#chunks.at(-1)
    if (chunk !== undefined) chunk[at] = offset
    this.#length++
  }

  /** Removes the last offset; undefined if there is none. */
  pop(): number | undefined {
    if (this.#length === 0) return undefined
    this.#length--
    const at = this.#length % chunkLength
    const offset = this.#chunks.at(-1)?.[at]
    if (at === 0) this.#chunks.pop()
    return offset
  }
}
