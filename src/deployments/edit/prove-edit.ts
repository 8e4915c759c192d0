import { DrayError } from '../../lib/errors.ts'
import { isJsonText } from '../../oci/json.ts'
import { type DocumentPath, formatDocumentPath } from '../references/document-path.ts'
import { composeDocuments, faultOf, isMap, resolvedValueOf } from '../references/documents.ts'
import type { OpenedFile } from './open-file.ts'
import type { PlannedEdit } from './plan-changes.ts'
import { decodeFile, type FileBytes } from './text/decode.ts'
import { TfvarsText } from './text/tfvars.ts'
import { withoutMark } from './text/yaml-text.ts'
import type { ValuePlace } from './value-place.ts'

/** Values that are compared; aliases make of a few lines any number. */
const maxCompared = 5_000_000

/** A boolean without quotes, which is no string. */
class WrittenBoolean {
  readonly source: string

  constructor(source: string) {
    this.source = source
  }
}

/** The planned differences of a value. */
interface Difference {
  readonly children: Map<DocumentPath[number], Difference>
  /** of a text with YAML: by the index of the document */
  readonly documents: Map<number, Difference>
  written?: { readonly value: string; readonly isNew: boolean }
}

/**
 * Parses an edited file and compares it with the file before: only the planned values may differ,
 * and they must be strings. Aliases and merges are resolved. Does not use the positions in the text
 * by which the file was edited.
 * @throws `internal` for any other difference.
 */
export function proveEdit(before: OpenedFile, after: FileBytes, planned: readonly PlannedEdit[]): void {
  const root = newDifference()
  for (const { places, edit, kind } of planned)
    for (const place of places) addDifference(root, place, { value: edit.after, isNew: kind === 'add' })
  const proof = new Proof(before.name)
  const { content } = before
  if (content instanceof TfvarsText)
    return proof.compareDocuments([tfvarsOf(content)], [tfvarsOf(proof.openTfvars(after))], root, [])
  const values = content.documents.map(({ value }) => value)
  proof.compareDocuments(values, proof.parse(decodeFile(after), content.isJson), root, [])
}

function newDifference(): Difference {
  return { children: new Map(), documents: new Map() }
}

function addDifference(
  root: Difference,
  { document, path, embedded }: ValuePlace,
  written: NonNullable<Difference['written']>,
): void {
  let difference = childIn(root.documents, document)
  for (const step of path) difference = childIn(difference.children, step)
  if (embedded === undefined) difference.written = written
  else addDifference(difference, embedded, written)
}

function childIn<Key>(children: Map<Key, Difference>, key: Key): Difference {
  const child = children.get(key) ?? newDifference()
  children.set(key, child)
  return child
}

class Proof {
  readonly #name: string
  /** pairs of values without difference: aliases repeat them */
  readonly #equal = new Map<unknown, unknown>()
  #compared = 0

  constructor(name: string) {
    this.#name = name
  }

  /** Parses an edited text. */
  parse(text: string, isJson: boolean): readonly unknown[] {
    const broken = (why: string, cause?: unknown): DrayError =>
      this.#failure([], `the file would be broken: ${why}`, cause)
    // JSON is stricter than YAML.
    if (isJson && !isJsonText(withoutMark(text))) throw broken('it is not JSON')
    const overflow = (cause: unknown): DrayError => broken('it cannot be parsed', cause)
    const readBoolean = (source: string): WrittenBoolean => new WrittenBoolean(source)
    return [...composeDocuments(text, overflow, { readBoolean })].map((document) => {
      const fault = faultOf(document)
      if (fault !== undefined) throw broken(fault.why, fault.cause)
      try {
        return resolvedValueOf(document)
      } catch (cause) {
        throw overflow(cause)
      }
    })
  }

  openTfvars(after: FileBytes): TfvarsText {
    try {
      return new TfvarsText(after.name, decodeFile(after))
    } catch (cause) {
      throw this.#failure([], 'the file would be broken', cause)
    }
  }

  compareDocuments(
    before: readonly unknown[],
    after: readonly unknown[],
    { documents }: Difference,
    path: DocumentPath,
  ): void {
    if (before.length !== after.length) throw this.#failure(path, 'the number of documents changes')
    for (const [i, value] of before.entries()) this.#compare(value, after[i], documents.get(i), path)
  }

  #compare(before: unknown, after: unknown, difference: Difference | undefined, path: DocumentPath): void {
    this.#compared += 1
    if (this.#compared > maxCompared) throw this.#failure(path, 'the file has too many aliases')
    if (difference === undefined) {
      if (!this.#isEqual(before, after)) throw this.#failure(path, 'it changes, and is not planned to')
    } else if (difference.written !== undefined) {
      if (after !== difference.written.value) throw this.#failure(path, 'it is not the written string')
    } else if (difference.documents.size > 0) {
      if (typeof before !== 'string' || typeof after !== 'string')
        throw this.#failure(path, 'it is no text before or after')
      this.compareDocuments(this.parse(before, false), this.parse(after, false), difference, path)
    } else if (isMap(before) && isMap(after)) this.#compareMaps(before, after, difference, path)
    else if (Array.isArray(before) && Array.isArray(after))
      this.#compareArrays(before, after, difference, path)
    else throw this.#failure(path, 'it is not a map or array before and after')
  }

  #compareMaps(
    before: Readonly<Record<string, unknown>>,
    after: Readonly<Record<string, unknown>>,
    { children }: Difference,
    path: DocumentPath,
  ): void {
    const isAdded = (key: string): boolean =>
      !Object.hasOwn(before, key) && children.get(key)?.written?.isNew === true
    const kept = Object.keys(after).filter((key) => !isAdded(key))
    if (!this.#isEqual(Object.keys(before), kept)) throw this.#failure(path, 'its keys change')
    if ([...children.keys()].some((key) => !Object.hasOwn(after, key)))
      throw this.#failure(path, 'a planned key is missing')
    for (const [key, value] of Object.entries(after)) {
      const own = Object.hasOwn(before, key) ? before[key] : undefined
      this.#compare(own, value, children.get(key), [...path, key])
    }
  }

  #compareArrays(
    before: readonly unknown[],
    after: readonly unknown[],
    { children }: Difference,
    path: DocumentPath,
  ): void {
    if (before.length !== after.length) throw this.#failure(path, 'its length changes')
    for (const [i, item] of before.entries()) this.#compare(item, after[i], children.get(i), [...path, i])
  }

  /** The file before has the source of a boolean in place of the boolean. */
  #isEqual(before: unknown, after: unknown): boolean {
    if (Object.is(before, after)) return true
    if (typeof after !== 'object' || after === null) return false
    if (after instanceof WrittenBoolean && before === after.source) return true
    if (typeof before !== 'object' || before === null) return false
    if (this.#equal.get(before) === after) return true
    if (before.constructor !== after.constructor) return false
    const entries = entriesOf(before)
    const others = entriesOf(after)
    const isEqual =
      entries.length === others.length &&
      entries.every(([key, value], i) => {
        const other = others[i]
        return other !== undefined && this.#isEqual(key, other[0]) && this.#isEqual(value, other[1])
      })
    if (isEqual) this.#equal.set(before, after)
    return isEqual
  }

  #failure(path: DocumentPath, why: string, cause?: unknown): DrayError {
    return new DrayError('internal', `the edit of ${this.#name} is not exact`, {
      subject: this.#name,
      why: path.length === 0 ? why : `${formatDocumentPath(path)}: ${why}`,
      hint: 'Edit the file by hand, and report this file as a bug of dray.',
      cause,
    })
  }
}

/** The keys of maps and their order; the items of arrays and sets; the parts of other objects. */
function entriesOf(value: object): readonly (readonly [unknown, unknown])[] {
  if (value instanceof Map) return [...value.entries()]
  if (value instanceof Set) return [...value].map((item) => [item, undefined])
  if (value instanceof Date) return [['time', value.getTime()]]
  return Object.entries(value)
}

/** The names with their strings; the source of other values. */
function tfvarsOf({ entries, text }: TfvarsText): unknown {
  return Object.fromEntries(
    entries.map(({ name, value, start, end }) => [name, value ?? [text.slice(start, end)]]),
  )
}
