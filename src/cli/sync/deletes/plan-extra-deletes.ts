import type { Call } from '../../../lib/call.ts'
import { formatRepository, type RepositoryName } from '../../../oci/reference.ts'
import {
  type DeletesOptions,
  planDeletes,
  type PlannedTagDeletes,
} from '../../prune/chosen-tags/plan-deletes.ts'
import type { Context } from '../../wiring/context.ts'
import { chosenBy, hashOfRules, policyNameOf } from './delete-policy.ts'
import type { ExclusiveRepository, HeldDeletes } from './exclusive-repository.ts'
import { findDeletable } from './find-deletable.ts'

export interface ExtraDeletes extends PlannedTagDeletes {
  readonly held: readonly HeldDeletes[]
}

/**
 * Plans the deletes of the extra tags of exclusive destinations. It reads only repositories with
 * tags to delete.
 * @throws as `planDeletes`.
 */
export async function planExtraDeletes(
  repositories: readonly ExclusiveRepository[],
  options: DeletesOptions,
  context: Context,
  call: Call,
): Promise<ExtraDeletes> {
  const rules = [...new Set(repositories.map(({ rule }) => rule))]
  let held: readonly HeldDeletes[] = []
  const planned = await planDeletes(
    { policy: hashOfRules(rules), policyName: policyNameOf(rules) },
    async () => {
      const found = await findDeletableNow(repositories, context, call)
      held = found.held
      const byRule = Map.groupBy(found.deletable, ({ repository }) => repository.rule)
      return [...byRule].map(([rule, those]) => chosenBy(rule, those))
    },
    options,
    context,
    call,
  )
  const reasons = held.map(
    ({ repository, reason }) => `${formatRepository(repository.target.repository)}: ${reason}`,
  )
  return { ...planned, warnings: [...new Set([...reasons, ...planned.warnings])], held }
}

/** The extra tags of each repository that may be deleted now. @throws as `findDeletable`. */
export async function findDeletableNow(
  repositories: readonly ExclusiveRepository[],
  context: Context,
  call: Call,
): ReturnType<typeof findDeletable> {
  const stores = await context.stores()
  const ports = { source: (of: RepositoryName) => stores.source(of), now: context.clock.now() }
  return await findDeletable(repositories, ports, call)
}
