import { Composer, type Document, isCollection, isMap, isScalar, Parser, visit } from 'yaml'
import { DrayError } from '../errors.ts'
import { templateHint } from './used-images.ts'

/** Larger files are no configuration of what runs. */
export const maxTextBytes = 16 * 1024 * 1024
/** Uses of one anchor, those by other anchors included. */
const maxAliases = 1000

/** A number as it is written: `1.10` is another tag than `1.1`, and as a number the same. */
export class WrittenNumber {
  readonly source: string

  constructor(source: string) {
    this.source = source
  }

  toString(): string {
    return this.source
  }
}

/** A scalar with a tag of another program's (`!vault …`): what it stands for is not known here. */
export class TaggedScalar {
  readonly tag: string

  constructor(tag: string) {
    this.tag = tag
  }
}

export interface ParsedDocument {
  /** maps, arrays, strings as they are written, null, and instances of the two classes above */
  readonly value: unknown
  /** the file, with the number of the document where it has several */
  readonly where: string
}

/** The numbers of YAML 1.1 and 1.2; nothing is computed of them. */
const number = {
  tag: 'tag:yaml.org,2002:float',
  default: true,
  test: /^[-+]?(?:\d[\d_]*|0x[\da-fA-F_]+|0o[0-7_]+|[\d_]*\.\d[\d_]*(?:[eE][-+]?\d+)?|\d[\d_]*\.(?:[eE][-+]?\d+)?|\d[\d_]*[eE][-+]?\d+)$/,
  resolve: (source: string): WrittenNumber => new WrittenNumber(source),
} as const

/**
 * Text with every document of a YAML stream in it, JSON too, parsed one after another. An empty document is left out.
 * @param name what it is called in errors
 * @throws `malformed`: bytes that are no text, mistakes of syntax, a key twice, anchors without end, a document that is no map or list.
 */
export function* parseDocuments(text: string, name: string): Generator<ParsedDocument> {
  if (text.length > maxTextBytes)
    throw new DrayError('malformed', `${name} is larger than ${maxTextBytes} bytes`, { subject: name })
  // oxlint-disable-next-line eslint/no-control-regex -- that is what is looked for: YAML 1.2, section 5.1
  if (/[\0-\u{8}\v\f\u{e}-\u{1f}\u{7f}]/u.test(text))
    throw malformed(name, text, 'it holds control characters, so it is no text')
  const composer = new Composer({
    schema: 'failsafe',
    customTags: (tags) => ['null', 'merge', number, ...tags],
    uniqueKeys: true,
    logLevel: 'silent',
    prettyErrors: false,
  })
  let count = 0
  const documents = composer.compose(new Parser().parse(text))
  for (;;) {
    const next = attempt(name, text, () => documents.next())
    if (next.done === true) return
    count += 1
    const where = count === 1 ? name : `${name}, document ${count}`
    const value = valueOf(next.value, where, text)
    if (value !== null) yield { value, where }
  }
}

/** @throws `malformed` for bytes that are not UTF-8. A byte order mark is left out. */
export function decodeText(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new DrayError('malformed', `${name} cannot be read`, {
      subject: name,
      why: 'it is not UTF-8, so it is no text',
      hint: leaveOut,
      cause,
    })
  }
}

function valueOf(document: Document.Parsed, where: string, text: string): unknown {
  const [mistake] = document.errors
  if (mistake !== undefined) throw malformed(where, text, mistake.message, mistake.pos[0])
  markTagged(document, where, text)
  const value: unknown = attempt(where, text, () => document.toJS({ maxAliasCount: maxAliases }))
  if (typeof value === 'object' && !(value instanceof WrittenNumber || value instanceof TaggedScalar))
    return value
  throw malformed(where, text, 'it is one text, where a map or a list should be')
}

/** Finds what the parser lets pass: values under tags that it does not know, and maps as keys, which is what it makes of `{{ … }}`. */
function markTagged(document: Document.Parsed, where: string, text: string): void {
  visit(document, {
    Pair: (_, { key }) => {
      if (!isCollection(key)) return
      const offset = isMap(key) || key.range != null ? key.range?.[0] : undefined
      throw malformed(where, text, 'a map or a list stands where a key should be', offset)
    },
    Scalar: (_, node) => {
      if (node.tag === undefined || knownTags.has(node.tag) || node.value instanceof WrittenNumber) return
      if (isScalar(node)) node.value = new TaggedScalar(node.tag)
    },
  })
}

const knownTags: ReadonlySet<string> = new Set(
  ['str', 'null', 'merge', 'float'].map((name) => `tag:yaml.org,2002:${name}`),
)

/** The parser throws errors of its own, and runs out of stack where nesting has no end. */
function attempt<T>(where: string, text: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    if (cause instanceof DrayError) throw cause
    throw malformed(where, text, cause instanceof Error ? cause.message : String(cause))
  }
}

const leaveOut = 'Correct it, or leave this file out: nothing is deleted while an image in use is not known.'

function malformed(where: string, text: string, why: string, offset?: number): DrayError {
  const isTemplate = text.includes('{{')
  const line = offset === undefined ? '' : ` (line ${text.slice(0, offset).split('\n').length})`
  return new DrayError('malformed', `${where} cannot be read as YAML or JSON${line}`, {
    subject: where,
    why: isTemplate ? `${why}; it looks like a template` : why,
    hint: isTemplate ? templateHint : leaveOut,
  })
}
