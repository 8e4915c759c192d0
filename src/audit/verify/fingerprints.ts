import { randomInt } from 'node:crypto'

/**
 * A set of texts that keeps 52 bits of each. It may report a text that is new (for a million texts,
 * in one of ten thousand sets), so the caller compares again. The seed is random: an attacker
 * cannot prepare a collision.
 */
export class Fingerprints {
  #table = new Float64Array(1 << 10)
  #count = 0
  readonly #seedA = randomInt(2 ** 32)
  readonly #seedB = randomInt(2 ** 32)

  /** Adds the text of a kind; true if it was probably there. */
  addAgain(kind: string, text: string): boolean {
    if (this.#count * 4 >= this.#table.length * 3) this.#grow()
    const print = this.#printOf(kind, text)
    const at = find(this.#table, print)
    if (this.#table[at] === print) return true
    this.#table[at] = print
    this.#count++
    return false
  }

  /** Whether the text is probably in the set. */
  has(kind: string, text: string): boolean {
    const print = this.#printOf(kind, text)
    return this.#table[find(this.#table, print)] === print
  }

  #grow(): void {
    const old = this.#table
    this.#table = new Float64Array(old.length * 2)
    for (const print of old) if (print !== 0) this.#table[find(this.#table, print)] = print
  }

  /** Keeps 52 bits of two hashes; never 0, an empty slot (MurmurHash3's mixing). */
  #printOf(kind: string, text: string): number {
    let a = this.#seedA ^ kind.length
    let b = this.#seedB ^ kind.charCodeAt(0)
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

/** The slot of a fingerprint, or the empty slot for it. */
function find(table: Float64Array, print: number): number {
  const mask = table.length - 1
  let at = (print ^ (print / 2 ** 32)) & mask
  while (table[at] !== print && table[at] !== 0) at = (at + 1) & mask
  return at
}
