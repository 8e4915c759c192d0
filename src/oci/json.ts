import { DrayError } from '../lib/errors.ts'

/** The deepest nesting that is read: real manifests have under ten levels. */
const maxDepth = 64

/**
 * Parses JSON as registries must be read: UTF-8 without errors, bounded depth, and no key twice in one object.
 * Two parsers that keep different ones of a repeated key see two different images in one digest
 * (image-spec, considerations.md, and CVE-2021-41190 for the same kind of confusion).
 * @throws `malformed`, naming `what`.
 */
export function parseJson(bytes: Uint8Array | string, what: string): unknown {
  const text = typeof bytes === 'string' ? bytes : decode(bytes, what)
  // before the parser sees it: a nest of millions of brackets costs it hundreds of megabytes
  checkDepth(text, what)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // the parser's own words are left out: they quote the text, in which a secret may stand that is nobody's to read
    throw new DrayError('malformed', `${what} is not JSON`)
  }
  checkKeys(text, what)
  return value
}

/** A byte order mark is kept, and so refused as JSON: other clients refuse it too (RFC 8259, section 8.1). */
function decode(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new DrayError('malformed', `${what} is not UTF-8`, { cause })
  }
}

/** Whether brackets are nested as deep as `parseJson` reads, or less; to be asked before a parser is, in whatever else the text is wrong. */
export function isShallow(text: string): boolean {
  return deepest(text) <= maxDepth
}

function checkDepth(text: string, what: string): void {
  if (!isShallow(text)) throw new DrayError('malformed', `${what} is nested deeper than ${maxDepth} levels`)
}

/** How deep brackets are nested; where that is more than is read, no further. One pass over text of any kind; only brackets outside of strings count. */
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

/** One pass over text that `JSON.parse` has accepted: every object's keys, compared as decoded strings. */
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
          // half of a surrogate pair is U+FFFD to other parsers, whichever half it is
          const key = (JSON.parse(text.slice(at, end + 1)) as string).toWellFormed()
          const seen = keys.at(-1)
          if (seen?.has(key))
            throw new DrayError('malformed', `${what} has the key ${JSON.stringify(key)} twice`)
          seen?.add(key)
          expectKey = false
        }
        at = end
        break
      }
      default:
    }
  }
}

/** Where the string ends that begins at `start`, or behind the text where it does not end. */
function endOfString(text: string, start: number): number {
  let at = start + 1
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at
}

/**
 * Refuses keys that differ from a field's name in upper and lower case only: Go's parser, which most clients use, takes `Layers` for `layers`, and
 * so would see another image in the same bytes. @throws `malformed`.
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

/** Names of fields by their folded spelling, for `checkSpelling`. */
export function spellings(...fields: readonly string[]): ReadonlyMap<string, string> {
  return new Map(fields.map((field) => [foldCase(field), field]))
}

/** To upper case first: it takes the long s (U+017F) to S, as Go's folding does; the way back takes the Kelvin sign to k. */
function foldCase(key: string): string {
  return key.toUpperCase().toLowerCase()
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A string, or undefined where the field is absent or null. @throws `malformed`. */
export function optionalString(value: unknown, where: string): string | undefined {
  if (value == null) return undefined
  if (typeof value !== 'string') throw new DrayError('malformed', `${where} is not a string`)
  return value
}

/** A map of strings, or undefined where the field is absent, null or empty. @throws `malformed`. */
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
