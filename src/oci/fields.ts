import { DrayError } from '../lib/errors.ts'
import { type Digest, parseDigest } from './digest.ts'
import { isRecord, optionalString } from './json.ts'

/** ISO 8601 in UTC, as `Date.toISOString` and RFC 3339 write it. */
const timeGrammar = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/

/**
 * Reads an object of foreign JSON field by field. A wrong field is `malformed` and named by its
 * path.
 */
export class Fields {
  readonly #value: Readonly<Record<string, unknown>>
  readonly #where: string

  private constructor(value: Readonly<Record<string, unknown>>, where: string) {
    this.#value = value
    this.#where = where
  }

  /** @throws `malformed` for anything but an object. */
  static of(value: unknown, where: string): Fields {
    if (!isRecord(value)) throw new DrayError('malformed', `${where} is not an object`)
    return new Fields(value, where)
  }

  text(name: string): string {
    const text = this.optionalText(name)
    if (text === undefined) throw this.#malformed(name, 'is missing')
    return text
  }

  /** Undefined if it is absent or null. */
  optionalText(name: string): string | undefined {
    return optionalString(this.#get(name), `${this.#where}.${name}`)
  }

  /** Returns those of the fields that exist. */
  texts<Name extends string>(...names: readonly Name[]): { readonly [name in Name]?: string } {
    const found = names.flatMap((name) => {
      const text = this.optionalText(name)
      return text === undefined ? [] : [[name, text] as const]
    })
    return Object.fromEntries(found) as { readonly [name in Name]?: string }
  }

  digest(name: string): Digest {
    return parseDigest(this.text(name))
  }

  optionalDigest(name: string): Digest | undefined {
    const text = this.optionalText(name)
    return text === undefined ? undefined : parseDigest(text)
  }

  time(name: string): string {
    const text = this.text(name)
    if (!timeGrammar.test(text) || Number.isNaN(Date.parse(text)))
      throw this.#malformed(name, 'is not a time in UTC')
    return text
  }

  object(name: string): Fields {
    return Fields.of(this.#get(name), `${this.#where}.${name}`)
  }

  optionalObject(name: string): Fields | undefined {
    return this.#get(name) == null ? undefined : this.object(name)
  }

  /** The object that is read. */
  get record(): Readonly<Record<string, unknown>> {
    return this.#value
  }

  /** Returns the value unchanged; undefined if it is absent. */
  value(name: string): unknown {
    return this.#get(name)
  }

  list(name: string, max: number): readonly unknown[] {
    const value = this.#get(name)
    if (!Array.isArray(value)) throw this.#malformed(name, 'is not a list')
    if (value.length > max) throw this.#malformed(name, `has more than ${max} entries`)
    return value
  }

  /** Returns the entries of a list of any length; none if it is absent or null. */
  optionalList(name: string): readonly unknown[] {
    return this.#get(name) == null ? [] : this.list(name, Infinity)
  }

  /** Returns the objects of a list of any length; none if it is absent or null. */
  objects(name: string): readonly Fields[] {
    return this.optionalList(name).map((entry, i) => Fields.of(entry, `${this.#where}.${name}[${i}]`))
  }

  /** Returns the strings of a list of any length; none if it is absent or null. */
  optionalTexts(name: string): readonly string[] {
    return this.optionalList(name).map((entry) => {
      if (typeof entry !== 'string') throw this.#malformed(name, 'is not a list of strings')
      return entry
    })
  }

  /** Parses bytes in Base64, of the standard or the URL-safe alphabet, with or without padding. */
  bytes(name: string): Buffer {
    const text = this.text(name)
    if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(text)) throw this.#malformed(name, 'is not base64')
    return Buffer.from(text, 'base64')
  }

  /** Own fields only: every object inherits `constructor`. */
  #get(name: string): unknown {
    return Object.hasOwn(this.#value, name) ? this.#value[name] : undefined
  }

  #malformed(name: string, what: string): DrayError {
    return new DrayError('malformed', `${this.#where}.${name} ${what}`)
  }
}
