import { Document, isScalar, Scalar, visit } from 'yaml'

/**
 * Text that YAML 1.2 does not have to quote, but that can control a terminal or a CI service, or
 * that `escape` can change (a backslash). A lone `=` is no string in YAML 1.1.
 */
const unsafe = /[^ -~]|[#\\]|^=$/
/** Characters that have two escapes in JSON. YAML accepts no escape of half a character. */
const longCharacter = /[\u{10000}-\u{10ffff}]/gu

/**
 * Formats a JSON value as YAML 1.2 that parsers of YAML 1.1 read as the same value. Text is ASCII:
 * a string with any other character, `#` or `\\` is double-quoted and has its line breaks as `\n`.
 * Those characters are escaped as in JSON, or with `\U`.
 */
export function formatYaml(value: unknown, escape: (json: string) => string): string {
  const document = new Document(value, { aliasDuplicateObjects: false, compat: 'yaml-1.1' })
  visit(document, (_, node) => {
    if (isScalar(node) && typeof node.value === 'string' && unsafe.test(node.value))
      node.type = Scalar.QUOTE_DOUBLE
  })
  const yaml = document.toString({ lineWidth: 0, doubleQuotedAsJSON: true })
  return escape(yaml.replace(longCharacter, escapeLong))
}

function escapeLong(character: string): string {
  return `\\U${character.codePointAt(0)?.toString(16).padStart(8, '0')}`
}
