import { isMap, isScalar, isSeq, type Scalar } from 'yaml'
import { DrayError } from '../../../lib/errors.ts'
import { type LocatedNode, offsetOf } from '../open-file.ts'
import { isOtherType, type ScalarContext, type ScalarStyle, writeScalar } from './scalar-style.ts'
import type { NodeParent } from '../text/document-nodes.ts'
import type { Splice } from './splice.ts'
import { isSpace, sourceOf, type SourcePart } from '../text/source-parts.ts'
import type { YamlText } from '../text/yaml-text.ts'

const rewriteHint = 'Write the value as a string on one line.'
const yamlTags = 'tag:yaml.org,2002:'

/** A scalar that can be edited. */
export interface EditableValue {
  /** as in the file, without quotes; empty for a missing value */
  readonly text: string
  /** whether all versions of YAML read it as a string */
  readonly isString: boolean
  /** in the YAML text */
  readonly offset: number
  /** Returns the change of the YAML text that writes a string. @throws `refused`. */
  write(value: string): Splice
}

/**
 * Returns how the value of a node is edited.
 * @throws `refused` for maps, arrays, keys, block scalars, scalars of several lines, templates and
 * YAML tags of other types.
 */
export function editableValue({ text, document, node }: LocatedNode): EditableValue {
  const offset = offsetOf(node)
  if (!isScalar(node)) throw text.refuse(offset, `the value is ${describe(node)}`, rewriteHint)
  if (document.nodes.isKey(node))
    throw text.refuse(offset, 'an alias repeats a key of a map', 'Write the value instead of the alias.')
  if (node.tag?.startsWith(yamlTags) === true && node.tag !== `${yamlTags}str`)
    throw text.refuse(offset, 'a tag makes another type of the value', 'Remove the tag.')
  const parent = document.nodes.parentOf(node)
  if (parent === undefined) throw text.refuse(offset, 'the value is a whole document', rewriteHint)
  if (sourceOf(node) === '') return missingValue(text, node, parent)
  return presentValue(text, node, parent.collection.flow === true)
}

function presentValue(text: YamlText, node: Scalar, isFlow: boolean): EditableValue {
  const [start, end] = node.range ?? [0, 0]
  const source = text.text.slice(start, end)
  if (node.type === 'BLOCK_FOLDED' || node.type === 'BLOCK_LITERAL')
    throw text.refuse(
      start,
      `the value is a ${node.type === 'BLOCK_FOLDED' ? 'folded' : 'literal'} block`,
      rewriteHint,
    )
  if (source.includes('\n')) throw text.refuse(start, 'the value has several lines', rewriteHint)
  if (source !== sourceOf(node))
    throw new DrayError('internal', `the range of a value in ${text.name} is wrong`, { subject: text.name })
  if (source.includes('{{'))
    throw text.refuse(start, 'the value is a template', 'Edit the values of the template instead.')
  const isPlain = node.type === 'PLAIN'
  const style = node.type === 'QUOTE_SINGLE' ? 'single' : isPlain ? 'plain' : 'double'
  const context = { isFlow, ...(isPlain && { replaced: source }) }
  return {
    text: isPlain || typeof node.value !== 'string' ? source : node.value,
    isString: typeof node.value === 'string' && (!isPlain || node.tag !== undefined || !isOtherType(source)),
    offset: start,
    write: (value) => ({ start, end, text: writeValue(text, start, value, style, context) }),
  }
}

/**
 * The range of a missing value begins after the spaces and comments that follow its key. It is
 * written directly after the colon, or after its tag or anchor.
 */
function missingValue(text: YamlText, node: Scalar, parent: NodeParent): EditableValue {
  const last = partsBefore(node, parent).findLast((part) => !isSpace(part))
  if (last === undefined || last.type === 'explicit-key-ind')
    throw text.refuse(offsetOf(node), 'the value is missing, and there is no colon', rewriteHint)
  const offset = last.offset + last.source.length
  const context = { isFlow: parent.collection.flow === true }
  return {
    text: '',
    isString: false,
    offset,
    write: (value) => ({
      start: offset,
      end: offset,
      text: ` ${writeValue(text, offset, value, 'plain', context)}`,
    }),
  }
}

/** Returns the parts of the source from the key of a node, or its dash, to the node. */
function partsBefore(node: Scalar, { pair, collection }: NodeParent): readonly SourcePart[] {
  if (pair !== undefined) return pair.srcToken?.sep ?? []
  const token = collection.srcToken
  if (token?.type !== 'block-seq') return []
  const offset = offsetOf(node)
  const item = token.items.findLast(({ start }) =>
    start.some(({ type, offset: at }) => type === 'seq-item-ind' && at < offset),
  )
  return item?.start ?? []
}

/** Writes a string as a scalar. @throws `refused` for control characters. */
export function writeValue(
  text: YamlText,
  offset: number,
  value: string,
  style: ScalarStyle,
  context: ScalarContext,
): string {
  const written = writeScalar(value, text.isJson ? 'double' : style, context)
  if (written !== undefined) return written
  throw text.refuse(offset, `YAML cannot have ${JSON.stringify(value)} on one line`, 'Select another value.')
}

function describe(node: unknown): string {
  if (isMap(node)) return 'a map'
  return isSeq(node) ? 'an array' : 'missing'
}
