import { Lexer } from 'yaml'

/** Of brackets in each other, and of lists in each other on one line; what is nested by lines has to be indented more and more. */
export const maxYamlDepth = 64

/**
 * Whether a YAML text is nested no deeper than that, in whatever else it is wrong; to be asked before a parser is. A nest of a million brackets takes
 * a parser gigabytes before it can tell that it is one.
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
