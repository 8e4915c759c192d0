import type { RecordedPuts } from '../../../audit/query/recorded-puts.ts'
import type { Call } from '../../../lib/call.ts'
import { DrayError } from '../../../lib/errors.ts'
import { formatRepository } from '../../../oci/reference.ts'
import type { PrunePlan, RepositoryPlan } from '../../../plan/prune/prune-plan.ts'
import { checkPlanLimits } from '../../../usecases/prune/review.ts'
import type { Review } from '../../changes/operation.ts'
import { deletePolicy, scopeOfDeletes } from '../../prune/chosen-tags/delete-policy.ts'
import { type DeletesOptions, readForDeletes } from '../../prune/chosen-tags/plan-deletes.ts'
import { beginRecordedPuts } from '../../prune/prune-inputs.ts'
import type { PruneTypes } from '../../prune/prune-types.ts'
import { reviewDeletes, withoutPlanLimits } from '../../prune/review-prune.ts'
import type { Context } from '../../wiring/context.ts'
import { chosenBy, hashOfRules } from './delete-policy.ts'
import type { ExclusiveRepository } from './exclusive-repository.ts'
import { findDeletableNow } from './plan-extra-deletes.ts'

const ruleChanged =
  'a sync rule with deletes changed since the plan was made. dray checks the deletes against the current rule.'

/**
 * Decides the deletes of a saved plan of a sync again. A delete is executed only if its tag is
 * extra now too, by the current rule and the current list of the source.
 * @param repositories the exclusive destinations, as they were read for this review
 * @throws `refused` if the plan deletes in a repository of no such rule, or passes a limit.
 */
export async function reviewExtraDeletes(
  plan: PrunePlan,
  repositories: readonly ExclusiveRepository[],
  options: Omit<DeletesOptions, 'cache'>,
  context: Context,
  call: Call,
): Promise<Review<PruneTypes>> {
  const saved = plan.repositories.filter(({ steps }) => steps.length > 0)
  const byName = new Map(repositories.map((one) => [formatRepository(one.target.repository), one]))
  const own = saved.map((one) => ownerOf(one, byName))
  const { deletable, held } = await findDeletableNow(own, context, call)
  const names = own.map(({ target }) => target.repository)
  const { protect, shared } = await readForDeletes(names, { ...options, cache: true }, context, call)
  const { config } = await context.config()
  const now = new Map(deletable.map((one) => [one.repository, one]))
  const policies = [...Map.groupBy(own, ({ rule }) => rule)].map(([rule, those]) => {
    const tagged = those.map((repository) => ({
      repository,
      tags: now.get(repository)?.tags ?? [],
      waiting: new Map<string, number>(),
    }))
    const chosen = chosenBy(rule, tagged)
    const retention = deletePolicy(chosen, protect)
    return { retention, scope: scopeOfDeletes(retention, chosen, config) }
  })
  const [first] = policies
  if (first === undefined)
    return nothingToReview(await beginRecordedPuts(options.auditFile, context), context)
  const scope = { ...first.scope, repositories: policies.flatMap((one) => one.scope.repositories) }
  const { cache } = shared
  const inputs = {
    ...shared,
    ...first,
    scope,
    // Referrers are read again, so that this reading counts as the one before the first delete.
    cache: cache === undefined ? undefined : { ...cache, last: async () => await Promise.resolve(undefined) },
  }
  const { reviewed, review } = await reviewDeletes(
    plan,
    inputs,
    { auditFile: options.auditFile, planAgain: 'dray sync --dry-run --out FILE' },
    context,
    call,
  )
  for (const { retention, scope: part } of policies) {
    const those = new Set(part.repositories.map(({ repository }) => formatRepository(repository)))
    const breach = checkPlanLimits(
      reviewed.filter(({ repository }) => those.has(formatRepository(repository))),
      retention.limits,
    )
    if (breach !== undefined) throw withoutPlanLimits(breach)
  }
  const rules = [...new Set(repositories.map(({ rule }) => rule))]
  return {
    ...review,
    warnings: [
      ...held.map(({ repository, reason }) => `${formatRepository(repository.target.repository)}: ${reason}`),
      ...(plan.policy === hashOfRules(rules) ? [] : [ruleChanged]),
    ],
  }
}

function nothingToReview(recordedPuts: RecordedPuts, { clock }: Context): Review<PruneTypes> {
  const readAt = clock.now()
  const readInUse = async (): Promise<() => []> => await Promise.resolve(() => [])
  const findings = { readAt, contents: undefined, recordedPuts, readInUse, resumed: [] }
  return { findings, startedAt: readAt, warnings: [], omissions: [] }
}

/** @throws `refused`. */
function ownerOf(
  { repository }: RepositoryPlan,
  byName: ReadonlyMap<string, ExclusiveRepository>,
): ExclusiveRepository {
  const name = formatRepository(repository)
  const found = byName.get(name)
  if (found !== undefined) return found
  throw new DrayError('refused', `no sync rule deletes in ${name}`, {
    subject: name,
    why: 'a plan deletes only in the destinations of rules with delete: { exclusive: true }',
    hint: 'Pass the dray.yaml that the plan was made with: --config FILE. If it changed, make a new plan.',
  })
}
