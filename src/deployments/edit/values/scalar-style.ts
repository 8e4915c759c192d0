import { parseDocument } from 'yaml'

/** How a string is written. */
export type ScalarStyle = 'plain' | 'single' | 'double'

/** Where a string is written. */
export interface ScalarContext {
  readonly isFlow: boolean
  /** the plain text that it replaces */
  readonly replaced?: string
}

/** Words that YAML 1.1 or 1.2 reads as null, as a boolean or as a number. */
const words = /^(?:null|true|false|yes|no|on|off|y|n|nan|inf|infinity)$/i
/**
 * Forms that a version of YAML or a parser reads as a number or a date: integers with separators,
 * decimals, exponents, other bases, base 60, timestamps.
 */
const otherTypes = [
  /^\d[\d_,]*$/,
  /^\d[\d_,]*\.[\d_,]*$/,
  /^(?:\d[\d_,]*)?(?:\.[\d_,]*)?e[-+]?[\d_]+$/i,
  /^0[box][\da-f_]+$/i,
  /^\d[\d_]*(?::\d[\d_]*)+(?:\.[\d_]*)?$/,
  /^\d{4}-\d\d?-\d\d?(?:t.*)?$/i,
]
/** Texts without a character that has a meaning in YAML, in block and in flow. */
const plainText = /^[A-Za-z0-9_/][A-Za-z0-9_/.@+:=-]*$/

/** Whether a text is a string without quotes, in YAML 1.1 and 1.2 and in any position. */
export function isPlainString(text: string): boolean {
  return plainText.test(text) && !text.endsWith(':') && !isOtherType(text)
}

/**
 * Whether some version of YAML reads a text without quotes as another type than a string. Assumes
 * that YAML 1.2 reads it as a string.
 */
export function isOtherType(text: string): boolean {
  const unsigned = text.replace(/^[-+]/, '').replace(/^\./, '0.')
  return (
    words.test(text.replace(/^[-+]?\./, '')) ||
    otherTypes.some((form) => form.test(unsigned)) ||
    /^[=~]?$/.test(text)
  )
}

/**
 * Writes a string in a style, with double quotes if plain text would be no string. Undefined for a
 * text with control characters or line breaks.
 */
export function writeScalar(value: string, style: ScalarStyle, context: ScalarContext): string | undefined {
  if (!isPrintable(value)) return undefined
  return [styled(value, style, context), JSON.stringify(value)].find(
    (text) => isReadAs(text, value, '1.1') && isReadAs(text, value, '1.2'),
  )
}

function styled(value: string, style: ScalarStyle, { isFlow, replaced }: ScalarContext): string {
  if (style === 'single') return `'${value.replaceAll("'", "''")}'`
  // Older parsers refuse a colon in plain text within brackets.
  const isColonNew = isFlow && value.includes(':') && replaced?.includes(':') !== true
  return style === 'plain' && isPlainString(value) && !isColonNew ? value : JSON.stringify(value)
}

/** Whether a text has no control characters, line breaks or halves of characters. */
function isPrintable(text: string): boolean {
  return !/[\p{Cc}\p{Cs}\u{2028}\u{2029}\u{feff}\u{fffe}\u{ffff}]/u.test(text)
}

function isReadAs(text: string, value: string, version: '1.1' | '1.2'): boolean {
  const document = parseDocument(text, { version, prettyErrors: false, logLevel: 'silent' })
  return document.errors.length === 0 && document.toJS() === value
}
