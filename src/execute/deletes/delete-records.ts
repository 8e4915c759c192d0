import type { Digest } from '../../oci/digest.ts'
import type { DeleteOutcome } from '../../plan/prune/prune-outcome.ts'
import type { DeleteStep, PrunePlan, RepositoryPlan } from '../../plan/prune/prune-plan.ts'
import { formatRepository } from '../../oci/reference.ts'
import type { RecordFields } from '../records/record-writer.ts'

/** A step with its outcome. */
export interface EndedDelete {
  readonly step: DeleteStep
  readonly outcome: DeleteOutcome
  /** what the tag of the step points at, if it is not what the plan saw */
  readonly found?: Digest
}

/** One record for each refusal. The refusal of the whole run names no image. */
export function refusalRecords({ repositories, refusals }: PrunePlan): readonly RecordFields[] {
  const plans = new Map(repositories.map((one) => [formatRepository(one.repository), one]))
  return refusals.map(({ repository, error }) => ({
    ...imageOf(repository && plans.get(formatRepository(repository))),
    error,
  }))
}

export function intentRecord(plan: RepositoryPlan, step: DeleteStep): RecordFields {
  return { step, ...imageOf(plan), before: digestOf(step) }
}

export function outcomeRecord(plan: RepositoryPlan, { step, outcome, found }: EndedDelete): RecordFields {
  return {
    step,
    ...imageOf(plan),
    ...resultOf(step, outcome, found),
    ...(outcome.by !== undefined && { by: outcome.by }),
    ...(outcome.losesTags !== undefined && { losesTags: outcome.losesTags }),
    ...(outcome.error !== undefined && { error: outcome.error }),
  }
}

export function digestOf(step: DeleteStep): Digest {
  return step.kind === 'deleteTag' ? step.digest : step.target.digest
}

/**
 * Records have the same results for all operations: what a registry cannot delete, or keeps because
 * it is locked, is unchanged; what it does not allow, and what was not attempted, has failed. The
 * error says which.
 */
function resultOf(
  step: DeleteStep,
  { result }: DeleteOutcome,
  found = digestOf(step),
): Pick<RecordFields, 'result' | 'before' | 'after'> {
  const before = digestOf(step)
  switch (result) {
    case 'done':
      return { before, after: null, result }
    case 'unchanged':
      return { before: null, after: null, result }
    case 'kept':
    case 'locked':
      return { before, result: 'unchanged' }
    case 'conflict':
      return { before: found, result }
    case 'refused':
    case 'failed':
    case 'notAttempted':
      return { before, result: 'failed' }
  }
}

/**
 * The environment stands at both ends, as with every operation that changes an image in its place.
 */
function imageOf(plan: RepositoryPlan | undefined): Pick<RecordFields, 'image' | 'environment' | 'rule'> {
  if (plan === undefined) return {}
  const { image, environment, rule } = plan
  return {
    image,
    ...(environment !== undefined && { environment: { from: environment, to: environment } }),
    ...(rule !== undefined && { rule }),
  }
}
