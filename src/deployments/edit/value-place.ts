import type { DocumentPath } from '../references/document-path.ts'

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
