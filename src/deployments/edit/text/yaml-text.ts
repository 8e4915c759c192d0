import { isScalar, type Scalar } from 'yaml'
import type { DrayError } from '../../../lib/errors.ts'
import { isJsonText, isShallow } from '../../../oci/json.ts'
import { isShallowYaml, maxYamlDepth } from '../../../lib/yaml-depth.ts'
import { composeDocuments, faultOf, resolvedValueOf } from '../../references/documents.ts'
import { alignBlock } from './literal-block.ts'
import { type LineColumn, positionIn, refuseFile } from './refusal.ts'
import { DocumentNodes } from './document-nodes.ts'
import { findTemplate } from './templates.ts'

/** One document of a YAML text. */
export interface YamlDocument {
  /** maps, arrays, strings, null and `WrittenNumber`; aliases and merges are resolved */
  readonly value: unknown
  readonly nodes: DocumentNodes
}

/** The position of a text in its file. */
interface TextOrigin {
  /** the text of the file */
  readonly file: string
  /** Returns the offset in the file of an offset in the text. */
  offsetOf(offset: number): number
  /** Returns a line break of the file and the spaces that each line of the text follows. */
  lineBreakAt(offset: number): string
}

const formatHint = 'Correct the file, or select another one.'

/** A parsed YAML or JSON text: a file, or a literal block scalar in one. */
export class YamlText {
  readonly name: string
  readonly text: string
  /** a JSON text: all strings have double quotes */
  readonly isJson: boolean
  readonly documents: readonly YamlDocument[]
  readonly #origin: TextOrigin
  readonly #embedded = new Map<Scalar, YamlText>()

  /**
   * @throws `refused` for a template, broken YAML, duplicate keys, deep nesting, too many aliases,
   * and for a JSON file that is no JSON.
   */
  constructor(
    name: string,
    text: string,
    options: { readonly mustBeJson: boolean; readonly origin?: TextOrigin },
  ) {
    this.name = name
    this.text = text
    this.#origin = options.origin ?? ownOrigin(text)
    if (options.mustBeJson) this.#checkJson()
    this.isJson = options.mustBeJson || (/^\s*[[{]/.test(text) && isShallow(text) && isJsonText(text))
    if (!this.isJson) this.#checkTemplate()
    if (!isShallowYaml(text))
      throw this.refuse(0, `it is nested deeper than ${maxYamlDepth} levels`, formatHint)
    this.documents = this.#parse()
  }

  /** Returns the error for a text that cannot be edited at an offset. */
  refuse(offset: number, why: string, hint: string): DrayError {
    return refuseFile(this.name, why, hint, this.positionOf(offset))
  }

  /** Returns the position in the file of an offset in this text. */
  positionOf(offset: number): LineColumn {
    return positionIn(this.#origin.file, this.offsetInFile(offset))
  }

  offsetInFile(offset: number): number {
    return this.#origin.offsetOf(offset)
  }

  /** Returns the text between two lines of this text, in the file, near an offset. */
  lineBreakAt(offset: number): string {
    return this.#origin.lineBreakAt(offset)
  }

  /**
   * Parses the text that a scalar is.
   * @throws `refused` unless the scalar is a literal block of YAML.
   */
  embedded(node: unknown, offset: number): YamlText {
    if (!isScalar(node) || typeof node.value !== 'string')
      throw this.refuse(offset, 'the value is not a text with YAML', formatHint)
    const known = this.#embedded.get(node)
    if (known !== undefined) return known
    const opened = this.#openBlock(node, node.value, offset)
    this.#embedded.set(node, opened)
    return opened
  }

  #openBlock(node: Scalar, value: string, offset: number): YamlText {
    const token = node.srcToken
    if (token?.type !== 'block-scalar' || node.type !== 'BLOCK_LITERAL')
      throw this.refuse(
        offset,
        'the YAML text in this value is not a literal block',
        'Write the text as a literal block: "key: |".',
      )
    const end = node.range?.[1] ?? 0
    const start = end - token.source.length
    const isSource = start >= 0 && this.text.slice(start, end) === token.source
    const block = isSource ? alignBlock(token.source, start, value) : undefined
    if (block === undefined)
      throw this.refuse(
        offset,
        'the lines of the literal block are not those of its value',
        'Indent all lines of the block with the same number of spaces.',
      )
    const origin: TextOrigin = {
      file: this.#origin.file,
      offsetOf: (inner) => this.offsetInFile(block.offsetOf(inner)),
      lineBreakAt: (inner) => this.lineBreakAt(block.offsetOf(inner)) + block.indent,
    }
    return new YamlText(this.name, value, { mustBeJson: false, origin })
  }

  #checkJson(): void {
    // The message of the parser quotes the file, which can have secrets.
    if (!isJsonText(withoutMark(this.text))) throw this.refuse(0, 'it is not JSON', formatHint)
  }

  #checkTemplate(): void {
    const at = findTemplate(this.text)
    if (at === undefined) return
    throw this.refuse(
      at,
      'it is a template: it has {{ outside of quotes',
      'Select the values file of the template instead.',
    )
  }

  #parse(): readonly YamlDocument[] {
    const overflow = (cause: unknown): DrayError =>
      this.refuse(0, cause instanceof Error ? cause.message : String(cause), formatHint)
    const documents = composeDocuments(this.text, overflow, { keepSourceTokens: true })
    return [...documents].map((node) => {
      const broken = faultOf(node)
      if (broken !== undefined) throw this.refuse(broken.offset, broken.why, formatHint)
      const nodes = new DocumentNodes(node)
      if (nodes.fault !== undefined) throw this.refuse(nodes.fault.offset, nodes.fault.why, formatHint)
      try {
        return { value: resolvedValueOf(node), nodes }
      } catch (cause) {
        throw overflow(cause)
      }
    })
  }
}

function ownOrigin(text: string): TextOrigin {
  return {
    file: text,
    offsetOf: (offset) => offset,
    lineBreakAt(offset) {
      const next = text.indexOf('\n', offset)
      const end = next === -1 ? text.lastIndexOf('\n') : next
      return text[end - 1] === '\r' ? '\r\n' : '\n'
    },
  }
}

/** Returns a text without its byte order mark. */
export function withoutMark(text: string): string {
  return text.startsWith('\u{feff}') ? text.slice(1) : text
}
