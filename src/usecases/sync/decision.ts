import type { DrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import type { RepositoryDrift } from '../../plan/sync/drift.ts'
import type { SyncTarget } from './snapshot.ts'
import type { DestinationState } from './sync-state.ts'

/** The decision of a run about one source repository of a rule. */
export interface SyncDecision {
  /** for each destination, in the order of the request */
  readonly drift: readonly RepositoryDrift[]
  /** the images that some destination lacks, or of which it lacks a tag or attached artifacts */
  readonly images: readonly SyncImage[]
  /** for each destination: the state to keep if everything that the plan does there succeeds */
  readonly states: readonly DestinationState[]
  /** selected tags of the source whose image cannot be read: they fail alone */
  readonly unread: readonly UnreadTag[]
  readonly warnings: readonly string[]
}

interface UnreadTag {
  /** as the name of an image */
  readonly name: string
  readonly error: DrayError
}

/** A digest of the source with its tags, at the destinations that need something of it. */
export interface SyncImage {
  /** `library/alpine:3.20`: the path below `from` and the first tag */
  readonly name: string
  readonly root: Digest
  /** the tags of the rule that are on it at the source */
  readonly tags: readonly string[]
  readonly destinations: readonly ImageDestination[]
}

export interface ImageDestination {
  readonly target: SyncTarget
  /** the tags to write; empty: only attached artifacts or platforms are missing */
  readonly tags: readonly string[]
  /** an earlier run copied fewer platforms than the rule selects now */
  readonly isIncomplete?: true
  /** why some of its tags must not move: the image is refused there */
  readonly refusals: readonly DrayError[]
}
