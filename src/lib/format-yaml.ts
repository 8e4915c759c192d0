import { Document, isScalar, Scalar, visit } from 'yaml'

/** Text that YAML does not have to quote, but that can control a terminal or a CI service. */
const unsafe = /[^ -~]|#/

/**
 * Formats a JSON value as YAML 1.2 that parsers of YAML 1.1 read as the same value. Text is ASCII:
 * a string with any other character, or with `#`, is double-quoted and has its line breaks as `\n`.
 * Those characters are escaped as in JSON.
 */
export function formatYaml(value: unknown, escape: (json: string) => string): string {
  const document = new Document(value, { aliasDuplicateObjects: false, compat: 'yaml-1.1' })
  visit(document, (_, node) => {
    if (isScalar(node) && typeof node.value === 'string' && unsafe.test(node.value))
      node.type = Scalar.QUOTE_DOUBLE
  })
  return escape(document.toString({ lineWidth: 0, doubleQuotedAsJSON: true }))
}
