import { plainReading, type VersionReading } from './version.ts'

/** The tags of a version: 1.4.2 (exact), 1.4 (minor), 1 (major), latest. */
export type TagLevel = 'exact' | 'minor' | 'major' | 'latest'

/** Which tags a version has, and which of them may move. */
export interface TagPolicy extends VersionReading {
  /** always includes `exact` */
  readonly levels: readonly TagLevel[]
  /** whether tags begin with `v` if the repository has none: as the given version, never, always */
  readonly v: 'keep' | 'none' | 'always'
  /** first identifiers of pre-releases with a floating tag of that name */
  readonly channels: readonly string[]
  /** maintain the floating tag `0` */
  readonly majorZero: boolean
  /** floating tags may move to a lower version */
  readonly allowBackward: boolean
}

export const defaultTagPolicy: TagPolicy = {
  ...plainReading,
  levels: ['exact', 'minor', 'major', 'latest'],
  v: 'none',
  channels: [],
  majorZero: false,
  allowBackward: false,
}
