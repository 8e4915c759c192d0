import { editFile } from '../../src/deployments/edit/edit-file.ts'
import type { EditOptions } from '../../src/deployments/edit/plan-changes.ts'
import type { ValueChange, ValuePlace } from '../../src/deployments/edit/value-place.ts'
import { type DrayError, isDrayError } from '../../src/lib/errors.ts'

export const newDigest = `sha256:${'5'.repeat(64)}`

/**
 * Returns the place of a path such as `spec.containers[0].image`. Before a path, `2:` is the second
 * document; `>` separates the path of a text with YAML from the path in it.
 */
export function placeOf(text: string): ValuePlace {
  const [own = '', ...inner] = text.split('>').map((part) => part.trim())
  const [, number = '1', path = ''] = /^(?:(\d+):\s*)?(.*)$/.exec(own) ?? []
  const steps = [...path.matchAll(/\[(\d+)\]|\["([^"]+)"\]|[^.[\]]+/g)].map(([step, index, quoted]) =>
    index === undefined ? (quoted ?? step) : Number(index),
  )
  const place = { document: Number(number) - 1, path: steps }
  return inner.length === 0 ? place : { ...place, embedded: placeOf(inner.join('>')) }
}

export function set(place: string, value: string): ValueChange {
  return { kind: 'set', place: placeOf(place), value }
}

export function add(sibling: string, key: string, value: string): ValueChange {
  return { kind: 'add', sibling: placeOf(sibling), key, value }
}

interface EditRequest extends EditOptions {
  /** `file.yaml` by default */
  readonly name?: string
}

/** Edits a text, and returns the text after it. */
export function edited(text: string, changes: readonly ValueChange[], request: EditRequest = {}): string {
  const { name = 'file.yaml', ...options } = request
  return Buffer.from(editFile({ name, bytes: Buffer.from(text) }, changes, options).bytes).toString()
}

/** Returns the error of an edit. */
export function editError(
  content: string | Uint8Array,
  changes: readonly ValueChange[],
  { name = 'file.yaml', ...options }: EditRequest = {},
): DrayError {
  try {
    editFile({ name, bytes: Buffer.from(content) }, changes, options)
  } catch (error) {
    if (isDrayError(error)) return error
    throw error
  }
  throw new Error('the edit succeeded')
}
