import type { Digest } from '../../oci/digest.ts'

/**
 * Knowledge of earlier runs about one destination repository of a rule. It can be lost: a tag
 * that another client moved then looks like a move of the source, and grace periods start again.
 */
export interface DestinationState {
  /** by tag: the digest that dray wrote or found up to date last */
  readonly written: ReadonlyMap<string, Digest>
  /**
   * by tag: digests that runs which did not end may have written there. They are no change by
   * another client
   */
  readonly beingWritten?: ReadonlyMap<string, readonly Digest[]>
  /**
   * by tag of an exclusive destination: the first run in which the rule did not select it, ms since
   * 1970
   */
  readonly absentSince: ReadonlyMap<string, number>
  /** by digest: when the referrers of its children were searched last, ms since 1970 */
  readonly childrenSearchedAt: ReadonlyMap<Digest, number>
  /** the platforms that the last run copied of each index; absent: all, or unknown */
  readonly platforms?: readonly string[]
  /** the tags of the last complete list of the source */
  readonly sourceTags?: number
  /** the last run without a failure in this repository, ms since 1970 */
  readonly succeededAt?: number
}

export const emptyState: DestinationState = {
  written: new Map(),
  absentSince: new Map(),
  childrenSearchedAt: new Map(),
}

/** Returns the platforms that two lists have in common; undefined means all platforms. Pure. */
export function platformsOfBoth(
  a: DestinationState['platforms'],
  b: DestinationState['platforms'],
): DestinationState['platforms'] {
  if (a === undefined || b === undefined) return a ?? b
  return a.filter((platform) => b.includes(platform))
}
