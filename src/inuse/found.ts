import { DrayError } from '../errors.ts'
import { isRecord } from '../oci/json.ts'
import { TaggedScalar, WrittenNumber } from './documents.ts'
import { formatBy, type Place } from './place.ts'
import { ifReference, perhapsUsed, type WrittenImage } from './used-images.ts'

/** What kustomize puts in the place of an image's name; its tag or digest is known, or stays as it was written. */
export interface Rename {
  readonly name: string
  readonly newName: string
  /** `:tag`, `@digest`, both, or nothing: then those of each image with this name stay */
  readonly at: string
  readonly by: string
}

/** What one document names, as it is written there. */
export interface References {
  /** where an image must stand: what is no reference is an error */
  readonly images: WrittenImage[]
  readonly renames: Rename[]
}

/** Where a walk through a document is. */
export interface Spot {
  /** the file, for errors */
  readonly where: string
  readonly place: Place
  /** what says something of the past or of many things: what is no reference there is none, and no error */
  readonly isLoose: boolean
  /** fills in the variables of Compose */
  readonly isCompose: boolean
  /** `global.imageRegistry` of a chart's values, which takes the place of an image's own registry */
  readonly globalRegistry: string | undefined
}

export function inside(spot: Spot, ...steps: Place): Spot {
  return { ...spot, place: [...spot.place, ...steps] }
}

export function byOf(spot: Spot): string {
  return formatBy(spot.where, spot.place)
}

/** The text of a scalar as it is written; undefined where there is none, `` for null. @throws `malformed`, `refused` for a scalar that cannot be known. */
export function textOf(value: unknown, spot: Spot): string | undefined {
  if (typeof value === 'string') return value
  if (value === null) return ''
  if (value instanceof WrittenNumber) return value.source
  if (value instanceof TaggedScalar) {
    throw cannotBeKnown(spot, `it has the tag ${value.tag}, which another program fills in`)
  }
  if (typeof value === 'number') {
    throw new DrayError('malformed', `${byOf(spot)}: a number stands where a text should be`, {
      subject: byOf(spot),
      why: 'how it was written is lost: 1.10 and 1.1 are one number',
      hint: 'Write it in quotes.',
    })
  }
  return undefined
}

/** Whether a value is a map, and not one of the scalars that are objects here. */
export function isMapping(value: unknown): value is Record<string, unknown> {
  return isRecord(value) && !(value instanceof WrittenNumber) && !(value instanceof TaggedScalar)
}

export function addImage(found: References, text: string, spot: Spot): void {
  const written = { text, by: byOf(spot) }
  if (!spot.isLoose) found.images.push(written)
  else if (ifReference(written) !== undefined) found.images.push(written)
}

/** Adds what may be an image where it is one. @throws `refused` for what may be one, and cannot be known. */
export function addPerhaps(found: References, text: string, spot: Spot): void {
  const written = { text, by: byOf(spot) }
  const used = spot.isLoose ? ifReference(written) : perhapsUsed(written)
  if (used !== undefined) found.images.push(written)
}

export function cannotBeKnown(spot: Spot, why: string): DrayError {
  return new DrayError('refused', `${byOf(spot)}: which image runs cannot be known`, {
    subject: byOf(spot),
    why,
    hint: 'Say it here, or fill the values in first: `helm template … | dray prune --in-use -`, and leave this file out of `files`.',
  })
}
