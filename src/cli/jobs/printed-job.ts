/** A scheduled run of a command in several shards. */
export interface PrintedJob {
  readonly command: 'sync' | 'prune'
  /** of the command, in addition to those of shards and files */
  readonly args: readonly string[]
  readonly shards: number
  /** the container image of dray */
  readonly image: string
  /** dray's action, with its version */
  readonly action: string
}
