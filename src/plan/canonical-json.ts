/**
 * Returns JSON without white space, with the keys of every object sorted by code unit: equal values
 * have equal text. For plans and records (RFC 8785 without its rules for fractions).
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => (isPlainObject(item) ? sorted(item) : item))
}

/** Chunks of a text are at least so long, bytes. */
const chunkSize = 64 * 1024
/** A plan, its repositories, one of them, its steps, one of them: the text of a step is short. */
const partDepth = 4

/** Returns the text of `canonicalJson`, UTF-8, in chunks: that of a plan can be very long. */
export function* canonicalChunks(value: unknown): Generator<Uint8Array> {
  let text = ''
  for (const part of canonicalParts(value, partDepth)) {
    text += part
    if (text.length < chunkSize) continue
    yield Buffer.from(text)
    text = ''
  }
  yield Buffer.from(text)
}

function* canonicalParts(value: unknown, depth: number): Generator<string> {
  if (depth === 0 || (!Array.isArray(value) && !isPlainObject(value))) {
    yield canonicalJson(value ?? null)
    return
  }
  const isList = Array.isArray(value)
  yield isList ? '[' : '{'
  let before = ''
  for (const [key, item] of isList ? value.entries() : Object.entries(sorted(value))) {
    if (!isList && item === undefined) continue
    yield isList ? before : `${before}${JSON.stringify(key)}:`
    yield* canonicalParts(item, depth - 1)
    before = ','
  }
  yield isList ? ']' : '}'
}

function sorted(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
