import { type DocumentPath, formatDocumentPath } from '../references/document-path.ts'

/** The position of a value in a file. */
export interface ValuePlace {
  /** the index of the document in the file, from 0 */
  readonly document: number
  readonly path: DocumentPath
  /** the position in the YAML text that is the value at `path` */
  readonly embedded?: ValuePlace
}

/** A change of one value. All values are written as strings. */
export type ValueChange =
  | { readonly kind: 'set'; readonly place: ValuePlace; readonly value: string }
  /** adds a key to a map, after the key of `sibling` */
  | { readonly kind: 'add'; readonly sibling: ValuePlace; readonly key: string; readonly value: string }

/**
 * Formats a position for people, without the number of its document: a path in an embedded text
 * follows the path of the text, as in `data["values.yaml"].image.tag`.
 */
export function formatPlace({ path, embedded }: ValuePlace): string {
  if (embedded === undefined) return formatDocumentPath(path)
  if (embedded.document > 0)
    return `${formatDocumentPath(path)} (document ${embedded.document + 1}) ${formatPlace(embedded)}`
  return formatPlace({ ...embedded, path: [...path, ...embedded.path] })
}

/** Returns the same text for equal positions only. */
export function placeKey({ document, path, embedded }: ValuePlace): string {
  return JSON.stringify([document, path, ...(embedded === undefined ? [] : [placeKey(embedded)])])
}

/** Returns the position of a key in the map at `place`, or of an item in the array there. */
export function childOf(place: ValuePlace, step: string | number): ValuePlace {
  if (place.embedded !== undefined) return { ...place, embedded: childOf(place.embedded, step) }
  return { ...place, path: [...place.path, step] }
}

/** Returns the position of the map or array around a value; undefined for a whole document. */
export function parentOf(place: ValuePlace): ValuePlace | undefined {
  if (place.embedded === undefined)
    return place.path.length === 0 ? undefined : { ...place, path: place.path.slice(0, -1) }
  const embedded = parentOf(place.embedded)
  return embedded === undefined ? undefined : { ...place, embedded }
}

/** Returns the key or index at the end of a position; undefined for a whole document. */
export function lastStepOf({ path, embedded }: ValuePlace): string | number | undefined {
  return embedded === undefined ? path.at(-1) : lastStepOf(embedded)
}

/** Returns the position in the text at `outer` of a position in that text. */
export function embedPlace(outer: ValuePlace, inner: ValuePlace): ValuePlace {
  return {
    ...outer,
    embedded: outer.embedded === undefined ? inner : embedPlace(outer.embedded, inner),
  }
}
