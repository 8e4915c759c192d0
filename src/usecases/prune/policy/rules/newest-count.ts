import type { Digest } from '../../../../oci/digest.ts'
import type { ExplainedPosition } from '../explanation.ts'
import { comparePositions, formatPosition, type OrderPosition } from './order.ts'

/** The digests of one group of a rule, and which of them are among the highest. */
export class NewestCount {
  readonly #keep: number
  readonly #highest = new Map<Digest, OrderPosition>()
  readonly #withoutOrder = new Set<Digest>()
  #keepsAll: boolean | undefined
  #threshold: { readonly position: OrderPosition | undefined } | undefined

  /** @param keep how many digests are kept, at least 1 */
  constructor(keep: number) {
    this.#keep = keep
  }

  /** Adds a tag that is not protected. A digest has the highest position of its tags. */
  add(digest: Digest, position: OrderPosition | undefined): void {
    if (position === undefined) {
      this.#withoutOrder.add(digest)
      return
    }
    const known = this.#highest.get(digest)
    if (known === undefined || comparePositions(position, known) > 0) this.#highest.set(digest, position)
  }

  /** Whether all digests are kept, in any order of those that have none. */
  get keepsAll(): boolean {
    this.#keepsAll ??= new Set([...this.#highest.keys(), ...this.#withoutOrder]).size <= this.#keep
    return this.#keepsAll
  }

  /**
   * Whether a digest is among the highest. Digests that are equal to the last of them are too.
   * @param position that of one of its tags, for a digest that takes no slot
   */
  keeps(digest: Digest, position: OrderPosition): boolean {
    this.#threshold ??= { position: this.#sorted()[this.#keep - 1] }
    const { position: last } = this.#threshold
    return last === undefined || comparePositions(this.#highest.get(digest) ?? position, last) >= 0
  }

  /** The place of a digest; undefined if it takes no slot. */
  placeOf(digest: Digest): ExplainedPosition | undefined {
    const own = this.#highest.get(digest)
    if (own === undefined) return undefined
    const sorted = this.#sorted()
    const higher = sorted.filter((one) => comparePositions(one, own) > 0).length
    return { place: higher + 1, of: sorted.length, value: formatPosition(own) }
  }

  #sorted(): readonly OrderPosition[] {
    return [...this.#highest.values()].toSorted((a, b) => comparePositions(b, a))
  }
}
