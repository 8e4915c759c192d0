import type { RecordedPut } from '../audit/query/recorded-puts.ts'
import type { Digest } from '../oci/digest.ts'
import type { RepositoryName, TagOrDigest } from '../oci/reference.ts'
import type { StepId } from '../plan/plan.ts'
import type { DeleteOutcome } from '../plan/prune/prune-outcome.ts'
import type { DeleteStep, RepositoryPlan } from '../plan/prune/prune-plan.ts'
import type { Reviewed } from '../plan/review.ts'
import type { SigningKey } from '../signing/signing-keys.ts'
import type { RepositoryReader } from '../images/graph/repository-reader.ts'
import type { Inventories } from '../images/inventory/inventory.ts'
import type { Repositories } from '../images/ports.ts'
import type { SettledDelete } from './deletes/delete-ledger.ts'
import type { ConflictPorts } from './records/explain-conflict.ts'
import type { RecordPorts } from './records/record-writer.ts'
import type { GateChecks } from './tags/gate-checks.ts'
import type { TagLocks } from './tags/tag-locks.ts'

/** The ports that the execution of every plan needs. */
interface RunPorts extends RecordPorts {
  readonly stores: Repositories
  /**
   * aborted: no further step is begun, content is interrupted, a tag or delete that is under way is
   * finished
   */
  readonly stop: AbortSignal
  /**
   * When the reading of the registries began on which the plan, or the review of a saved plan,
   * rests, in milliseconds. Absent if it was read for another run, or if a person was asked since:
   * then all of it is checked before anything is changed.
   */
  readonly readAt?: number
}

export interface ExecutePorts extends RunPorts {
  /** signs attestations; they are not signed if it is absent */
  readonly signingKey?: SigningKey
  /** if absent, each tag is checked once more just before it is written */
  readonly tagLocks?: TagLocks | undefined
  /** what a review of a saved plan found */
  readonly reviewed?: Pick<Reviewed, 'obstacles' | 'expect'>
  /** evaluates gates again before tags are written; absent if no environment has gates */
  readonly gates?: GateChecks | undefined
  /** explains conflicts; they are not explained if it is absent */
  readonly conflicts?: ConflictPorts
}

export interface PrunePorts extends RunPorts {
  /** reads the whole repository; it may know manifests of earlier readings */
  readonly reader: (repository: RepositoryName) => RepositoryReader
  /** the inventories of registries, which also delete; absent: only the OCI API is used */
  readonly inventory?: Inventories['inventory']
  /** images that are in use by now, beside those that the plan knows */
  readonly usedNow?: (repository: RepositoryName) => readonly TagOrDigest[]
  /** what other runs put into a repository since it was read for the plan (audit log) */
  readonly recordedPuts?: (repository: RepositoryName) => Promise<readonly RecordedPut[]>
  /** the newest record of the run that put a digest into a repository (audit log) */
  readonly findPut?: (repository: RepositoryName, digest: Digest) => Promise<RecordedPut | undefined>
  /** whether the registry refused to delete the item in an earlier run: it comes last */
  readonly comesLast?: (step: DeleteStep) => boolean
  /** registries that deleted an image together with a tag in an earlier run */
  readonly neverUntag?: readonly string[]
  /** what the review of a saved plan found */
  readonly current?: (repository: RepositoryName) => CurrentRepository | undefined
  /**
   * Is called when a repository has ended, with an outcome for every step. They are not kept: a
   * plan can have very many.
   */
  readonly ended: (plan: RepositoryPlan, outcomes: readonly DeleteOutcome[]) => void
  /** for one repository; the default is 16 */
  readonly deletesAtOnce?: number
}

/** The content of a repository in the review of a saved plan. */
export interface CurrentRepository extends Pick<RepositoryPlan, 'referrers'> {
  /** steps that are not executed, with their outcomes */
  readonly settled: ReadonlyMap<StepId, SettledDelete>
}
