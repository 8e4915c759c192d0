/** Data that `yamlText` writes. */
export type YamlValue =
  | string
  | number
  | boolean
  | readonly YamlValue[]
  | { readonly [key: string]: YamlValue }

/** They are strings to YAML 1.2 and to no parser of YAML 1.1. */
const otherTypes: ReadonlySet<string> = new Set(['true', 'false', 'null', 'yes', 'no', 'y', 'n', 'on', 'off'])
const plain = /^[A-Za-z][A-Za-z0-9_./@-]*$/
/** Characters that YAML permits only as escapes (YAML 1.2.2, section 5.1). */
const unprintable = /[\u007F-\u009F\uFEFF\uFFFE\uFFFF]/g

/** Returns data as YAML in blocks. Any text in it stays one string. */
export function yamlText(value: { readonly [key: string]: YamlValue }): string {
  return `${linesOf(value).join('\n')}\n`
}

function linesOf(value: YamlValue): readonly string[] {
  if (typeof value === 'object' && Object.keys(value).length === 0) return [inlineOf(value)]
  if (isList(value)) {
    return value.flatMap((item) => {
      const [first = '', ...rest] = linesOf(item)
      return [`- ${first}`, ...rest.map((line) => `  ${line}`)]
    })
  }
  if (typeof value !== 'object') return [scalarOf(value)]
  return Object.entries(value).flatMap(([key, item]) =>
    typeof item === 'object' && Object.keys(item).length > 0
      ? [`${keyOf(key)}:`, ...linesOf(item).map((line) => `  ${line}`)]
      : [`${keyOf(key)}: ${inlineOf(item)}`],
  )
}

/** `on` is a key of every workflow, and actionlint and GitHub read it as a string. */
function keyOf(key: string): string {
  return key === 'on' ? key : scalarOf(key)
}

function isList(value: YamlValue): value is readonly YamlValue[] {
  return Array.isArray(value)
}

/** A scalar, or an empty list or map: without a value, YAML reads null. */
function inlineOf(value: YamlValue): string {
  if (typeof value !== 'object') return scalarOf(value)
  return isList(value) ? '[]' : '{}'
}

function scalarOf(value: string | number | boolean): string {
  if (typeof value !== 'string') return String(value)
  if (plain.test(value) && !otherTypes.has(value.toLowerCase())) return value
  return JSON.stringify(value.toWellFormed()).replace(
    unprintable,
    (char) => String.raw`\u` + (char.codePointAt(0) ?? 0).toString(16).padStart(4, '0'),
  )
}
