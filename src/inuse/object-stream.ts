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

  /** @param name what it is called in errors */
  constructor(name: string) {
    this.#name = name
  }

  /** Takes the next piece of text, cut anywhere. @throws `malformed`. */
  *push(text: string): Generator<Streamed> {
    let from = 0
    for (let at = 0; at < text.length; at++) {
      const character = text[at] ?? ''
      if (this.#inString) {
        this.#goOnInString(character)
        continue
      }
      switch (character) {
        case '"':
          this.#inString = true
          this.#key = ''
          break
        case '{':
        case '[':
          if (this.#depth === 0 && character === '[') throw this.#malformed('it does not begin with {')
          this.#depth += 1
          if (character === '[' && this.#depth === 2 && this.#key === 'items' && !this.#inItems) {
            this.#take(text.slice(from, at + 1))
            from = at + 1
            this.#inItems = true
            this.#items ??= 0
          }
          break
        case '}':
        case ']':
          if (this.#inItems && this.#depth === 2) {
            this.#take(text.slice(from, at))
            from = at
            yield* this.#endItem(character)
            this.#inItems = false
          }
          this.#depth -= 1
          if (this.#depth > 0) break
          this.#take(text.slice(from, at + 1))
          from = at + 1
          yield this.#endObject()
          break
        case ',':
          if (!this.#inItems || this.#depth !== 2) break
          this.#take(text.slice(from, at))
          from = at + 1
          yield* this.#endItem(character)
          break
        default:
          if (this.#depth === 0 && !/\s/.test(character)) throw this.#malformed('it does not begin with {')
      }
    }
    this.#take(text.slice(from))
  }

  /** @throws `malformed` where the text ends within an object. */
  end(): void {
    if (this.#depth > 0 || this.#inString) throw this.#malformed('it ends too early')
  }

  #goOnInString(character: string): void {
    if (this.#isEscaped) this.#isEscaped = false
    else if (character === '\\') this.#isEscaped = true
    else if (character === '"') this.#inString = false
    else if (this.#depth === 1 && this.#key.length < maxKey) this.#key += character
  }

  #take(text: string): void {
    if (this.#inItems) this.#item += text
    else this.#frame += text
  }

  /** An empty list has no item between its brackets; anywhere else nothing is no JSON. */
  *#endItem(end: string): Generator<Streamed> {
    const text = this.#item
    this.#item = ''
    if (end !== ',' && this.#items === 0 && text.trim() === '') return
    this.#items = (this.#items ?? 0) + 1
    const value = parseJson(text, this.#name)
    this.#frame += end === ',' ? 'null,' : 'null'
    yield { kind: 'item', value }
  }

  #endObject(): Streamed {
    const [text, items] = [this.#frame, this.#items]
    this.#frame = ''
    this.#key = ''
    this.#items = undefined
    return { kind: 'whole', value: parseJson(text, this.#name), items }
  }

  #malformed(why: string): DrayError {
    return new DrayError('malformed', `${this.#name} cannot be read as JSON`, {
      subject: this.#name,
      why,
    })
  }
}
