/** The flags of `dray config init` that choose the content. */
export interface InitFlags {
  readonly registry: string | undefined
  /** `NAME`, `NAME=PATH` or `NAME=REGISTRY/PATH` */
  readonly env: readonly string[]
  readonly image: readonly string[]
  /** the name of a starting policy */
  readonly retention: string | undefined
  /** the environment of the policy; by default the first */
  readonly clean: string | undefined
  /** kinds of gates for the last environment, separated by commas */
  readonly gates: string | undefined
}
