/** What `dray promote` was told of the way that images take. */
export interface Way {
  /** images, or a source and a destination */
  readonly words: readonly string[]
  readonly from: string | undefined
  readonly to: string | undefined
}
