import type { Reading } from './version.ts'

/** A tag that follows from a version: 1.4.2 (exact), 1.4 (minor), 1 (major), latest. */
export type TagLevel = 'exact' | 'minor' | 'major' | 'latest'

/** What the tags of a version are, and which may move. */
export interface TagPolicy extends Reading {
  /** `exact` is among them always */
  readonly levels: readonly TagLevel[]
  /** whether tags begin with `v` where the repository does not say so itself: as the version was given, never, always */
  readonly v: 'keep' | 'none' | 'always'
  /** first identifiers of pre-releases that have a floating tag of their name */
  readonly channels: readonly string[]
  /** `0` is kept up as `1` is */
  readonly majorZero: boolean
  /** floating tags move to a lower version too */
  readonly allowBackward: boolean
}

/** What is in force where nothing is configured. */
export const defaultTagPolicy: TagPolicy = {
  levels: ['exact', 'minor', 'major', 'latest'],
  v: 'none',
  channels: [],
  majorZero: false,
  buildMetadata: false,
  allowBackward: false,
}
