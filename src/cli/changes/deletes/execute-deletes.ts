import { formatRepository, type RepositoryName } from '../../../oci/reference.ts'
import type { RunOutcome } from '../../../plan/outcome.ts'
import { hashOfPlan, keepSavedHash } from '../../../plan/plan-hash.ts'
import { type DeletingOutcome, type DeletingPlan, deletesOf } from '../../../plan/prune/deleting-plan.ts'
import type { PrunePlan } from '../../../plan/prune/prune-plan.ts'
import type { PruneFindings } from '../../prune/prune-types.ts'
import { isPlaced } from '../execute-placements.ts'
import type { ChangePorts, Executed } from '../operation.ts'
import type { DeletingTypes } from './deleting-operation.ts'

interface ExecutedDeletes {
  readonly outcome?: Pick<DeletingOutcome, 'deletes' | 'undeleted'>
  readonly steps?: Executed<DeletingTypes>['deleted']
}

export interface DeletesAfterCopies {
  readonly plan: DeletingPlan
  /** of the copies and tags */
  readonly outcome: RunOutcome
  /** repositories in which nothing is deleted, in addition to those with a failed placement */
  readonly incomplete: ReadonlySet<string>
  readonly findings: PruneFindings | undefined
}

/** Executes the deletes in the repositories in which every copy and tag succeeded. */
export async function executeDeletes(
  { plan, outcome, incomplete, findings }: DeletesAfterCopies,
  isConfirmed: boolean,
  ports: ChangePorts,
): Promise<ExecutedDeletes> {
  const deletes = deletesOf(plan)
  if (deletes === undefined || findings === undefined || ports.stop.aborted) return {}
  const { allowed, undeleted } = limitDeletes(deletes, plan, outcome, incomplete)
  keepSavedHash(allowed, hashOfPlan(plan))
  const { pruneOperation } = await import('../../prune/prune-operation.ts')
  const done = await pruneOperation.execute(allowed, findings, isConfirmed, ports)
  return {
    outcome: { deletes: done.outcome, undeleted },
    ...(done.deleted !== undefined && { steps: done.deleted }),
  }
}

/** Removes the deletes of repositories in which something did not succeed. Pure. */
function limitDeletes(
  deletes: PrunePlan,
  { placements }: Pick<DeletingPlan, 'placements'>,
  outcome: Pick<RunOutcome, 'placements'>,
  incomplete: ReadonlySet<string>,
): { readonly allowed: PrunePlan; readonly undeleted: readonly RepositoryName[] } {
  const placed = new Set(outcome.placements.filter(isPlaced).map(({ placement }) => placement))
  const failed = new Set(
    placements.flatMap(({ id, to }) => (placed.has(id) ? [] : [formatRepository(to.repository)])),
  )
  const isIncomplete = ({ repository }: PrunePlan['repositories'][number]): boolean =>
    failed.has(formatRepository(repository)) || incomplete.has(formatRepository(repository))
  return {
    allowed: {
      ...deletes,
      repositories: deletes.repositories.map((one) => (isIncomplete(one) ? { ...one, steps: [] } : one)),
    },
    undeleted: deletes.repositories
      .filter((one) => isIncomplete(one) && one.steps.length > 0)
      .map(({ repository }) => repository),
  }
}
