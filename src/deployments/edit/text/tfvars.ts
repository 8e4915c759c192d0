import type { DrayError } from '../../../lib/errors.ts'
import type { FoundValue } from '../found-value.ts'
import { type LineColumn, positionIn, refuseFile } from './refusal.ts'
import type { ValuePlace } from '../value-place.ts'

/** A top-level line `name = …` of a `.tfvars` file. */
export interface TfvarsEntry {
  readonly name: string
  /** of the value, in the text */
  readonly start: number
  readonly end: number
  /** the string; undefined for other values */
  readonly value: string | undefined
}

const opened = '([{'
const closed = ')]}'
const comment = /(?:#|\/\/)[^\n]*/y
const editHint = 'Write the value in a line of its own: name = "value".'

/**
 * A `.tfvars` file: attributes of the HCL native syntax. Only values that are one string are read.
 */
export class TfvarsText {
  readonly entries: readonly TfvarsEntry[]
  readonly #name: string
  readonly text: string
  #at: number

  /** @throws `refused` for heredocs, interpolation, blocks and broken text. */
  constructor(name: string, text: string) {
    this.#name = name
    this.text = text
    this.#at = text.startsWith('\u{feff}') ? 1 : 0
    this.entries = [...this.#scan()]
  }

  /** Returns all values that are one string. */
  values(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      this.entries.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])),
    )
  }

  find(place: ValuePlace): FoundValue | undefined {
    const entry = this.entryAt(place)
    if (entry === undefined) return undefined
    const text = entry.value ?? ''
    const kind = entry.value === undefined ? 'other' : 'text'
    return { kind, text, place, ...positionIn(this.text, entry.start), isTemplate: false }
  }

  entryAt({ document, path, embedded }: ValuePlace): TfvarsEntry | undefined {
    if (document !== 0 || embedded !== undefined || path.length !== 1) return undefined
    return this.entries.find(({ name }) => name === path[0])
  }

  positionOf(offset: number): LineColumn {
    return positionIn(this.text, offset)
  }

  /** Returns the error for a text that cannot be edited at an offset. */
  refuse(offset: number, why: string, hint = editHint): DrayError {
    return refuseFile(this.#name, why, hint, positionIn(this.text, offset))
  }

  *#scan(): Generator<TfvarsEntry> {
    const names = new Set<string>()
    for (;;) {
      this.#skip(/\s+|#[^\n]*|\/\/[^\n]*|\/\*[^]*?\*\//y)
      const start = this.#at
      if (start === this.text.length) return
      const name = this.#take(/[\p{ID_Start}_][\p{ID_Continue}-]*/uy)
      if (name === undefined) throw this.refuse(start, 'it is no line of the form name = value')
      if (names.has(name)) throw this.refuse(start, `the name ${name} occurs twice`, 'Remove one of the two.')
      names.add(name)
      this.#skipSpace()
      if (this.#take(/=(?!=)/y) === undefined) throw this.refuse(start, `${name} is a block, or has no value`)
      this.#skipSpace()
      yield { name, ...this.#value() }
    }
  }

  /** Reads a value and the rest of its line. */
  #value(): Pick<TfvarsEntry, 'start' | 'end' | 'value'> {
    const start = this.#at
    let value: string | undefined
    let end = start
    let depth = 0
    for (let parts = 0; ; parts += 1) {
      this.#skipSpace()
      const character = this.text[this.#at]
      const isEnd = character === undefined || (depth === 0 && /^[\r\n]$/.test(character))
      if (isEnd || this.#isComment()) {
        if (depth > 0 && character === undefined) throw this.refuse(start, 'a bracket is not closed')
        if (parts === 0) throw this.refuse(start, 'the value is missing')
        if (depth === 0) {
          this.#take(comment)
          return { start, end, value }
        }
        this.#take(comment)
      } else {
        const text = this.#part(character)
        value = parts === 0 ? text : undefined
        if (opened.includes(character)) depth += 1
        else if (closed.includes(character)) depth -= 1
        if (depth < 0) throw this.refuse(this.#at - 1, 'a bracket is closed that is not open')
        end = this.#at
      }
    }
  }

  #isComment(): boolean {
    return this.text.startsWith('#', this.#at) || this.text.startsWith('//', this.#at)
  }

  /** Reads a string, a word or one other character. Returns the value of a string. */
  #part(first: string): string | undefined {
    const at = this.#at
    if (first === '"') return this.#string()
    if (this.text.startsWith('<<', at))
      throw this.refuse(at, 'it has a heredoc', 'Move the heredoc to another .tfvars file.')
    if (this.text.startsWith('/*', at))
      throw this.refuse(at, 'a comment is not closed', 'Close the comment with */.')
    if (this.#take(/[\p{ID_Continue}.-]+/uy) === undefined) this.#at += 1
    return undefined
  }

  #string(): string {
    const start = this.#at
    const text = this.#take(/"(?:[^"\\\n]|\\[^\n])*"/y)
    if (text === undefined) throw this.refuse(start, 'a string is not closed in its line')
    // `$${` and `%%{` are text.
    const template = text.replaceAll(/(?<!\$)\$\$\{|(?<!%)%%\{/g, '   ').search(/[$%]\{/)
    if (template !== -1)
      throw this.refuse(
        start + template,
        'it has an interpolation',
        'Move the value with the interpolation to another file.',
      )
    return this.#decode(text.slice(1, -1), start)
  }

  /** Decodes the escapes of a quoted template (HCL native syntax, "Template Expressions"). */
  #decode(text: string, start: number): string {
    return text.replaceAll(
      /\\u([\da-fA-F]{4})|\\U([\da-fA-F]{8})|\\(.?)|\$\$\{|%%\{/gs,
      (escape, short: string | undefined, long: string | undefined, letter: string | undefined) => {
        const code = short ?? long
        if (code !== undefined) {
          const point = Number.parseInt(code, 16)
          if (point > 0x10ffff) throw this.refuse(start, `the escape ${escape} is no character`)
          return String.fromCodePoint(point)
        }
        if (letter === undefined) return escape.slice(1)
        const decoded = escapes.get(letter)
        if (decoded === undefined) throw this.refuse(start, `the escape ${escape} is unknown`)
        return decoded
      },
    )
  }

  #skipSpace(): void {
    this.#skip(/[ \t]+|\/\*[^]*?\*\//y)
  }

  #skip(pattern: RegExp): void {
    while (this.#take(pattern) !== undefined);
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const text = pattern.exec(this.text)?.[0]
    if (text !== undefined) this.#at += text.length
    return text
  }
}

const escapes: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['"', '"'],
  ['\\', '\\'],
])

/** Writes a string; undefined if it has characters that need an escape. */
export function writeTfvarsString(value: string): string | undefined {
  return /^[\x20-\x7e]*$/.test(value) && !/["\\]|[$%]\{/.test(value) ? `"${value}"` : undefined
}
