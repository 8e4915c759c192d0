import type { Digest } from '../../oci/digest.ts'

/** The tags of a source repository that a rule selects. */
export interface TagSelection {
  /** in the order of the list */
  readonly tags: readonly SelectedByRule[]
  /**
   * tags of which `newest` needs the digests and times before it can count. Those that no other
   * entry selects are not in `tags`
   */
  readonly undecided: readonly string[]
  /** whole sentences with the fix, without the name of the repository */
  readonly warnings: readonly string[]
}

export interface SelectedByRule {
  readonly tag: string
  /** the index in `include` of the first entry that selects it; absent: there is no `include` */
  readonly entry?: number
  /** it was selected because its image has no believable time */
  readonly isUndated?: true
}

/** The image of a tag, as far as it was read. */
export interface TimedImage {
  /** undefined: it cannot be read, and the tag is selected if in doubt */
  readonly digest: Digest | undefined
  /** milliseconds since 1970; `undated`: no believable time; undefined: not read yet */
  readonly time?: number | 'undated'
}
