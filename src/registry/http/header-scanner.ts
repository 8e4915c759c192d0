/** RFC 9110, section 5.6.2. */
const tokenCharacter = /[!#$%&'*+.^_`|~0-9A-Za-z-]/

/**
 * Reads a header value from left to right, each character once, so that hostile text costs no more
 * than its length. Nothing here throws: a missing part is undefined.
 */
export class HeaderScanner {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  get done(): boolean {
    return this.#at >= this.#text.length
  }

  get position(): number {
    return this.#at
  }

  /** Moves to a value of `position`. */
  moveTo(position: number): void {
    this.#at = position
  }

  peek(): string {
    return this.#text[this.#at] ?? ''
  }

  /** Consumes `character` if it is next. */
  eat(character: string): boolean {
    if (this.peek() !== character) return false
    this.#at++
    return true
  }

  /** Consumes OWS (RFC 9110, section 5.6.3). Returns whether there was any. */
  skipSpace(): boolean {
    return this.takeWhile((c) => c === ' ' || c === '\t') !== ''
  }

  takeWhile(accept: (character: string) => boolean): string {
    const start = this.#at
    while (!this.done && accept(this.peek())) this.#at++
    return this.#text.slice(start, this.#at)
  }

  /** Reads a token (RFC 9110, section 5.6.2). */
  token(): string | undefined {
    const text = this.takeWhile((c) => tokenCharacter.test(c))
    return text === '' ? undefined : text
  }

  /**
   * Reads a quoted string (RFC 9110, section 5.6.4) without its quotes. Undefined if it does not
   * end.
   */
  quoted(): string | undefined {
    if (!this.eat('"')) return undefined
    let value = ''
    while (!this.done) {
      const character = this.peek()
      this.#at++
      if (character === '"') return value
      if (character === '\\') {
        value += this.peek()
        this.#at++
      } else {
        value += character
      }
    }
    return undefined
  }
}
