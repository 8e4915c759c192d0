import type { RecordedPuts } from '../../audit/query/recorded-puts.ts'
import type { CurrentRepository } from '../../execute/ports.ts'
import type { ContentStore } from '../../images/cache/content-store.ts'
import type { RepositoryName, TagOrDigest } from '../../oci/reference.ts'
import type { PruneOutcome } from '../../plan/prune/prune-outcome.ts'
import type { PrunePlan } from '../../plan/prune/prune-plan.ts'

export interface PruneTypes {
  readonly plan: PrunePlan
  readonly findings: PruneFindings
  readonly outcome: PruneOutcome
}

/** The images in use in a repository. */
type UsedIn = (repository: RepositoryName) => readonly TagOrDigest[]

export interface PruneFindings {
  /** when the reading began, ms */
  readonly readAt: number
  /** the cache of the content that was read for the plan */
  readonly contents: ContentStore | undefined
  /** what other runs put into repositories since the reading began */
  readonly recordedPuts: RecordedPuts
  /** repeats the reads of images in use, if a question came between */
  readonly readInUse: () => Promise<UsedIn>
  /** of a saved plan: the images in use and the repositories of its review */
  readonly usedNow?: UsedIn
  readonly current?: (repository: RepositoryName) => CurrentRepository | undefined
  /** interrupted runs, the rest of which this plan deletes */
  readonly resumed: readonly string[]
}
