import { DrayError } from '../errors.ts'

/** The deepest nesting that is read: real manifests have under ten levels. */
const maxDepth = 64

/**
 * Parses JSON as registries must be read: UTF-8 without errors, bounded depth, and no key twice in one object.
 * Two parsers that keep different ones of a repeated key see two different images in one digest
 * (image-spec, considerations.md, and CVE-2021-41190 for the same kind of confusion).
 * @throws `malformed`, naming `what`.
 */
export function parseJson(bytes: Uint8Array | string, what: string): unknown {
  let text: string
  try {
    text = typeof bytes === 'string' ? bytes : new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new DrayError('malformed', `${what} is not UTF-8`, { cause })
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new DrayError('malformed', `${what} is not JSON`, { cause })
  }
  checkKeys(text, what)
  return value
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
          const key = JSON.parse(text.slice(at, end + 1)) as string
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
    if (keys.length > maxDepth)
      throw new DrayError('malformed', `${what} is nested deeper than ${maxDepth} levels`)
  }
}

function endOfString(text: string, start: number): number {
  let at = start + 1
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at
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
