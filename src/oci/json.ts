import { DrayError } from '../lib/errors.ts'

/** The deepest nesting that dray reads: real manifests have under ten levels. */
const maxDepth = 64

/**
 * Parses JSON of registries: UTF-8 without errors, bounded depth, and no key twice in one object.
 * Two parsers that keep different ones of a repeated key read two different images under one digest
 * (image-spec, considerations.md; see CVE-2021-41190).
 * @throws `malformed`, naming `what`.
 */
export function parseJson(bytes: Uint8Array | string, what: string): unknown {
  const text = typeof bytes === 'string' ? bytes : decode(bytes, what)
  // Before the parser: nested brackets without end take it hundreds of megabytes.
  checkDepth(text, what)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The message of the parser quotes the text, which may contain a secret.
    throw new DrayError('malformed', `${what} is not JSON`)
  }
  checkKeys(text, what)
  return value
}

/**
 * A byte order mark stays and is refused as JSON. Other clients refuse it too (RFC 8259, section
 * 8.1).
 */
function decode(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new DrayError('malformed', `${what} is not UTF-8`, { cause })
  }
}

/**
 * Whether brackets are nested no deeper than `parseJson` reads, also if the text is otherwise
 * wrong. Check it before a parser does.
 */
export function isShallow(text: string): boolean {
  return deepest(text) <= maxDepth
}

function checkDepth(text: string, what: string): void {
  if (!isShallow(text)) throw new DrayError('malformed', `${what} is nested deeper than ${maxDepth} levels`)
}

/**
 * Returns how deep brackets are nested, up to the limit, in one pass. Ignores brackets in strings.
 */
function deepest(text: string): number {
  let most = 0
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (character === '"') at = endOfString(text, at)
    else if (character === '{' || character === '[') depth++
    else if (character === '}' || character === ']') depth--
    most = Math.max(most, depth)
    if (most > maxDepth) break
  }
  return most
}

/**
 * Compares the decoded keys of every object, in one pass over text that `JSON.parse` has accepted.
 */
function checkKeys(text: string, what: string): void {
  const keys: (Set<string> | undefined)[] = []
  let expectKey = false
  for (let at = 0; at < text.length; at++) {
    switch (text[at]) {
      case '{':
        keys.push(new Set())
        expectKey = true
        break
      case '[':
        keys.push(undefined)
        expectKey = false
        break
      case '}':
      case ']':
        keys.pop()
        expectKey = false
        break
      case ',':
        expectKey = keys.at(-1) !== undefined
        break
      case '"': {
        const end = endOfString(text, at)
        if (expectKey) {
          // Other parsers read either half of a surrogate pair as U+FFFD.
          const key = (JSON.parse(text.slice(at, end + 1)) as string).toWellFormed()
          const known = keys.at(-1)
          if (known?.has(key))
            throw new DrayError('malformed', `${what} has the key ${JSON.stringify(key)} twice`)
          known?.add(key)
          expectKey = false
        }
        at = end
        break
      }
      default:
    }
  }
}

/** Returns where the string ends that begins at `start`, or the end of the text. */
function endOfString(text: string, start: number): number {
  let at = start + 1
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at
}

/**
 * Refuses keys that differ from a field's name in case only. Go's parser, which most clients use,
 * takes `Layers` for `layers`, and would read another image from the same bytes.
 * @throws `malformed`.
 */
export function checkSpelling(
  value: Record<string, unknown>,
  fields: ReadonlyMap<string, string>,
  where: string,
): void {
  for (const key of Object.keys(value)) {
    const field = fields.get(foldCase(key))
    if (field === undefined || field === key) continue
    throw new DrayError(
      'malformed',
      `${where} has the key ${JSON.stringify(key)}, which some clients read as "${field}"`,
    )
  }
}

/** Returns names of fields by their folded spelling, for `checkSpelling`. */
export function spellings(...fields: readonly string[]): ReadonlyMap<string, string> {
  return new Map(fields.map((field) => [foldCase(field), field]))
}

/**
 * Upper case comes first: it turns the long s (U+017F) into S, as in Go. Lower case turns the
 * Kelvin sign into k.
 */
function foldCase(key: string): string {
  return key.toUpperCase().toLowerCase()
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Returns a string, or undefined if the field is absent or null. @throws `malformed`. */
export function optionalString(value: unknown, where: string): string | undefined {
  if (value == null) return undefined
  if (typeof value !== 'string') throw new DrayError('malformed', `${where} is not a string`)
  return value
}

/**
 * Returns a map of strings, or undefined if the field is absent, null or empty. @throws
 * `malformed`.
 */
export function stringMap(value: unknown, where: string): Readonly<Record<string, string>> | undefined {
  if (value == null) return undefined
  if (!isRecord(value)) throw new DrayError('malformed', `${where} is not an object`)
  const entries = Object.entries(value)
  for (const [key, entry] of entries) {
    if (typeof entry !== 'string')
      throw new DrayError('malformed', `${where}[${JSON.stringify(key)}] is not a string`)
  }
  return entries.length === 0 ? undefined : (value as Record<string, string>)
}
