import type { Call } from '../../../lib/call.ts'
import type { SharedState } from '../client.ts'
import type { Redaction } from '../errors.ts'

/** Invalid entries that a message quotes, and the characters of each. */
const entriesShown = 3
const maxCharacters = 60
/** Characters of an entry that are searched for secrets: more than the longest token has. */
const maxSearched = 64 * 1024

/**
 * The entries of a list that are not what the list is of. Artifactory lists digests among the tags,
 * and other registries list tags that begin with a dash.
 */
export class InvalidEntries {
  readonly #list: string
  readonly #valid: string
  readonly #isValid: (entry: string) => boolean
  readonly #first: unknown[] = []
  #count = 0

  /**
   * @param list for messages: `tag list of HOST/PATH`
   * @param valid for messages: what its entries have to be
   */
  constructor(list: string, valid: string, isValid: (entry: string) => boolean) {
    this.#list = list
    this.#valid = valid
    this.#isValid = isValid
  }

  get count(): number {
    return this.#count
  }

  /** Returns the valid entries. */
  removeFrom(entries: readonly unknown[]): readonly string[] {
    return entries.filter((entry): entry is string => {
      if (typeof entry === 'string' && this.#isValid(entry)) return true
      if (this.#count++ < entriesShown) this.#first.push(entry)
      return false
    })
  }

  /** Returns the first entries for a message: `"-beta", null and 3 more`. */
  quote(redaction: Redaction): string {
    const quoted = this.#first.map((entry) =>
      cut(redaction.redact(JSON.stringify(entry).slice(0, maxSearched))),
    )
    const others = this.#count - quoted.length
    return `${quoted.join(', ')}${others > 0 ? ` and ${others} more` : ''}`
  }

  /** Warns about them once for each list. */
  report(shared: SharedState, call: Call): void {
    if (this.#count === 0 || shared.reportedLists.has(this.#list)) return
    shared.reportedLists.add(this.#list)
    const entries = this.#count === 1 ? '1 entry' : `${this.#count} entries`
    call.notify({
      kind: 'warning',
      text: `dray skips ${entries} of the ${this.#list} that are not ${this.#valid}: ${this.quote(shared)}`,
    })
  }
}

function cut(text: string): string {
  return text.length > maxCharacters ? `${text.slice(0, maxCharacters)}…` : text
}
