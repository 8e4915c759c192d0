import { randomBytes } from 'node:crypto'

/**
 * A set of texts that keeps 52 bits of each: eight bytes in place of a hundred. It may take a new text for one that it has (for a million texts,
 * once in ten thousand sets), so what it finds twice has to be looked at again. The seed is drawn, so that nobody can prepare two texts for it.
 */
export class Fingerprints {
  #table = new Float64Array(1 << 16)
  #count = 0
  readonly #seed = randomBytes(8)

  /** Adds it; true where it seems to be there already. */
  addAgain(text: string): boolean {
    if (this.#count * 4 >= this.#table.length * 3) this.#grow()
    const print = this.#printOf(text)
    const at = find(this.#table, print)
    if (this.#table[at] === print) return true
    this.#table[at] = print
    this.#count++
    return false
  }

  /** Whether it seems to be there. */
  has(text: string): boolean {
    const print = this.#printOf(text)
    return this.#table[find(this.#table, print)] === print
  }

  #grow(): void {
    const old = this.#table
    this.#table = new Float64Array(old.length * 2)
    for (const print of old) if (print !== 0) this.#table[find(this.#table, print)] = print
  }

  /** Two sums of 32 bits, of which 52 are kept; never 0, which stands for an empty place (MurmurHash3's mixing). */
  #printOf(text: string): number {
    let a = this.#seed.readInt32LE(0)
    let b = this.#seed.readInt32LE(4)
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at)
      a = Math.imul(a ^ code, 0x85ebca6b)
      a ^= a >>> 15
      b = Math.imul(b ^ code, 0xc2b2ae35)
      b ^= b >>> 13
    }
    return ((a >>> 0) & 0xfffff) * 2 ** 32 + (b >>> 0) + 1
  }
}

/** The place of a print, or the empty one that it would have. */
function find(table: Float64Array, print: number): number {
  const mask = table.length - 1
  let at = (print ^ (print / 2 ** 32)) & mask
  while (table[at] !== print && table[at] !== 0) at = (at + 1) & mask
  return at
}
