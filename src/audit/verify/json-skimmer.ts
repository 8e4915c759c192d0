const [quote, backslash, comma, colon, minus, zero] = [0x22, 0x5c, 0x2c, 0x3a, 0x2d, 0x30] as const
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d] as const
const [nullText, trueText, falseText] = [
  Buffer.from('null'),
  Buffer.from('true'),
  Buffer.from('false'),
] as const
const hashStart = Buffer.from('"sha256:')
const hashDigits = 64
const maxDepth = 32
/** An integer of this length is one as `JSON.stringify` writes it. */
const maxDigits = 15

const isPlain = bytesThat((byte) => byte >= 0x20 && byte !== quote && byte !== backslash)
const isHex = bytesThat((byte) => '0123456789abcdef'.includes(String.fromCharCode(byte)))

/**
 * Reads JSON without making values of it. It knows only JSON without white space, escapes and
 * fractions. At anything else, its methods return false or undefined, and the JSON has to be
 * parsed. It accepts nothing that `JSON.parse` rejects.
 */
export class JsonSkimmer {
  readonly #bytes: Buffer
  /** the next byte */
  #at = 0
  #isClosed = false

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  isAtEnd(): boolean {
    return this.#at === this.#bytes.byteLength
  }

  /** Steps into an object. True if a member follows. */
  openObject(): boolean {
    const isObject = this.#bytes[this.#at] === openBrace
    if (isObject) this.#at++
    this.#isClosed = isObject && this.#skipByte(closeBrace)
    return isObject && !this.#isClosed
  }

  /** Call this after a member. True if another one follows. */
  nextMember(): boolean {
    this.#isClosed = this.#skipByte(closeBrace)
    return !this.#isClosed && this.#skipByte(comma)
  }

  /** Whether the object ended when `openObject` or `nextMember` was false. */
  isClosed(): boolean {
    return this.#isClosed
  }

  isKey(name: Buffer | undefined): boolean {
    if (name === undefined) return false
    const at = this.#at + 1
    return this.#bytes[at + name.byteLength] === quote && startsWith(this.#bytes, name, at)
  }

  skipKey(): boolean {
    return this.#skipString() && this.#bytes[this.#at++] === colon
  }

  /** The text that follows, which is not empty. */
  readText(): string | undefined {
    const start = this.#at + 1
    if (!this.skipText()) return undefined
    return this.#bytes.toString('utf8', start, this.#at - 1)
  }

  /** Skips a text that is not empty. */
  skipText(): boolean {
    const start = this.#at
    return this.#skipString() && this.#at > start + 2
  }

  skipEmptyText(): boolean {
    const isEmpty = this.#bytes[this.#at] === quote && this.#bytes[this.#at + 1] === quote
    if (isEmpty) this.#at += 2
    return isEmpty
  }

  /** Skips one of these strings, which are in quotes. */
  skipOneOf(texts: readonly Buffer[]): boolean {
    for (const text of texts) if (this.#skipBytes(text)) return true
    return false
  }

  skipNull(): boolean {
    return this.#skipBytes(nullText)
  }

  /** Skips a SHA-256 digest. */
  skipHash(): boolean {
    const bytes = this.#bytes
    const start = this.#at + hashStart.byteLength
    const end = start + hashDigits
    if (bytes[end] !== quote || !startsWith(bytes, hashStart, this.#at)) return false
    for (let at = start; at < end; at++) if (isHex[bytes[at] ?? 0] !== 1) return false
    this.#at = end + 1
    return true
  }

  skipValue(depth = 0): boolean {
    const first = this.#bytes[this.#at]
    if (first === quote) return this.#skipString()
    if (first === openBrace || first === openBracket) return depth < maxDepth && this.#skipMembers(depth + 1)
    return (
      this.#skipInteger() ||
      this.#skipBytes(nullText) ||
      this.#skipBytes(trueText) ||
      this.#skipBytes(falseText)
    )
  }

  #skipMembers(depth: number): boolean {
    const isObject = this.#bytes[this.#at++] === openBrace
    const close = isObject ? closeBrace : closeBracket
    if (this.#skipByte(close)) return true
    for (;;) {
      if ((isObject && !this.skipKey()) || !this.skipValue(depth)) return false
      if (this.#skipByte(close)) return true
      if (this.#bytes[this.#at++] !== comma) return false
    }
  }

  #skipByte(byte: number): boolean {
    const isThere = this.#bytes[this.#at] === byte
    if (isThere) this.#at++
    return isThere
  }

  #skipString(): boolean {
    const bytes = this.#bytes
    if (bytes[this.#at] !== quote) return false
    let at = this.#at + 1
    while (isPlain[bytes[at] ?? 0] === 1) at++
    this.#at = at + 1
    return bytes[at] === quote
  }

  #skipInteger(): boolean {
    const bytes = this.#bytes
    const start = this.#at + (bytes[this.#at] === minus ? 1 : 0)
    let at = start
    while (isDigit(bytes[at])) at++
    const isInteger = at > start && at - start <= maxDigits && (bytes[start] !== zero || at === start + 1)
    if (isInteger) this.#at = at
    return isInteger
  }

  #skipBytes(expected: Buffer): boolean {
    const isThere = startsWith(this.#bytes, expected, this.#at)
    if (isThere) this.#at += expected.byteLength
    return isThere
  }
}

function startsWith(bytes: Buffer, prefix: Buffer, at: number): boolean {
  for (let i = 0; i < prefix.byteLength; i++) if (bytes[at + i] !== prefix[i]) return false
  return true
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= zero && byte < zero + 10
}

/** A table with 1 for each such byte. */
function bytesThat(holds: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (holds(byte) ? 1 : 0))
}
