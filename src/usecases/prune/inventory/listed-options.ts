/** The facts that decide how much of a listed repository is read. */
export interface ListedReadingOptions {
  /** the registry counts a GET as a pull */
  readonly isGetCounted: boolean
  /** a rule selects manifests that nothing reaches */
  readonly findsUntagged: boolean
}
