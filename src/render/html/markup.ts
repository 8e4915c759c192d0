import { escapeInvisible } from '../text/escape.ts'

/** The values of a template: text is escaped, markup is not, `undefined` and `false` are empty. */
export type Content = string | number | Markup | readonly Content[] | undefined | false

const special: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/**
 * HTML that is safe to insert. Only the template `markup` makes it: its literal parts are source
 * code, and all other text is escaped. Attributes in templates are quoted.
 */
export class Markup {
  readonly #text: string

  private constructor(text: string) {
    this.#text = text
  }

  static template(this: void, literals: TemplateStringsArray, ...values: readonly Content[]): Markup {
    let text = literals[0] ?? ''
    for (const [i, value] of values.entries()) text += formatContent(value) + (literals[i + 1] ?? '')
    return new Markup(text)
  }

  toString(): string {
    return this.#text
  }
}

/** Makes markup: markup`<td class="${name}">${text}</td>`. */
export const markup = Markup.template

/**
 * Escapes text for content and for quoted attributes (HTML, section 13.3). Controls and characters
 * that change the direction of text are shown as `\u{202e}`.
 */
export function escapeHtml(text: string): string {
  return escapeInvisible(text).replaceAll(/[&<>"']/g, (character) => special[character] ?? '')
}

function formatContent(value: Content): string {
  if (value === undefined || value === false) return ''
  if (typeof value === 'string') return escapeHtml(value)
  if (typeof value === 'number') return String(value)
  if (value instanceof Markup) return value.toString()
  return value.map(formatContent).join('')
}
