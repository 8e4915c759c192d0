import type { ValuePlace } from './value-place.ts'

/** A value in a file. */
export interface FoundValue {
  /** `other`: a map, an array or a value that a YAML tag changes */
  readonly kind: 'text' | 'number' | 'empty' | 'other'
  /** of a text or number: as in the file, without quotes */
  readonly text: string
  /** the position of its bytes: an alias or merge reads them elsewhere */
  readonly place: ValuePlace
  /** of the value, from 1 */
  readonly line: number
  readonly column: number
  /** the text has `{{` in quotes */
  readonly isTemplate: boolean
}
