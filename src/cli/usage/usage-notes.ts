import { joinFirst } from '../../lib/join-first.ts'

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

  addCountedReads(vendor: string): void {
    this.add(
      `dray read manifests with GET, which ${vendor} can count as pulls. This report has the pull times from before. Keep the cache folder between runs: then dray reads each manifest once.`,
    )
  }
}
