/** The tags of a source repository that a rule selects. */
export interface TagSelection {
  /** in the order of the list */
  readonly tags: readonly SelectedByRule[]
  /**
   * tags that only their time decides about: what `newest` needs to know before it can count. The
   * selection has none of them
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
