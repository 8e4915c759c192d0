import { Lexer } from 'yaml'

/**
 * The depth of nested brackets, and of nested lists on one line. Other nesting needs indentation.
 */
export const maxYamlDepth = 64

/**
 * Whether a YAML text is nested no deeper than that, also if it is otherwise wrong. Check it before
 * a parser does: nested brackets without end take a parser gigabytes before it reports them.
 */
export function isShallowYaml(text: string): boolean {
  let brackets = 0
  let indicators = 0
  for (const lexeme of new Lexer().lex(text)) {
    if (lexeme === '[' || lexeme === '{') brackets++
    else if (lexeme === ']' || lexeme === '}') brackets--
    else if (lexeme === '-' || lexeme === '?') indicators += brackets === 0 ? 1 : 0
    else if (lexeme.endsWith('\n')) indicators = 0
    if (brackets > maxYamlDepth || indicators > maxYamlDepth) return false
  }
  return true
}
