import type { Inventory } from '../../images/inventory/inventory.ts'
import { joinFirst } from '../../lib/join-first.ts'
import type { DrayError } from '../../lib/errors.ts'

/** The notes of a report about its reading, each once. */
export class UsageNotes {
  readonly #notes = new Set<string>()

  get all(): readonly string[] {
    return [...this.#notes]
  }

  add(note: string): void {
    this.#notes.add(note)
  }

  /** A pattern may be mistyped. */
  addUnmatched(patterns: readonly string[]): void {
    const names = patterns.length === 1 ? 'name' : 'names'
    this.add(`No repository matches ${joinFirst(patterns)}. Check the ${names}.`)
  }

  /** A missing token is the same error for all repositories of a registry. */
  addInventoryError(
    inventory: Inventory | undefined,
    { message, why, hint }: Pick<DrayError, 'message' | 'why' | 'hint'>,
  ): void {
    const cause = [message, why].filter((part) => part !== undefined).join(': ')
    const text = `dray cannot read the inventory of ${inventory?.name ?? 'the registry'}, and uses the OCI API: ${cause}.`
    this.add([text, hint].filter((part) => part !== undefined).join(' '))
  }

  addCountedReads(vendor: string): void {
    this.add(
      `dray read manifests that are not in its cache, and ${vendor} counts this as pulls. The times in this report are from before.`,
    )
  }
}
