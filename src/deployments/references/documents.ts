import {
  Composer,
  type Document,
  isAlias,
  isMap as isYamlMap,
  isNode,
  isScalar,
  type Pair,
  Parser,
  type ScalarTag,
  type Tags,
  visit,
  type YAMLParseError,
} from 'yaml'
import { DrayError } from '../../lib/errors.ts'
import { isJsonText, isRecord, isShallow, parseJson } from '../../oci/json.ts'
import { isShallowYaml, maxYamlDepth } from '../../lib/yaml-depth.ts'

/** How often aliases may repeat their content: a few lines of YAML can expand to gigabytes. */
const maxAliases = 10_000
/** anchors and aliases of a document */
const maxNamed = 10_000
const numberTags: ReadonlySet<string> = new Set(['tag:yaml.org,2002:int', 'tag:yaml.org,2002:float'])
const booleanTag = 'tag:yaml.org,2002:bool'

/** A number without quotes. As a tag, `1.10` means 1.10 to its author, and Helm makes 1.1 of it. */
export class WrittenNumber {
  readonly source: string
  readonly value: number

  constructor(source: string, value: number) {
    this.source = source
    this.value = value
  }
}

/**
 * One document of a file: maps, arrays, strings, null, and `WrittenNumber`; `true` and `false` are
 * strings.
 */
export interface ParsedDocument {
  readonly value: unknown
  /** `file.yaml`, or `file.yaml, document 2` */
  readonly where: string
}

/**
 * Parses a JSON text, or a stream of YAML documents one at a time. Nothing in it is executed; other
 * YAML tags are ignored.
 * @throws `malformed` for other texts, duplicate keys, too many aliases, and templates.
 */
export function* documentsOf(text: string, name: string): Generator<ParsedDocument> {
  if (text.includes('\0')) throw notReadable(name, 'it contains zero bytes')
  if (/^\s*[[{]/.test(text) && isShallow(text) && isJsonText(text)) {
    yield { value: parseJsonDocument(text, name), where: name }
    return
  }
  if (!isShallowYaml(text)) throw notReadable(name, `it is nested deeper than ${maxYamlDepth} levels`)
  let number = 0
  for (const document of composeDocuments(text, (cause) => notReadable(name, messageOf(cause), cause))) {
    number += 1
    yield { value: valueOf(document, text, name), where: number === 1 ? name : `${name}, document ${number}` }
  }
}

function parseJsonDocument(text: string, name: string): unknown {
  parseJson(text, name)
  return JSON.parse(text, (_key, value: unknown, context?: { readonly source?: string }) => {
    if (typeof value === 'boolean') return String(value)
    return typeof value === 'number' ? new WrittenNumber(context?.source ?? String(value), value) : value
  })
}

export interface ComposeOptions {
  readonly keepSourceTokens?: boolean
  /** Returns the value of a boolean without quotes; by default, its source. */
  readonly readBoolean?: (source: string) => unknown
}

/**
 * Parses a stream of YAML documents, one at a time. Numbers are `WrittenNumber`, booleans are
 * strings. The depth of the text is checked before.
 * @param overflow makes the error for a text that the parser cannot finish
 */
export function* composeDocuments(
  text: string,
  overflow: (cause: unknown) => DrayError,
  options: ComposeOptions = {},
): Generator<Document.Parsed> {
  const { keepSourceTokens = false, readBoolean } = options
  const composer = new Composer({
    keepSourceTokens,
    customTags: (tags) => customTags(tags, readBoolean),
    merge: true,
    prettyErrors: false,
    // The check of the library takes quadratic time; `checkKeys` does it instead.
    uniqueKeys: false,
    logLevel: 'silent',
  })
  const documents = composer.compose(new Parser().parse(text))
  for (;;) {
    let next: IteratorResult<Document.Parsed, void>
    try {
      next = documents.next()
    } catch (cause) {
      // Deep nesting overflows the stack.
      throw overflow(cause)
    }
    if (next.done === true) return
    yield next.value
  }
}

type ResolveArguments = Parameters<NonNullable<ScalarTag['resolve']>>

/** Booleans stay texts, and numbers keep their source. */
function customTags(tags: Tags, readBoolean: ComposeOptions['readBoolean']): Tags {
  return tags.flatMap((tag) => {
    if (typeof tag === 'string') return []
    if (tag.tag === booleanTag && tag.collection === undefined)
      return readBoolean === undefined ? [] : [{ ...tag, resolve: readBoolean }]
    if (!numberTags.has(tag.tag) || tag.collection !== undefined) return [tag]
    const resolve = (...args: ResolveArguments): WrittenNumber =>
      new WrittenNumber(args[0], numberOf(tag, ...args))
    return [{ ...tag, resolve }]
  })
}

function numberOf(tag: ScalarTag, ...args: ResolveArguments): number {
  const value: unknown = tag.resolve?.(...args)
  return isScalar(value) ? Number(value.value) : Number(value)
}

function valueOf(document: Document.Parsed, text: string, name: string): unknown {
  const fault = faultOf(document)
  if (fault !== undefined)
    throw notYaml(text, name, `line ${lineOf(text, fault.offset)}: ${fault.why}`, fault.cause)
  try {
    return resolvedValueOf(document)
  } catch (cause) {
    throw notReadable(name, messageOf(cause), cause)
  }
}

/** Why a document is not used. */
export interface DocumentFault {
  readonly why: string
  /** in the text */
  readonly offset: number
  readonly cause?: unknown
}

/**
 * Returns the first mistake of a document: broken YAML, a key that is no plain text or occurs
 * twice, too many anchors. Keys that are numbers become their source text.
 */
export function faultOf(document: Document.Parsed): DocumentFault | undefined {
  const [mistake] = document.errors
  if (mistake !== undefined) return { why: explainMistake(mistake), offset: mistake.pos[0], cause: mistake }
  let named = 0
  let fault: DocumentFault | undefined
  visit(document, {
    Node: (_, node) => {
      if (isAlias(node) || node.anchor !== undefined) named += 1
      // Resolving them takes quadratic time.
      if (named > maxNamed)
        fault = { why: `it has more than ${maxNamed} anchors and aliases`, offset: node.range?.[0] ?? 0 }
      else if (isYamlMap(node)) fault = checkKeys(node.items, node.range?.[0] ?? 0)
      return fault === undefined ? undefined : visit.BREAK
    },
  })
  return fault
}

/** The library quotes unexpected text, which can be a secret beside an image. */
function explainMistake({ code, message }: YAMLParseError): string {
  return code === 'UNEXPECTED_TOKEN' ? 'there is text that YAML does not expect' : message
}

/**
 * Resolves aliases and merges: maps, arrays, strings, null and `WrittenNumber`. @throws an error of
 * the library for an alias without anchor or too many aliases.
 */
export function resolvedValueOf(document: Document.Parsed): unknown {
  return document.toJS({ maxAliasCount: maxAliases })
}

/** Checks that keys are texts and unique. Numbers become their source text. */
function checkKeys(items: readonly Pair[], offset: number): DocumentFault | undefined {
  const keys = new Set<unknown>()
  for (const { key } of items) {
    if (!isScalar(key)) return { why: 'a key is not plain text', offset: offsetOf(key) ?? offset }
    if (key.value instanceof WrittenNumber) key.value = key.value.source
    // A merge key may occur twice.
    if (keys.has(key.value) && key.source !== '<<') {
      const why = `the key ${JSON.stringify(key.source)} occurs twice in a map`
      return { why, offset: offsetOf(key) ?? offset }
    }
    keys.add(key.value)
  }
  return undefined
}

function offsetOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}

function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length
}

function notYaml(text: string, name: string, why: string, cause?: unknown): DrayError {
  if (!text.includes('{{')) return notReadable(name, why, cause)
  return new DrayError('malformed', `${name} is a template, not YAML`, {
    subject: name,
    why,
    hint: 'Pass the rendered output instead: helm template … | dray prune --in-use -',
    cause,
  })
}

function notReadable(name: string, why: string, cause?: unknown): DrayError {
  return new DrayError('malformed', `${name} is neither YAML nor JSON`, {
    subject: name,
    why,
    hint: 'Correct the source, or remove it. dray deletes nothing while the images in use are unknown.',
    cause,
  })
}

/** A string, or the source of a number; undefined for anything else. */
export function textOf(value: unknown): string | undefined {
  if (value instanceof WrittenNumber) return value.source
  return typeof value === 'string' ? value : undefined
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return isRecord(value) && !(value instanceof WrittenNumber)
}
