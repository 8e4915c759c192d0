import { basename } from 'node:path'
import { DrayError } from '../../lib/errors.ts'
import type { ValuePlace } from '../edit/value-place.ts'
import { isMap, textOf } from './documents.ts'
import { type EntryOrSkip, entryOf } from './entry-of.ts'
import { isCompose } from './formats/compose.ts'
import type { FoundEntries, ImageEntry, SkippedImage } from './image-entry.ts'
import type { Occurrence } from './occurrence.ts'
import { findOccurrences } from './walk.ts'
import { formatSteps, type Steps, valuePlaceAt } from './walk-position.ts'

/** A file whose documents are parsed, such as an opened file of `edit/`. */
export interface ParsedFile {
  readonly name: string
  /** the values as `documentsOf` makes them */
  readonly documents: readonly { readonly index: number; readonly value: unknown }[]
}

/** In a file. Aliases make any number of images of a few lines. */
const maxEntries = 20_000
const kustomizationFile = /^(?:kustomization\.ya?ml|Kustomization)$/
const kustomizationKinds: ReadonlySet<unknown> = new Set(['Kustomization', 'Component'])

/**
 * Finds the images that a file names, with the position of each part. An image that an alias
 * repeats is an entry at each place. It omits labels, annotations, statuses of objects, and values
 * that Argo CD ignores. Pure.
 * @returns in the order of the file
 * @throws `malformed` for a document that is too deep or too large, or has too many images.
 */
export function findImageEntries(file: ParsedFile): FoundEntries {
  const found = new FileEntries(file.name)
  for (const { index, value } of file.documents) found.addDocument(index, value)
  return found
}

class FileEntries implements FoundEntries {
  readonly entries: ImageEntry[] = []
  readonly skipped: SkippedImage[] = []
  readonly #name: string
  #count = 0
  /** the texts that belong to an entry */
  readonly #taken = new Set<string>()

  constructor(name: string) {
    this.#name = name
  }

  addDocument(index: number, value: unknown): void {
    const where = index === 0 ? this.#name : `${this.#name}, document ${index + 1}`
    const isComposeFile = isMap(value) && isCompose(value)
    const isKustomization =
      kustomizationFile.test(basename(this.#name)) || (isMap(value) && kustomizationKinds.has(value['kind']))
    const isObject = isMap(value) && 'kind' in value
    const occurrences: Occurrence[] = []
    findOccurrences(value, where, isComposeFile, (occurrence) => {
      const { isDescription, at } = occurrence
      if (isDescription || (isObject && isStatus(at.keys))) return
      this.#count += 1
      if (this.#count > maxEntries) throw tooMany(this.#name)
      occurrences.push(occurrence)
    })
    const replaced = replacedEntries(occurrences)
    for (const occurrence of occurrences) {
      const { steps } = occurrence.at
      const by = steps.length === 0 ? where : `${where}: ${formatSteps(steps)}`
      const result = replaced.has(occurrence)
        ? { skipped: 'another entry of the same name replaces it', names: [] }
        : entryOf(occurrence, { isKustomization, by, placeOf: (at) => valuePlaceAt(index, at) })
      if (result !== undefined) this.#add(result, by, valuePlaceAt(index, steps), keysOf(index, occurrence))
    }
  }

  #add(result: EntryOrSkip, by: string, place: ValuePlace, keys: readonly string[]): void {
    // A text below the map of an entry can be taken for an image of its own.
    const isTaken = keys.some((key) => this.#taken.has(key))
    for (const key of keys) this.#taken.add(key)
    if (isTaken) return
    if ('skipped' in result) this.skipped.push({ by, place, what: result.skipped, names: result.names })
    else this.entries.push(result)
  }
}

function tooMany(name: string): DrayError {
  return new DrayError('malformed', `${name} has more than ${maxEntries} images`, {
    subject: name,
    hint: 'Split the file, or remove aliases that repeat images.',
  })
}

/** `status` of an object, also in a list. It describes the past. */
function isStatus(keys: readonly (string | number)[]): boolean {
  return keys[0] === 'status' || (keys[0] === 'items' && keys[2] === 'status')
}

/** One text for each scalar that belongs to an occurrence. */
function keysOf(document: number, occurrence: Occurrence): readonly string[] {
  const key = (steps: Steps): string => JSON.stringify([document, steps])
  if (occurrence.kind !== 'values') return [key(occurrence.at.steps)]
  return [...occurrence.fields.values()].map(({ steps }) => key(steps))
}

/**
 * The entries of kustomizations without an effect. kustomize applies the entries in order, each to
 * the images that have its name at that time: a later entry of the same name wins, unless an
 * earlier one has changed the name (kustomize, api/filters/imagetag).
 */
function replacedEntries(occurrences: readonly Occurrence[]): ReadonlySet<Occurrence> {
  const lists = Map.groupBy(
    occurrences.filter((one) => one.kind === 'kustomization'),
    ({ at, entry }) => JSON.stringify([at.steps.slice(0, -1), textOf(entry['name'])]),
  )
  const replaced = new Set<Occurrence>()
  for (const entries of lists.values()) {
    const renames = entries.findIndex(({ entry }) => {
      const newName = textOf(entry['newName']) ?? ''
      return newName !== '' && newName !== textOf(entry['name'])
    })
    const effective = entries.at(renames)
    for (const one of entries) if (one !== effective) replaced.add(one)
  }
  return replaced
}
