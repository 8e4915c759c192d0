import { DrayError } from '../../lib/errors.ts'
import { isRecord, parseJson } from '../../oci/json.ts'
import { decodeText } from '../files/text.ts'

/** Kubernetes stores no object of more than some 1.5 MB. */
const maxItemBytes = 16 * 1024 * 1024
/** Everything around the items. */
const maxFrameBytes = 1024 * 1024

const quote = 0x22
const backslash = 0x5c
const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d
const comma = 0x2c
const blanks: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d])

type ListPart = 'frame' | 'gap' | 'item'

/**
 * Parses a list of Kubernetes (`{ "kind": "List", "items": […] }`) while it arrives, so that a
 * large cluster needs the memory of its largest object. Every byte is in an item or in the frame,
 * which both have to be JSON, or in the gaps between items.
 */
export class JsonListReader {
  readonly #name: string
  readonly #frame: Uint8Array[] = []
  #frameBytes = 0
  #item: Uint8Array[] = []
  #itemBytes = 0
  #depth = 0
  #isInString = false
  #isEscaped = false
  /** the last string on the first level of the frame */
  #text: number[] = []
  #isInItems = false
  #hasItems = false
  /** an item was read, and no comma after it */
  #needsComma = false

  /** @param name the name of the source in errors */
  constructor(name: string) {
    this.#name = name
  }

  /** Yields the items that are complete. @throws `malformed`. */
  *push(chunk: Uint8Array): Generator {
    let start = 0
    let part = this.#part()
    for (let at = 0; at < chunk.length; at++) {
      at = this.#skipText(chunk, at)
      const byte = chunk[at]
      if (byte === undefined) break
      const before = this.#part()
      this.#step(byte)
      const after = this.#part()
      // A bracket belongs to the part that it begins or ends.
      const own = before === 'item' || after === 'item' ? 'item' : before === 'frame' ? 'frame' : after
      if (own !== part) {
        this.#keep(chunk.subarray(start, at), part)
        start = at
        part = own
      }
      if (before !== 'item' || after === 'item') continue
      this.#keep(chunk.subarray(start, at + 1), part)
      start = at + 1
      part = after
      yield this.#finishItem()
    }
    this.#keep(chunk.subarray(start), part)
  }

  /**
   * Returns the frame with an empty list in place of the items.
   * @throws `malformed` if it is incomplete.
   */
  end(): Readonly<Record<string, unknown>> {
    const frame = parseJson(Buffer.concat(this.#frame, this.#frameBytes), `the answer of ${this.#name}`)
    if (!isRecord(frame) || !this.#hasItems) throw this.#malformed('it is not a list of objects')
    return frame
  }

  /** Returns the next position with a byte that matters: most bytes of items are in strings. */
  #skipText(chunk: Uint8Array, from: number): number {
    if (!this.#isInString || this.#isEscaped || this.#depth <= 1) return from
    let at = from
    while (at < chunk.length && chunk[at] !== quote && chunk[at] !== backslash) at++
    return at
  }

  #part(): ListPart {
    if (!this.#isInItems) return 'frame'
    return this.#depth > 2 ? 'item' : 'gap'
  }

  #step(byte: number): void {
    if (this.#isInString) return this.#stepInString(byte)
    if (this.#part() === 'gap') this.#checkGap(byte)
    switch (byte) {
      case quote:
        this.#isInString = true
        if (this.#depth === 1) this.#text = []
        break
      case openBrace:
      case openBracket:
        if (byte === openBracket && this.#depth === 1 && this.#lastText() === 'items') this.#beginItems()
        this.#depth += 1
        break
      case closeBrace:
      case closeBracket:
        this.#depth -= 1
        if (this.#depth < 2) this.#isInItems = false
        break
      default:
    }
  }

  /** Checks that items are objects with commas between them. */
  #checkGap(byte: number): void {
    const needsComma = this.#needsComma
    if (byte === comma) this.#needsComma = false
    else if (byte === openBrace) this.#needsComma = true
    const isExpected = byte === comma ? needsComma : byte === openBrace ? !needsComma : byte === closeBracket
    if (!isExpected && !blanks.has(byte))
      throw this.#malformed('its list contains a value that is not an object')
  }

  #stepInString(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false
    else if (byte === backslash) this.#isEscaped = true
    else if (byte === quote) this.#isInString = false
    if (this.#isInString && this.#depth === 1 && this.#text.length < 16) this.#text.push(byte)
  }

  #lastText(): string {
    return String.fromCharCode(...this.#text)
  }

  #beginItems(): void {
    if (this.#hasItems) throw this.#malformed('it has two lists of items')
    this.#hasItems = true
    this.#isInItems = true
  }

  #keep(bytes: Uint8Array, part: ListPart): void {
    if (bytes.byteLength === 0 || part === 'gap') return
    if (part === 'item') {
      this.#item.push(bytes)
      this.#itemBytes += bytes.byteLength
    } else {
      this.#frame.push(bytes)
      this.#frameBytes += bytes.byteLength
    }
    if (this.#itemBytes > maxItemBytes)
      throw this.#malformed(`an object is larger than ${maxItemBytes} bytes`)
    if (this.#frameBytes > maxFrameBytes) throw this.#malformed('it is not a list of objects')
  }

  #finishItem(): unknown {
    const text = decodeText(Buffer.concat(this.#item, this.#itemBytes), this.#name)
    this.#item = []
    this.#itemBytes = 0
    return parseJson(text, `an object of ${this.#name}`)
  }

  #malformed(why: string): DrayError {
    return new DrayError('malformed', `cannot parse the answer of ${this.#name}`, {
      subject: this.#name,
      why,
    })
  }
}
