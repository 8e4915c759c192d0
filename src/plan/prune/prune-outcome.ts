import type { ErrorInfo } from '../../lib/errors.ts'
import { isEvidenceTag } from '../../oci/evidence-tags.ts'
import { type RepositoryName, sameRepository } from '../../oci/reference.ts'
import type { StepId } from '../plan.ts'
import type { DeleteManifestStep, DeleteStep, PrunePlan, PruneRefusal, RepositoryPlan } from './prune-plan.ts'

/** The outcome of one delete. */
export interface DeleteOutcome {
  readonly step: StepId
  readonly repository: RepositoryName
  readonly result:
    | 'done'
    /** it did not exist any more */
    | 'unchanged'
    /**
     * the registry cannot delete this one, which is no error: a tag if it deletes no tags, a child
     * that an index needs
     */
    | 'kept'
    /** something reaches it that did not when the plan was made: it is kept */
    | 'conflict'
    /** the registry does not allow deletes here, or not to this user */
    | 'refused'
    | 'failed'
    | 'notAttempted'
  /** with all results except `done` and `unchanged` */
  readonly error?: ErrorInfo
  /** losses of another client that wrote between the check and the delete */
  readonly losses?: readonly ErrorInfo[]
}

/** The deletes of one repository, counted. */
export interface RepositoryOutcome {
  readonly repository: RepositoryName
  readonly image: string
  readonly status: 'pruned' | 'unchanged' | 'refused' | 'conflict' | 'failed' | 'notAttempted'
  /** manifests that were deleted */
  readonly deleted: number
  /** of these, those that had an image tag */
  readonly images: number
  /** tags that were deleted alone */
  readonly untagged: number
  readonly absent: number
  readonly kept: number
  readonly conflicts: number
  readonly failed: number
  /** includes those that the registry refused: after the first one, no other is sent */
  readonly notAttempted: number
  /**
   * bytes: as planned if every manifest is deleted; else those of the deleted manifests alone,
   * because others may need their blobs
   */
  readonly freed: number
  readonly errors: readonly ErrorInfo[]
}

export interface PruneOutcome {
  readonly repositories: readonly RepositoryOutcome[]
  readonly refusals: readonly PruneRefusal[]
}

type DeleteResult = DeleteOutcome['result']

/** A step with its outcome. */
interface EndedStep {
  readonly step: DeleteStep
  readonly result: DeleteResult
  readonly error?: ErrorInfo
  readonly losses: readonly ErrorInfo[]
}

/**
 * Combines the outcomes of the repositories. In a repository without one nothing was attempted.
 * Pure.
 */
export function summarisePrune(
  plan: PrunePlan,
  ended: ReadonlyMap<RepositoryPlan, RepositoryOutcome>,
): PruneOutcome {
  const repositories = plan.repositories.map((one) => ended.get(one) ?? summariseRepository(plan, one, []))
  return { repositories, refusals: plan.refusals }
}

/** Sums up the deletes of a repository. Steps without an outcome count as not attempted. Pure. */
export function summariseRepository(
  plan: PrunePlan,
  one: RepositoryPlan,
  outcomes: readonly DeleteOutcome[],
): RepositoryOutcome {
  const { repository, image, freed } = one
  const byStep = new Map(outcomes.map((outcome) => [outcome.step, outcome]))
  const ended = one.steps.map((step): EndedStep => {
    const { result = 'notAttempted', error, losses = [] } = byStep.get(step.id) ?? {}
    return { step, result, losses, ...(error !== undefined && { error }) }
  })
  const refusals = plan.refusals.filter(
    (refusal) => refusal.repository === undefined || sameRepository(refusal.repository, repository),
  )
  const count = (...results: readonly DeleteResult[]): number =>
    ended.filter(({ result }) => results.includes(result)).length
  const deleted = ended.flatMap(({ step, result }) =>
    step.kind === 'deleteManifest' && result === 'done' ? [step] : [],
  )
  return {
    repository,
    image,
    status: refusals.length > 0 ? 'refused' : statusOf(ended),
    deleted: deleted.length,
    images: deleted.filter(({ losesTags }) => losesTags.some((tag) => !isEvidenceTag(tag))).length,
    untagged: count('done') - deleted.length,
    absent: count('unchanged'),
    kept: count('kept'),
    conflicts: count('conflict'),
    failed: count('failed'),
    notAttempted: count('notAttempted', 'refused'),
    freed: freedBy(freed, deleted, ended),
    errors: distinct([...refusals.map(({ error }) => error), ...ended.flatMap(reportedErrors)]),
  }
}

/**
 * The worst result; a repository is pruned if one step is done and no step has a worse result. A
 * delete that took something from another client is a conflict too.
 */
function statusOf(ended: readonly EndedStep[]): RepositoryOutcome['status'] {
  const results = new Set<DeleteResult>(
    ended.flatMap(({ result, losses }) => (losses.length === 0 ? [result] : [result, 'conflict'])),
  )
  const worst = (['failed', 'refused', 'conflict', 'notAttempted'] as const).find((one) => results.has(one))
  return worst ?? (results.has('done') ? 'pruned' : 'unchanged')
}

/** The bytes that this run has freed, without what was gone before. */
function freedBy(
  planned: number,
  deleted: readonly DeleteManifestStep[],
  ended: readonly EndedStep[],
): number {
  if (deleted.length === 0) return 0
  const isWhole = ended.every(
    ({ step, result }) => step.kind === 'deleteTag' || result === 'done' || result === 'unchanged',
  )
  return isWhole ? planned : deleted.reduce((sum, { target }) => sum + target.size, 0)
}

/**
 * The failed step before it explains a step that was not attempted, and a kept step is no error.
 */
function reportedErrors({ result, error, losses }: EndedStep): readonly ErrorInfo[] {
  if (losses.length > 0) return losses
  return error === undefined || result === 'notAttempted' || result === 'kept' ? [] : [error]
}

/** Equal errors of several steps are reported once. */
function distinct(errors: readonly ErrorInfo[]): readonly ErrorInfo[] {
  return [...new Map(errors.map((error) => [JSON.stringify(error), error])).values()]
}
