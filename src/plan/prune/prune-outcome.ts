import type { ErrorInfo } from '../../lib/errors.ts'
import { isEvidenceTag } from '../../oci/evidence-tags.ts'
import { formatRepository, type RepositoryName } from '../../oci/reference.ts'
import type { StepId } from '../plan.ts'
import type { DeleteManifestStep, DeleteStep, PrunePlan, PruneRefusal, RepositoryPlan } from './prune-plan.ts'

/** What became of one delete. */
export interface DeleteOutcome {
  readonly step: StepId
  readonly repository: RepositoryName
  readonly result:
    | 'done'
    /** it was gone already */
    | 'unchanged'
    /** the registry does not delete this one, and nothing is wrong with that: a tag where tags cannot be deleted, a child that it holds */
    | 'kept'
    /** something reaches it now that did not when the plan was made: it stays */
    | 'conflict'
    /** the registry does not let manifests be deleted here, or not by this user */
    | 'refused'
    | 'failed'
    | 'notAttempted'
  /** with all but `done` and `unchanged` */
  readonly error?: ErrorInfo
}

/** The deletes of one repository, counted. */
export interface RepositoryOutcome {
  readonly repository: RepositoryName
  readonly image: string
  readonly status: 'pruned' | 'unchanged' | 'refused' | 'conflict' | 'failed' | 'notAttempted'
  /** manifests that were deleted */
  readonly deleted: number
  /** of these, those that had a tag of a person */
  readonly images: number
  /** tags that were taken off a digest that stays */
  readonly untagged: number
  readonly absent: number
  readonly kept: number
  readonly conflicts: number
  readonly failed: number
  /** those too that the registry refused: after the first of them none is sent */
  readonly notAttempted: number
  /** bytes: as planned, where no manifest of it stayed; else what is sure, the deleted manifests alone: another may still need their blobs */
  readonly freed: number
  readonly errors: readonly ErrorInfo[]
}

export interface PruneOutcome {
  readonly repositories: readonly RepositoryOutcome[]
  readonly refusals: readonly PruneRefusal[]
}

type Result = DeleteOutcome['result']

/** A step with what became of it. */
interface EndedStep {
  readonly step: DeleteStep
  readonly result: Result
  readonly error?: ErrorInfo
}

/** Sums the outcomes of deletes up for each repository: pure. Steps without an outcome count as not attempted. */
export function summarisePrune(plan: PrunePlan, outcomes: readonly DeleteOutcome[]): PruneOutcome {
  const byStep = new Map(outcomes.map((outcome) => [keyOf(outcome.repository, outcome.step), outcome]))
  const refusalsOf = Map.groupBy(
    plan.refusals,
    ({ repository }) => repository && formatRepository(repository),
  )
  const repositories = plan.repositories.map((one) => {
    const ended = one.steps.map((step): EndedStep => {
      const { result = 'notAttempted', error } = byStep.get(keyOf(one.repository, step.id)) ?? {}
      return { step, result, ...(error !== undefined && { error }) }
    })
    const refusals = [
      ...(refusalsOf.get(formatRepository(one.repository)) ?? []),
      ...(refusalsOf.get(undefined) ?? []),
    ]
    return summariseRepository(one, ended, refusals)
  })
  return { repositories, refusals: plan.refusals }
}

function summariseRepository(
  { repository, image, freed }: RepositoryPlan,
  ended: readonly EndedStep[],
  refusals: readonly PruneRefusal[],
): RepositoryOutcome {
  const count = (...results: readonly Result[]): number =>
    ended.filter(({ result }) => results.includes(result)).length
  const deleted = ended.flatMap(({ step, result }) =>
    step.kind === 'deleteManifest' && result === 'done' ? [step] : [],
  )
  return {
    repository,
    image,
    status: refusals.length > 0 ? 'refused' : statusOf(new Set(ended.map(({ result }) => result))),
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

/** The worst of them; a repository where only some was to be done, and is done, is pruned. */
function statusOf(results: ReadonlySet<Result>): RepositoryOutcome['status'] {
  const worst = (['failed', 'refused', 'conflict', 'notAttempted'] as const).find((one) => results.has(one))
  return worst ?? (results.has('done') ? 'pruned' : 'unchanged')
}

/** What this run has freed: what was gone before was another's. */
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

/** Why a step was not attempted stands with the step that failed before it, and what is kept is no complaint. */
function reportedErrors({ result, error }: EndedStep): readonly ErrorInfo[] {
  return error === undefined || result === 'notAttempted' || result === 'kept' ? [] : [error]
}

/** What went wrong with several steps alike is told once. */
function distinct(errors: readonly ErrorInfo[]): readonly ErrorInfo[] {
  return [...new Map(errors.map((error) => [JSON.stringify(error), error])).values()]
}

function keyOf(repository: RepositoryName, step: StepId): string {
  return `${step} ${formatRepository(repository)}`
}
