import { RE2JS } from 're2js'
import { DrayError } from './errors.ts'

/** Longer patterns are a mistake. */
const maxLength = 1000
/** Instructions of the compiled program: `(a{1000}){1000}` would be a million. */
const maxProgram = 20_000

/**
 * A regular expression that takes time in the length of the text (RE2's syntax: no look-around, no
 * back references) and has to match a text as a whole.
 */
export class LinearRegExp {
  readonly source: string
  /** names of its groups, in the order of their numbers */
  readonly groups: readonly string[]
  readonly #compiled: RE2JS

  private constructor(source: string, compiled: RE2JS) {
    this.source = source
    this.#compiled = compiled
    const named = Object.entries(compiled.namedGroups())
    this.groups = named.sort(([, a], [, b]) => a - b).map(([name]) => name)
  }

  /** @throws `malformed` for text that is no regular expression of RE2, with RE2's message. */
  static parse(source: string): LinearRegExp {
    const complain = (why: string, cause?: unknown): DrayError =>
      new DrayError(
        'malformed',
        `${JSON.stringify(source.slice(0, 100))} is not a regular expression: ${why}`,
        {
          hint: 'Use the syntax of RE2, without look-around and back references. The expression must match the whole tag.',
          cause,
        },
      )
    if (source.length > maxLength) throw complain(`it is longer than ${maxLength} characters`)
    let compiled: RE2JS
    try {
      compiled = RE2JS.compile(source)
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause)
      throw complain(message.replace(/^error parsing regexp: /, ''), cause)
    }
    if (compiled.programSize() > maxProgram) throw complain('it is too large after its counts are expanded')
    return new LinearRegExp(source, compiled)
  }

  /**
   * Returns the text of its named groups if the whole text matches; a group that took no part is
   * omitted. Undefined if the text does not match.
   */
  match(text: string): Readonly<Record<string, string>> | undefined {
    const matcher = this.#compiled.matcher(text)
    if (!matcher.matches()) return undefined
    const groups = this.groups.flatMap((name) => {
      const value: string | null = matcher.group(name)
      return value === null ? [] : [[name, value] as const]
    })
    return Object.fromEntries(groups)
  }
}
