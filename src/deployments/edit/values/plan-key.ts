import { isCollection, isMap, isNode, isScalar, type Pair, type YAMLMap } from 'yaml'
import type { LocatedNode } from '../open-file.ts'
import { writeValue } from './plan-value.ts'
import type { ScalarStyle } from './scalar-style.ts'
import { isSpace, sourceOf, type SourcePart } from '../text/source-parts.ts'
import type { Splice } from './splice.ts'
import type { YamlText } from '../text/yaml-text.ts'

const addHint = 'Add the key to the file by hand.'

/** The map and the key beside which a key is added. */
export interface KeySibling {
  readonly text: YamlText
  readonly map: YAMLMap
  readonly pair: Pair
}

/** Finds the map that contains a key; undefined if it has no such key. */
export function findSibling({ text, document, node }: LocatedNode, key: string): KeySibling | undefined {
  const owned = isMap(node) ? document.nodes.findPair(node, key) : undefined
  return owned === undefined ? undefined : { text, ...owned }
}

/** Returns the offset of a key in its text. */
export function keyOffset({ pair }: KeySibling): number {
  return isNode(pair.key) ? (pair.key.range?.[0] ?? 0) : 0
}

/**
 * Returns the change that adds a key after its sibling: a line of its own in a block, and after a
 * comma in brackets.
 * @throws `refused` if the value of the sibling is a block of several lines.
 */
export function planKey(sibling: KeySibling, key: string, value: string): Splice {
  const { text, map, pair } = sibling
  const isFlow = map.flow === true
  const item = pair.srcToken
  const offset = keyOffset(sibling)
  if (item?.key === undefined || item.key === null || item.sep === undefined)
    throw text.refuse(offset, `the key beside ${key} has no colon`, addHint)
  const source: SiblingSource = {
    ...sibling,
    offset,
    start: startOf(item.start) ?? offset,
    end: endOf(text, pair, item.sep, key),
    before: item.start,
  }
  const written = {
    key: writeValue(text, offset, key, styleOf(pair.key), { isFlow }),
    value: writeValue(text, offset, value, styleOf(pair.value), { isFlow }),
  }
  return isFlow ? planInFlow(source, written) : planInBlock(source, written)
}

interface SiblingSource extends KeySibling {
  readonly offset: number
  /** of the pair: its `?`, tag, anchor or key */
  readonly start: number
  /** of its value */
  readonly end: number
  readonly before: readonly SourcePart[]
}

interface WrittenPair {
  readonly key: string
  readonly value: string
}

function planInBlock({ text, offset, start, end }: SiblingSource, { key, value }: WrittenPair): Splice {
  const source = text.text
  const lineEnd = endOfLine(source, end)
  if (!/^[ \t]*(?:#.*)?$/.test(source.slice(end, lineEnd)))
    throw text.refuse(offset, 'the line has more than one key', addHint)
  const lineStart = source.lastIndexOf('\n', start - 1) + 1
  const prefix = source.slice(lineStart, start).replace(/^\u{feff}(?! )/u, '')
  if (!/^(?: |[-?:] )*$/.test(prefix))
    throw text.refuse(offset, 'the indentation of the key is not clear', addHint)
  const indent = ' '.repeat(prefix.length)
  return { start: lineEnd, end: lineEnd, text: `${text.lineBreakAt(end)}${indent}${key}: ${value}` }
}

function planInFlow(source: SiblingSource, { key, value }: WrittenPair): Splice {
  const { text, map, pair, start, end } = source
  const content = text.text
  const valueStart = isNode(pair.value) ? (pair.value.range?.[0] ?? end) : end
  const keyEnd = isNode(pair.key) ? (pair.key.range?.[1] ?? start) : start
  const between = content.slice(keyEnd, valueStart)
  const colon =
    /^[ \t]*:[ \t]*$/.test(between) && (between.endsWith(' ') || key.startsWith('"')) ? between : ': '
  const gap = content.slice(gapStart(source.before, start), start)
  const lineBreak = gap.lastIndexOf('\n')
  const hasComment = /^[ \t]*,?[ \t]*#/.test(content.slice(end, endOfLine(content, end)))
  const separator =
    lineBreak === -1 || hasComment
      ? spaceAfterComma(text, map, colon)
      : text.lineBreakAt(start) + gap.slice(lineBreak + 1)
  return { start: end, end, text: `,${separator}${key}${colon}${value}` }
}

/** Returns the space after a comma in a map on one line. */
function spaceAfterComma({ text }: YamlText, map: YAMLMap, colon: string): string {
  for (const { srcToken } of map.items) {
    const comma = srcToken?.start.find(({ type }) => type === 'comma')
    const space =
      comma === undefined ? undefined : /^[ \t]*(?=[^\s#])/.exec(text.slice(comma.offset + 1))?.[0]
    if (space !== undefined) return space
  }
  return colon.endsWith(':') ? '' : ' '
}

/** Returns the offset after the bracket or comma before a pair, or after the comments there. */
function gapStart(before: readonly SourcePart[], start: number): number {
  const last = before.findLast(
    ({ type, offset }) => offset < start && (type === 'comma' || type === 'comment'),
  )
  if (last !== undefined) return last.offset + last.source.length
  return before[0]?.offset ?? start
}

/** Returns the offset of the `?`, tag or anchor before a key on its line. */
function startOf(before: readonly SourcePart[]): number | undefined {
  const line = before.slice(before.findLastIndex(({ type }) => type === 'newline') + 1)
  return line.find((part) => !isSpace(part) && part.type !== 'comma')?.offset
}

/** Returns the offset after the value of a pair, or after its colon if the value is missing. */
function endOf(text: YamlText, { key, value }: Pair, sep: readonly SourcePart[], added: string): number {
  const keyEnd = isNode(key) ? (key.range?.[1] ?? 0) : 0
  const isMissing = !isNode(value) || (isScalar(value) && sourceOf(value) === '')
  if (isMissing) {
    const last = sep.findLast((part) => !isSpace(part))
    if (last === undefined) throw text.refuse(keyEnd, `the key beside ${added} has no colon`, addHint)
    return last.offset + last.source.length
  }
  const isInBrackets = isCollection(value) && value.flow === true
  const isBlock =
    (isCollection(value) && !isInBrackets) || (isScalar(value) && value.type?.startsWith('BLOCK') === true)
  if (isBlock) throw text.refuse(keyEnd, `the value beside ${added} is a block of several lines`, addHint)
  return value.range?.[1] ?? keyEnd
}

function styleOf(node: unknown): ScalarStyle {
  if (!isScalar(node)) return 'plain'
  if (node.type === 'QUOTE_DOUBLE') return 'double'
  return node.type === 'QUOTE_SINGLE' ? 'single' : 'plain'
}

/** Returns the offset of the line break at the end of a line, or of the end of the text. */
function endOfLine(text: string, offset: number): number {
  const lineFeed = text.indexOf('\n', offset)
  if (lineFeed === -1) return text.length
  return text[lineFeed - 1] === '\r' ? lineFeed - 1 : lineFeed
}
