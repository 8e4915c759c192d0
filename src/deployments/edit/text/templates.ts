import { Lexer } from 'yaml'

const opening = '{{'

/**
 * Returns the offset of the first `{{` that YAML does not read as text: outside of quoted scalars,
 * block scalars and comments. Undefined if there is none. A template can parse without an error:
 * `image: {{ .Values.image }}` is a map.
 */
export function findTemplate(text: string): number | undefined {
  if (!text.includes(opening)) return undefined
  let offset = 0
  let previous = ''
  let isBlock = false
  let isContent = false
  for (const lexeme of new Lexer().lex(text)) {
    // The lexer announces documents, ends of flows and scalars by control characters.
    if (lexeme === '\u{1f}') isContent = true
    else if (lexeme !== '\u{2}' && lexeme !== '\u{18}') {
      const isText = /^["'#]/.test(lexeme) || (isContent && isBlock)
      const at = lexeme.indexOf(opening)
      if (at !== -1 && !isText) return offset + at
      if (lexeme === '{' && previous === '{') return offset - 1
      if (isContent) isBlock = false
      else if (/^[|>]/.test(lexeme)) isBlock = true
      isContent = false
      offset += lexeme.length
      previous = lexeme
    }
  }
  return undefined
}
