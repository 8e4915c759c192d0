import type { DeleteStep, PrunePlan } from '../../../src/plan/prune/prune-plan.ts'
import type { Verdicts } from './oracle.ts'

/**
 * Where a plan differs from the verdicts of the oracle.
 * @param dangling tags in the list that have no manifest
 */
export function planComplaints(
  { repositories: [plan], refusals }: PrunePlan,
  verdicts: Verdicts,
  dangling: ReadonlySet<string>,
): readonly string[] {
  if (plan === undefined) return ['the plan has no repository']
  const isRefused = verdicts.refused !== undefined
  const refusal = refusals.map(({ error }) => error.message).join('; ')
  if (isRefused !== refusals.length > 0)
    return [`the oracle refuses by ${verdicts.refused ?? 'no limit'}, and dray says: ${refusal}`]
  const complaints: string[] = []
  const expect = (
    name: string,
    actual: string | undefined,
    expected: readonly string[],
    why: string,
  ): void => {
    if (!expected.includes(actual ?? 'none'))
      complaints.push(
        `the plan: ${name} is ${actual ?? 'not there'} (${why}), expected ${expected.join(' or ')}`,
      )
  }
  for (const { tag, digest, verdict, why } of plan.tags) {
    if (digest === null) {
      expect(tag, verdict, ['keep'], why.text)
      if (!dangling.has(tag)) complaints.push(`the plan: ${tag} has no digest`)
    } else expect(`${tag} on ${digest.slice(7, 15)}`, verdict, expectedVerdicts(tag, verdicts), why.text)
  }
  const steps = new Map<string, DeleteStep>(
    plan.steps.flatMap((step) =>
      step.kind === 'deleteManifest' ? [[step.target.digest, step] as const] : [],
    ),
  )
  const garbage = isRefused ? new Set<string>() : verdicts.garbage
  for (const digest of garbage)
    if (!steps.has(digest))
      complaints.push(`the plan: ${digest.slice(7, 15)} is not deleted, although it is garbage`)
  for (const [digest, { why }] of steps)
    if (!garbage.has(digest))
      complaints.push(`the plan: ${digest.slice(7, 15)} is deleted, although it is kept (${why.text})`)
  const { images, deleted } = verdicts.count
  if (plan.count.images !== images || plan.count.deleted !== deleted)
    complaints.push(`the plan: counts ${JSON.stringify(plan.count)}, expected ${images} and ${deleted}`)
  return complaints
}

function expectedVerdicts(tag: string, verdicts: Verdicts): readonly string[] {
  if (verdicts.deletedTags.has(tag)) return ['delete']
  // A registry that cannot delete single tags keeps them.
  if (verdicts.untagged.has(tag)) return ['untag', 'keep']
  if (verdicts.optional.has(tag)) return ['untag', 'keep', 'delete']
  return ['keep']
}
