import { isScalar, type YAMLMap } from 'yaml'
import { WrittenNumber } from '../references/documents.ts'
import { decodeFile, type FileBytes } from './text/decode.ts'
import type { FoundValue } from './found-value.ts'
import { refuseFile } from './text/refusal.ts'
import { TfvarsText } from './text/tfvars.ts'
import { embedPlace, formatPlace, type ValuePlace } from './value-place.ts'
import { YamlText, type YamlDocument } from './text/yaml-text.ts'

export type FileFormat = 'yaml' | 'json' | 'tfvars'

/** One document of an opened file. */
export interface OpenedDocument {
  /** from 0 */
  readonly index: number
  /**
   * maps, arrays, strings, null and `WrittenNumber`; `true` and `false` are strings; aliases and
   * merges are resolved
   */
  readonly value: unknown
}

/** A node of a YAML text, and the texts around it. */
export interface LocatedNode {
  readonly text: YamlText
  readonly document: YamlDocument
  /** undefined: there is no value at the place */
  readonly node: unknown
}

/** A parsed file. */
export class OpenedFile implements FileBytes {
  readonly name: string
  readonly bytes: Uint8Array
  readonly format: FileFormat
  /** with its byte order mark */
  readonly text: string
  readonly content: YamlText | TfvarsText
  readonly documents: readonly OpenedDocument[]

  constructor(file: FileBytes) {
    this.name = file.name
    this.bytes = file.bytes
    this.format = formatOf(file.name)
    this.text = decodeFile(file)
    if (this.format === 'tfvars') this.content = new TfvarsText(file.name, this.text)
    else this.content = new YamlText(file.name, this.text, { mustBeJson: this.format === 'json' })
    this.documents =
      this.content instanceof TfvarsText
        ? [{ index: 0, value: this.content.values() }]
        : this.content.documents.map(({ value }, index) => ({ index, value }))
  }

  /**
   * Finds a value, through aliases, merges and embedded texts.
   * @throws `refused` for a document or text that the file does not have.
   */
  find(place: ValuePlace): FoundValue | undefined {
    if (this.content instanceof TfvarsText) return this.content.find(place)
    const { text, node } = this.locate(place)
    if (!isScalar(node)) return node === undefined ? undefined : this.#other(text, node, place)
    const offset = node.range?.[0] ?? 0
    const isPlain = node.type === 'PLAIN' || node.type === undefined
    const shown = isPlain || typeof node.value !== 'string' ? (node.source ?? '') : node.value
    return {
      kind: kindOf(node.value),
      text: shown,
      place: this.usersOf(place)[0] ?? place,
      ...text.positionOf(offset),
      isTemplate: shown.includes('{{'),
    }
  }

  /**
   * Returns all positions that read the bytes of a value: its own, aliases and merges. One position
   * if nothing else reads them, and none if there is no value.
   * @throws `refused` for a file with too many aliases.
   */
  usersOf(place: ValuePlace): readonly ValuePlace[] {
    if (this.content instanceof TfvarsText) return this.find(place) === undefined ? [] : [place]
    return this.#usersIn(this.content, place, ({ document, node }) =>
      node === undefined ? [] : document.nodes.pathsOf(node),
    )
  }

  /**
   * Returns all positions that a new key in a map has, with its aliases and merges.
   * @param place a position in the same text
   * @throws `refused` for a file with too many aliases.
   */
  usersOfKey(place: ValuePlace, map: YAMLMap, key: string): readonly ValuePlace[] {
    if (this.content instanceof TfvarsText) return []
    return this.#usersIn(this.content, place, ({ document }) => document.nodes.pathsOfKey(map, key))
  }

  /**
   * Returns the documents of a YAML text in the file.
   * @throws `refused` unless the text is a literal block of YAML.
   */
  embedded(place: ValuePlace): readonly OpenedDocument[] {
    const { text, node } = this.locate(place)
    return text.embedded(node, offsetOf(node)).documents.map(({ value }, index) => ({ index, value }))
  }

  /** Finds the node at a place. @throws `refused` if the file has no such document or text. */
  locate(place: ValuePlace): LocatedNode {
    if (this.content instanceof TfvarsText) throw this.#noValue(place)
    return this.#locateIn(this.content, place)
  }

  #locateIn(text: YamlText, { document: index, path, embedded }: ValuePlace): LocatedNode {
    const document = text.documents[index]
    if (document === undefined) throw this.#noValue({ document: index, path })
    const node = document.nodes.find(path)
    if (embedded === undefined) return { text, document, node }
    if (node === undefined) throw this.#noValue({ document: index, path })
    return this.#locateIn(text.embedded(node, offsetOf(node)), embedded)
  }

  #usersIn(
    text: YamlText,
    place: ValuePlace,
    pathsOf: (located: LocatedNode) => readonly ValuePlace['path'][],
  ): readonly ValuePlace[] {
    const { document, path, embedded } = place
    const located = this.#locateIn(text, { document, path })
    const offset = offsetOf(located.node)
    const find = (search: typeof pathsOf): readonly ValuePlace[] => {
      try {
        return search(located).map((found) => ({ document, path: found }))
      } catch (cause) {
        if (!(cause instanceof RangeError)) throw cause
        throw text.refuse(offset, 'it has too many aliases', 'Remove aliases that repeat others.')
      }
    }
    if (embedded === undefined) return find(pathsOf)
    const inner = this.#usersIn(text.embedded(located.node, offset), embedded, pathsOf)
    const outer = find(({ document: { nodes }, node }) => nodes.pathsOf(node))
    return outer.flatMap((one) => inner.map((user) => embedPlace(one, user)))
  }

  #other(text: YamlText, node: unknown, place: ValuePlace): FoundValue {
    return { kind: 'other', text: '', place, ...text.positionOf(offsetOf(node)), isTemplate: false }
  }

  #noValue(place: ValuePlace): Error {
    return refuseFile(
      this.name,
      `document ${place.document + 1} has no value at ${formatPlace(place)}`,
      'Correct the position in dray.yaml, or add the value to the file.',
    )
  }
}

/**
 * Parses a file to find and edit values. Pure.
 * @throws `refused` for a file that is not edited safely: other encodings than UTF-8, more than 2
 * MiB, templates, broken YAML, duplicate keys; for `.tfvars`, heredocs and interpolation.
 */
export function openFile(file: FileBytes): OpenedFile {
  return file instanceof OpenedFile ? file : new OpenedFile(file)
}

function formatOf(name: string): FileFormat {
  if (/\.json$/i.test(name)) return 'json'
  return /\.tfvars$/i.test(name) ? 'tfvars' : 'yaml'
}

function kindOf(value: unknown): FoundValue['kind'] {
  if (value === null) return 'empty'
  if (typeof value === 'string') return 'text'
  return value instanceof WrittenNumber ? 'number' : 'other'
}

/** Returns the offset of a node in its text. */
export function offsetOf(node: unknown): number {
  const { range } = (node ?? {}) as { readonly range?: readonly number[] | null }
  return range?.[0] ?? 0
}
