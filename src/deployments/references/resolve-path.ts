import { DrayError, isDrayError } from '../../lib/errors.ts'
import { didYouMean } from '../../lib/nearest.ts'
import { documentsOf, isMap, textOf } from './documents.ts'
import type { ParsedFile } from './image-entries.ts'
import { formatValuePath, parseValuePath, type PathStep } from './value-path.ts'
import { EmbeddedDocument, formatSteps, type Steps } from './walk-position.ts'

/** The value at a path. */
export interface ResolvedPath {
  /** the index in the file, from 0 */
  readonly document: number
  readonly steps: Steps
  /** a text, a number without quotes, or null */
  readonly value: unknown
}

/** The end of a path that a document does not have. */
interface MissingStep {
  /** how many steps of the path exist */
  readonly depth: number
  /** the keys at that position */
  readonly keys: readonly string[]
  readonly why: string
}

type Descent = { readonly found: ResolvedPath } | { readonly missing: MissingStep }

const maxShownKeys = 8

/**
 * Finds the value at a path (`parseValuePath`). A path leads through a text that is YAML, such as
 * `data["values.yaml"]`, into its documents. Exactly one document of the file must have the path.
 * @throws `config` if no document has it, with the nearest key; if several have it; if it is the
 * path of a map or list; for a text that is no path.
 */
export function resolvePath(file: ParsedFile, path: string): ResolvedPath {
  const steps = parseValuePath(path)
  const descents = file.documents.flatMap(({ index, value }) =>
    descend({ document: index, steps: [], value }, steps, 0),
  )
  const found = descents.flatMap((one) => ('found' in one ? [one.found] : []))
  const [first, second] = found
  if (first === undefined) throw notFound(file.name, path, steps, descents)
  if (second !== undefined) throw several(file.name, path, found)
  const { value } = first
  if (value === null || textOf(value) !== undefined) return first
  throw new DrayError('config', `${file.name} has no single value at ${path}`, {
    subject: file.name,
    why: `it is a ${isMap(value) ? 'map' : 'list'}`,
    hint: isMap(value)
      ? `Add a key to the path: ${Object.keys(value).slice(0, maxShownKeys).join(', ')}`
      : 'Add an index to the path, such as [0].',
  })
}

function descend(at: ResolvedPath, path: readonly PathStep[], depth: number): readonly Descent[] {
  const step = path[depth]
  if (step === undefined) return [{ found: at }]
  const { value, steps } = at
  if (typeof value === 'string' && depth > 0) return descendText(at, value, path, depth)
  if (Array.isArray(value)) {
    const index = indexOf(value, step)
    if (typeof index === 'string') return [missing(depth, [], index)]
    return descend({ ...at, steps: [...steps, index], value: value[index] }, path, depth + 1)
  }
  if (!isMap(value)) return [missing(depth, [], 'it is a single value')]
  const keys = Object.keys(value)
  if (!('key' in step)) return [missing(depth, [], 'it is a map, not a list')]
  if (!keys.includes(step.key)) return [missing(depth, keys, 'it has no such key')]
  return descend({ ...at, steps: [...steps, step.key], value: value[step.key] }, path, depth + 1)
}

function descendText(
  at: ResolvedPath,
  text: string,
  path: readonly PathStep[],
  depth: number,
): readonly Descent[] {
  try {
    const documents = [...documentsOf(text, 'text')]
    return documents.flatMap(({ value }, i) =>
      !isNested(value)
        ? [missing(depth, [], 'it is a single value')]
        : descend({ ...at, steps: [...at.steps, new EmbeddedDocument(i)], value }, path, depth),
    )
  } catch (error) {
    if (isDrayError(error)) return [missing(depth, [], 'its text is not YAML')]
    throw error
  }
}

/** The index of an item, or why there is none. */
function indexOf(items: readonly unknown[], step: PathStep): number | string {
  if (!('where' in step)) {
    const index = 'index' in step ? step.index : Number(/^\d{1,9}$/.test(step.key) ? step.key : NaN)
    if (index < items.length) return index
    return `it is a list of ${items.length} ${items.length === 1 ? 'item' : 'items'}`
  }
  const isNamed = (item: unknown): boolean => isMap(item) && textOf(item[step.where]) === step.is
  const indexes = [...items.keys()].filter((i) => isNamed(items[i]))
  if (indexes[0] !== undefined && indexes.length === 1) return indexes[0]
  return `${indexes.length === 0 ? 'none' : indexes.length} of its items have ${step.where}: ${step.is}`
}

function isNested(value: unknown): boolean {
  return isMap(value) || Array.isArray(value)
}

function missing(depth: number, keys: readonly string[], why: string): Descent {
  return { missing: { depth, keys, why } }
}

function notFound(
  name: string,
  path: string,
  steps: readonly PathStep[],
  descents: readonly Descent[],
): DrayError {
  const missed = descents.flatMap((one) => ('missing' in one ? [one.missing] : []))
  const deepest = missed.reduce<MissingStep | undefined>(
    (best, one) => (best === undefined || one.depth > best.depth ? one : best),
    undefined,
  )
  const subject = { subject: name }
  if (deepest === undefined)
    return new DrayError('config', `${name} has no value at ${path}`, {
      ...subject,
      why: 'the file is empty',
    })
  const { depth, why } = deepest
  const at = depth === 0 ? 'the document' : formatValuePath(steps.slice(0, depth))
  // Documents that end the path at the same depth have different keys.
  const keys = [...new Set(missed.flatMap((one) => (one.depth === depth ? one.keys : [])))]
  const step = steps[depth]
  const near = step !== undefined && 'key' in step ? didYouMean(step.key, keys) : undefined
  const shown = keys.slice(0, maxShownKeys).join(', ')
  const listed =
    keys.length === 0 ? why : `${why}; its keys are ${shown}${keys.length > maxShownKeys ? ', …' : ''}`
  return new DrayError('config', `${name} has no value at ${path}`, {
    ...subject,
    why: `${at}: ${listed}`,
    hint: near ?? 'Correct the path, or add the value to the file.',
  })
}

function several(name: string, path: string, found: readonly ResolvedPath[]): DrayError {
  const places = found.map(({ document, steps }) => `document ${document + 1}: ${formatSteps(steps)}`)
  return new DrayError('config', `${name} has several values at ${path}`, {
    subject: name,
    details: places,
    hint: 'Find the image by the name of its repository, or move the documents to files of their own.',
  })
}
