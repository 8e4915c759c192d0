import { linePrefix, type Position } from './chain.ts'
import { findRecordProblem } from './record-problems.ts'

/**
 * Whether a crash can have left these bytes at the end of a log: the beginning of the record after
 * `position`, as `formatLine` writes it, or the whole record without a line break. Power loss may
 * leave zero bytes after it, because some file systems store the length of a file before its
 * content. A file of only zero bytes may be anything, so it does not count.
 */
export function canBeTorn(bytes: Uint8Array, position: Position): boolean {
  const written = position.seq === 0 ? bytes : withoutZeros(bytes)
  const text = decodeBeginning(written)
  if (text === undefined) return false
  const start = startOfRecord(position)
  if (start.startsWith(text)) return true
  return text.startsWith(start) && hasTime(text.slice(start.length)) && isBeginningOfRecord(text)
}

/** Whether a file that begins with these bytes can be a log: it is empty or begins like one. */
export function canBeginLog(bytes: Uint8Array): boolean {
  const start = Buffer.from(startOfRecord({ seq: 0, hash: null, size: 0 }))
  const length = Math.min(bytes.byteLength, start.byteLength)
  return start.subarray(0, length).equals(bytes.subarray(0, length))
}

/** The rest of a record after its start, with a zero for each digit. */
const timeAndRun = '0000-00-00T00:00:00.000Z","run":"'

function hasTime(text: string): boolean {
  return timeAndRun.startsWith(text.slice(0, timeAndRun.length).replaceAll(/\d/g, '0'))
}

/** Complete JSON must be a record. */
function isBeginningOfRecord(text: string): boolean {
  if (!isBeginningOfJson(text)) return false
  return !text.endsWith('}') || !parses(text, '') || findRecordProblem(JSON.parse(text)) === undefined
}

function startOfRecord(position: Position): string {
  return `${linePrefix(position)}"time":"`
}

function withoutZeros(bytes: Uint8Array): Uint8Array {
  let end = bytes.byteLength
  while (end > 0 && bytes[end - 1] === 0) end--
  return bytes.subarray(0, end)
}

/** Decodes UTF-8 that may end within a character; undefined for anything else. */
function decodeBeginning(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: true })
  } catch {
    return undefined
  }
}

/** The text between the last token of cut JSON and its closing brackets. */
const continuations = ['', '0', ':0', '"":0'] as const
const literals = ['true', 'false', 'null'] as const

/** Whether a JSON object as `JSON.stringify` writes it can begin with this text. */
function isBeginningOfJson(text: string): boolean {
  const cut = findCut(text)
  if (cut === undefined) return false
  const closing = cut.closing.toReversed().join('')
  if (cut.inString) return parses(`${text.slice(0, cut.end)}"`, closing)
  const started = /[[:,]([a-z]+)$/.exec(text)?.[1]
  if (started === undefined) return parses(text, closing)
  const literal = literals.find((one) => one.startsWith(started))
  return literal !== undefined && parses(text + literal.slice(started.length), closing)
}

function parses(text: string, closing: string): boolean {
  return continuations.some((continuation) => {
    try {
      JSON.parse(text + continuation + closing)
      return true
    } catch {
      return false
    }
  })
}

interface Cut {
  /** the closing brackets of all open brackets, the outermost first */
  readonly closing: readonly string[]
  readonly inString: boolean
  /** the start of an escape that the end of the text cuts; else the length of the text */
  readonly end: number
}

/** Scans the text once. Undefined for white space or a control character that no record has. */
function findCut(text: string): Cut | undefined {
  const closing: string[] = []
  let inString = false
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at)
    if (character < ' ' || (character === ' ' && !inString)) return undefined
    if (character === '"') inString = !inString
    else if (inString && character === '\\') {
      const length = text[at + 1] === 'u' ? 6 : 2
      if (at + length > text.length) {
        return isBeginningOfEscape(text.slice(at)) ? { closing, inString, end: at } : undefined
      }
      at += length - 1
    } else if (inString) continue
    else if (character === '{') closing.push('}')
    else if (character === '[') closing.push(']')
    else if (character === '}' || character === ']') closing.pop()
  }
  return { closing, inString, end: text.length }
}

function isBeginningOfEscape(text: string): boolean {
  return /^\\(?:u[0-9a-f]{0,3})?$/.test(text)
}
