import { DrayError } from '../lib/errors.ts'

/** The deepest nesting that dray reads by default: real manifests have under ten levels. */
const maxDepth = 64

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Parses JSON of registries: UTF-8 without errors, bounded depth, and no key twice in one object.
 * Two parsers that keep different ones of a repeated key read two different images under one digest
 * (image-spec, considerations.md; see CVE-2021-41190).
 * @throws `malformed`, naming `what`.
 */
export function parseJson(bytes: Uint8Array | string, what: string, depthLimit: number = maxDepth): unknown {
  const text = typeof bytes === 'string' ? bytes : decode(bytes, what)
  // Before the parser: nested brackets without end take it hundreds of megabytes.
  const { depth, members, escapedKeys } = measure(text, depthLimit)
  if (depth > depthLimit)
    throw new DrayError('malformed', `${what} is nested deeper than ${depthLimit} levels`)
  let value: unknown
  try {
    value = JSON.parse(withoutEscapes(text, escapedKeys))
  } catch {
    // The message of the parser quotes the text, which may contain a secret.
    throw new DrayError('malformed', `${what} is not JSON`)
  }
  // A key that stands twice is one key of the value. Keys that differ may still be equal to other
  // parsers if they have escapes or halves of surrogate pairs.
  const isSuspect = countMembers(value) !== members || escapedKeys.length > 0 || !text.isWellFormed()
  if (isSuspect) checkKeys(text, what)
  return value
}

/**
 * A byte order mark stays and is refused as JSON. Other clients refuse it too (RFC 8259, section
 * 8.1).
 */
function decode(bytes: Uint8Array, what: string): string {
  try {
    return utf8.decode(bytes)
  } catch (cause) {
    throw new DrayError('malformed', `${what} is not UTF-8`, { cause })
  }
}

/**
 * Whether brackets are nested no deeper than `parseJson` reads, also if the text is otherwise
 * wrong. Check it before a parser does.
 */
export function isShallow(text: string): boolean {
  return measure(text, maxDepth).depth <= maxDepth
}

const quote = 0x22
const colon = 0x3a
const openBracket = 0x5b
const backslash = 0x5c
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

interface Measure {
  /** how deep brackets are nested, up to the limit */
  readonly depth: number
  /** how many members all objects have */
  readonly members: number
  /** where keys with escapes are: from their first quote to behind their last */
  readonly escapedKeys: readonly (readonly [start: number, end: number])[]
}

/** Measures text in one pass, without what is in strings. The text need not be JSON. */
function measure(text: string, depthLimit: number): Measure {
  const escapedKeys: (readonly [number, number])[] = []
  let most = 0
  let depth = 0
  let members = 0
  let start = 0
  let end = 0
  let escape = text.indexOf('\\')
  for (let at = 0; at < text.length && most <= depthLimit; at++) {
    const code = text.charCodeAt(at)
    if (code === quote) {
      start = at
      at = endOfString(text, at)
      end = at + 1
    } else if (code === colon) {
      members++
      if (escape >= 0 && escape < start) escape = text.indexOf('\\', start)
      if (escape >= 0 && escape < end) escapedKeys.push([start, end])
    } else if (code === openBrace || code === openBracket) most = Math.max(most, ++depth)
    else if (code === closeBrace || code === closeBracket) depth--
  }
  return { depth: most, members, escapedKeys }
}

/**
 * Returns the text with its escaped keys without escapes, if they can be. V8 of Node 24
 * takes such a key for another one with a backslash that an earlier text had at that place: after
 * `{"a":1,"\\":1}` it reads `{"a":1,"\u0062":1}` as the former.
 */
function withoutEscapes(text: string, escapedKeys: Measure['escapedKeys']): string {
  let plain = ''
  let from = 0
  for (const [start, end] of escapedKeys) {
    plain += `${text.slice(from, start)}${JSON.stringify(JSON.parse(text.slice(start, end)))}`
    from = end
  }
  return plain + text.slice(from)
}

/** Returns how many members the objects of a parsed value have. */
function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const values: readonly unknown[] = Array.isArray(value) ? value : Object.values(value)
  let count = Array.isArray(value) ? 0 : values.length
  for (const one of values) count += countMembers(one)
  return count
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
  let end = text.indexOf('"', start + 1)
  while (end >= 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end < 0 ? text.length : end
}

/** Whether an odd number of backslashes stands before a quote. */
function isEscaped(text: string, at: number): boolean {
  let first = at
  while (text.charCodeAt(first - 1) === backslash) first--
  return (at - first) % 2 === 1
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

/** Whether a text is JSON (RFC 8259), without a limit of its depth. */
export function isJsonText(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
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
 * Returns a map of strings, or undefined if the field is absent, null or empty. A value that is
 * null is empty, as in a map of strings in Go. @throws `malformed`.
 */
export function stringMap(value: unknown, where: string): Readonly<Record<string, string>> | undefined {
  if (value == null) return undefined
  if (!isRecord(value)) throw new DrayError('malformed', `${where} is not an object`)
  const entries = Object.entries(value)
  if (entries.length === 0) return undefined
  let hasNull = false
  for (const [key, entry] of entries) {
    if (entry === null) hasNull = true
    else if (typeof entry !== 'string')
      throw new DrayError('malformed', `${where}[${JSON.stringify(key)}] is not a string`)
  }
  if (!hasNull) return value as Record<string, string>
  return Object.fromEntries(entries.map(([key, entry]) => [key, (entry ?? '') as string]))
}
