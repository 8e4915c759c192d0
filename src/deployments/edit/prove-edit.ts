import { Composer, type Document, Parser, visit } from 'yaml'
import { DrayError } from '../../lib/errors.ts'
import { type DocumentPath, formatDocumentPath } from '../references/document-path.ts'
import type { FileBytes } from './text/decode.ts'
import { type OpenedFile, openFile } from './open-file.ts'
import type { PlannedEdit } from './plan-changes.ts'
import { TfvarsText } from './text/tfvars.ts'
import type { ValuePlace } from './value-place.ts'
import { withoutMark } from './text/yaml-text.ts'

/** Values that are compared; aliases make of a few lines any number. */
const maxCompared = 5_000_000
const maxAliases = 10_000

type PathStep = DocumentPath[number]

/** The planned differences of a value. */
interface Difference {
  readonly children: Map<PathStep, Difference>
  /** of a text with YAML: by the index of the document */
  readonly documents: Map<number, Difference>
  written?: { readonly value: string; readonly isNew: boolean }
}

/**
 * Parses an edited file and compares it with the file before: only the planned values may differ,
 * and they must be strings. Aliases and merges are resolved. Does not use the positions by which
 * the file was edited.
 * @throws `internal` for any other difference.
 */
export function proveEdit(before: OpenedFile, after: FileBytes, planned: readonly PlannedEdit[]): void {
  const root = newDifference()
  for (const { places, edit, kind } of planned)
    for (const place of places) addDifference(root, place, { value: edit.after, isNew: kind === 'add' })
  const proof = new Proof(before.name)
  const opened = openAgain(after)
  if (opened.content instanceof TfvarsText) return proof.compareTfvars(before, opened, root)
  proof.compareTexts(before.text, opened.text, root, before.format === 'json')
}

function openAgain(after: FileBytes): OpenedFile {
  try {
    return openFile(after)
  } catch (cause) {
    throw new DrayError('internal', `the edit of ${after.name} would break the file`, {
      subject: after.name,
      hint: 'Edit the file by hand, and report this file as a bug of dray.',
      cause,
    })
  }
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

function childIn(children: Map<PathStep, Difference>, step: PathStep): Difference {
  const child = children.get(step) ?? newDifference()
  children.set(step, child)
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

  compareTexts(
    before: string,
    after: string,
    { documents }: Difference,
    isJson: boolean,
    path: readonly PathStep[] = [],
  ): void {
    const values = valuesOf(before, isJson)
    const others = valuesOf(after, isJson)
    if (values.length !== others.length) throw this.#failure(path, 'the number of documents changes')
    for (const [i, value] of values.entries()) this.#compare(value, others[i], documents.get(i), path)
  }

  compareTfvars(before: OpenedFile, after: OpenedFile, { documents }: Difference): void {
    this.#compare(tfvarsOf(before), tfvarsOf(after), documents.get(0), [])
  }

  #compare(
    before: unknown,
    after: unknown,
    difference: Difference | undefined,
    path: readonly PathStep[],
  ): void {
    this.#compared += 1
    if (this.#compared > maxCompared) throw this.#failure(path, 'the file has too many aliases')
    if (difference === undefined) {
      if (!this.#isEqual(before, after)) throw this.#failure(path, 'it changes, and is not planned to')
    } else if (difference.written !== undefined) {
      if (after !== difference.written.value) throw this.#failure(path, 'it is not the written string')
    } else if (difference.documents.size > 0) {
      if (typeof before !== 'string' || typeof after !== 'string')
        throw this.#failure(path, 'it is no text before or after')
      this.compareTexts(before, after, difference, false, path)
    } else if (before instanceof Map && after instanceof Map)
      this.#compareMaps(before, after, difference, path)
    else if (Array.isArray(before) && Array.isArray(after))
      this.#compareArrays(before, after, difference, path)
    else throw this.#failure(path, 'it is not a map or array before and after')
  }

  #compareMaps(
    before: ReadonlyMap<unknown, unknown>,
    after: ReadonlyMap<unknown, unknown>,
    { children }: Difference,
    path: readonly PathStep[],
  ): void {
    const isAdded = (key: unknown): boolean =>
      !before.has(key) && children.get(stepOf(key))?.written?.isNew === true
    const kept = [...after.keys()].filter((key) => !isAdded(key))
    if (!this.#isEqual([...before.keys()], kept)) throw this.#failure(path, 'its keys change')
    if ([...children.keys()].some((step) => ![...after.keys()].some((key) => stepOf(key) === step)))
      throw this.#failure(path, 'a planned key is missing')
    for (const [key, value] of after) {
      const step = stepOf(key)
      this.#compare(before.get(key), value, children.get(step), [...path, step])
    }
  }

  #compareArrays(
    before: readonly unknown[],
    after: readonly unknown[],
    { children }: Difference,
    path: readonly PathStep[],
  ): void {
    if (before.length !== after.length) throw this.#failure(path, 'its length changes')
    for (const [i, item] of before.entries()) this.#compare(item, after[i], children.get(i), [...path, i])
  }

  #isEqual(before: unknown, after: unknown): boolean {
    if (Object.is(before, after)) return true
    if (typeof before !== 'object' || before === null || typeof after !== 'object' || after === null)
      return false
    if (this.#equal.get(before) === after) return true
    if (Object.getPrototypeOf(before) !== Object.getPrototypeOf(after)) return false
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

  #failure(path: readonly PathStep[], why: string): DrayError {
    return new DrayError('internal', `the edit of ${this.#name} is not exact`, {
      subject: this.#name,
      why: path.length === 0 ? why : `${formatDocumentPath(path)}: ${why}`,
      hint: 'Edit the file by hand, and report this file as a bug of dray.',
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

function stepOf(key: unknown): PathStep {
  return typeof key === 'string' ? key : ''
}

/** Parses a text with the types of YAML 1.2, or as JSON. */
function valuesOf(text: string, isJson: boolean): readonly unknown[] {
  if (isJson) return [JSON.parse(withoutMark(text), toMap)]
  const documents = new Composer({
    merge: true,
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
  }).compose(new Parser().parse(text))
  return [...documents].map((document) => toValue(document))
}

function toValue(document: Document.Parsed): unknown {
  if (document.errors[0] !== undefined) throw document.errors[0]
  // Keys of other types are compared by their source, except merge keys and null.
  visit(document, {
    Scalar(role, node) {
      if (role === 'key' && typeof node.value !== 'symbol' && node.value !== null)
        node.value = typeof node.value === 'string' ? node.value : node.source
    },
  })
  return document.toJS({ mapAsMap: true, maxAliasCount: maxAliases })
}

function toMap(_key: string, value: unknown): unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? new Map(Object.entries(value))
    : value
}

/** The names with their strings; the source of other values. */
function tfvarsOf({ content, text }: OpenedFile): unknown {
  if (!(content instanceof TfvarsText)) return undefined
  return new Map(
    content.entries.map(({ name, value, start, end }) => [name, value ?? { source: text.slice(start, end) }]),
  )
}
