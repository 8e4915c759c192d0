import { DrayError } from '../errors.ts'
import { parseJson } from '../oci/json.ts'

/** What a stream of JSON holds: an entry of a list's `items`, or an object with nulls in the place of its items. */
export type Streamed =
  | { readonly kind: 'item'; readonly value: unknown }
  | { readonly kind: 'whole'; readonly value: unknown; readonly items: number | undefined }

/** The longest key at the top of an object that is looked at. */
const maxKey = 64

/**
 * Cuts JSON as kubectl prints it into the entries of `items`, each parsed by itself, no key twice, so that memory holds one object and not a cluster. What is around the
 * items is parsed as well, so nothing passes that is not JSON. Several objects may follow one another.
 */
export class ObjectStream {
  readonly #name: string
  /** what `push` was given, and from where on it is not taken yet */
  #text = ''
  #from = 0
  /** of the object without its items */
  #frame = ''
  #item = ''
  #depth = 0
  #inString = false
  #isEscaped = false
  /** the last string directly in the object: its key, where a value begins */
  #key = ''
  #inItems = false
  #items: number | undefined
  #streamed: Streamed[] = []

  /** @param name what it is called in errors */
  constructor(name: string) {
    this.#name = name
  }

  /** Takes the next piece of text, cut anywhere, and gives what ends in it. @throws `malformed`. */
  push(text: string): readonly Streamed[] {
    this.#text = text
    this.#from = 0
    this.#streamed = []
    for (let at = 0; at < text.length; at++) {
      const character = text[at] ?? ''
      if (this.#inString) this.#goOnInString(character)
      else if (character === '{' || character === '[') this.#open(character, at)
      else if (this.#depth === 0) this.#checkBetween(character)
      else if (character === '"') this.#beginString()
      else if (character === '}' || character === ']') this.#close(at)
      else if (character === ',' && this.#isAtItem()) this.#endItem(at, at + 1)
    }
    this.#take(text.length)
    return this.#streamed
  }

  /** @throws `malformed` where the text ends within an object. */
  end(): void {
    if (this.#depth > 0) throw this.#malformed('it ends too early')
  }

  #goOnInString(character: string): void {
    if (this.#isEscaped) this.#isEscaped = false
    else if (character === '\\') this.#isEscaped = true
    else if (character === '"') this.#inString = false
    else if (this.#depth === 1 && this.#key.length < maxKey) this.#key += character
  }

  #beginString(): void {
    this.#inString = true
    this.#key = ''
  }

  #open(character: string, at: number): void {
    if (this.#depth === 0) this.#checkBetween(character)
    this.#depth += 1
    if (character === '{' || this.#depth !== 2 || this.#key !== 'items') return
    this.#take(at + 1)
    this.#inItems = true
    this.#items ??= 0
  }

  #close(at: number): void {
    if (this.#isAtItem()) {
      this.#endItem(at, at)
      this.#inItems = false
    }
    this.#depth -= 1
    if (this.#depth === 0) this.#endObject(at + 1)
  }

  /** Objects may have space between them, and nothing else. */
  #checkBetween(character: string): void {
    if (character !== '{' && !/\s/.test(character)) throw this.#malformed('it does not begin with {')
  }

  /** Between two items: not within one. */
  #isAtItem(): boolean {
    return this.#inItems && this.#depth === 2
  }

  #take(to: number): void {
    const text = this.#text.slice(this.#from, to)
    this.#from = to
    if (this.#inItems) this.#item += text
    else this.#frame += text
  }

  /** An empty list has no item between its brackets; anywhere else nothing is no JSON. */
  #endItem(at: number, next: number): void {
    this.#take(at)
    this.#from = next
    const text = this.#item
    const isLast = next === at
    this.#item = ''
    if (isLast && this.#items === 0 && text.trim() === '') return
    this.#items = (this.#items ?? 0) + 1
    this.#streamed.push({ kind: 'item', value: parseJson(text, this.#name) })
    this.#frame += isLast ? 'null' : 'null,'
  }

  #endObject(at: number): void {
    this.#take(at)
    this.#streamed.push({ kind: 'whole', value: parseJson(this.#frame, this.#name), items: this.#items })
    this.#frame = ''
    this.#key = ''
    this.#items = undefined
  }

  #malformed(why: string): DrayError {
    return new DrayError('malformed', `${this.#name} cannot be read as JSON`, { subject: this.#name, why })
  }
}
