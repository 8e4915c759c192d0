import type { DrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { isEvidenceTag } from '../../oci/evidence-tags.ts'
import { formatRepository, sameRepository } from '../../oci/reference.ts'
import { invalidPlan } from '../invalid-plan.ts'
import type { StepId } from '../plan.ts'
import type { DeleteStep, PrunePlan, RepositoryPlan, TagVerdict } from './prune-plan.ts'

/**
 * Checks that a plan deletes what it shows and nothing else: a step stays within its repository; a
 * manifest is deleted with exactly the tags that are shown on it, all of them with the verdict
 * `delete`; a tag is deleted alone only if its digest is kept; nothing in use or with a kept tag is
 * deleted; a refused repository has no steps; only untagged manifests are deleted as such; and
 * `after` names earlier steps of the same repository.
 * @throws `malformed`.
 */
export function checkPruneConsistency(plan: PrunePlan, name: string): void {
  const seen = new Set<string>()
  const refused = new Set(
    plan.refusals.flatMap(({ repository, rule }) =>
      rule === undefined ? [repository && formatRepository(repository)] : [],
    ),
  )
  for (const one of plan.repositories) {
    const called = formatRepository(one.repository)
    const malformed = (why: string): DrayError => invalidPlan(name, `${called}: ${why}`)
    if (seen.has(called)) throw malformed('it occurs twice')
    seen.add(called)
    const isRefused = refused.has(undefined) || refused.has(called)
    if (one.steps.length > 0 && isRefused) throw malformed('it is refused, and it has steps')
    const contradiction = findContradiction(one)
    if (contradiction !== undefined) throw malformed(contradiction)
  }
}

/** A repository of the plan, indexed for the comparison with its steps. */
interface ShownRepository {
  readonly plan: RepositoryPlan
  readonly tags: ReadonlyMap<string, TagVerdict>
  /** tags by digest */
  readonly onDigest: ReadonlyMap<Digest | null, readonly TagVerdict[]>
  readonly deleted: ReadonlySet<Digest>
  /** manifests that a rule deletes because nothing reaches them */
  readonly untagged: ReadonlySet<Digest>
  readonly kept: ReadonlySet<Digest>
}

function findContradiction(plan: RepositoryPlan): string | undefined {
  const tags = new Map(plan.tags.map((one) => [one.tag, one]))
  if (tags.size < plan.tags.length) return 'a tag occurs twice'
  if (new Set(plan.others.map(({ digest }) => digest)).size < plan.others.length)
    return 'a manifest occurs twice'
  if (plan.steps.length > 0 && !isCounted(plan)) return 'the count of images does not match its tags'
  const verdicts = [...plan.tags, ...plan.others]
  const digestsOf = (isMeant: (verdict: string) => boolean): ReadonlySet<Digest> =>
    new Set(verdicts.flatMap((one) => (one.digest !== null && isMeant(one.verdict) ? [one.digest] : [])))
  const shown: ShownRepository = {
    plan,
    tags,
    onDigest: Map.groupBy(plan.tags, ({ digest }) => digest),
    deleted: digestsOf((verdict) => verdict === 'delete'),
    untagged: new Set(plan.others.flatMap(({ role, digest }) => (role === 'untagged' ? [digest] : []))),
    kept: new Set([...digestsOf((verdict) => verdict !== 'delete'), ...plan.roots]),
  }
  const ids = new Set<StepId>()
  const gone = new Set<string>()
  for (const step of plan.steps) {
    if (ids.has(step.id)) return `the step ${step.id} occurs twice`
    const unknown = step.after.find((other) => !ids.has(other))
    if (unknown !== undefined) return `step ${step.id} comes after ${unknown}, which is not an earlier step`
    if (!sameRepository(step.repository, plan.repository)) return `step ${step.id} is of another repository`
    const what = step.kind === 'deleteTag' ? step.tag : step.target.digest
    if (gone.has(what)) return `step ${step.id} deletes ${what} again`
    if (!isShown(step, shown)) return `step ${step.id} does not match the verdicts of the plan`
    ids.add(step.id)
    gone.add(what)
  }
  return undefined
}

/** Whether the counts match the tags that are shown: the confirmation depends on them. */
function isCounted({ tags, count, others }: RepositoryPlan): boolean {
  const superseded = others.filter(({ role, verdict }) => role === 'superseded' && verdict === 'delete')
  if (superseded.length !== (count.superseded ?? 0)) return false
  const untagged = others.filter(({ role, verdict }) => role === 'untagged' && verdict === 'delete')
  if (untagged.length !== (count.untaggedManifests ?? 0)) return false
  const named = tags.filter(({ tag, digest }) => digest !== null && !isEvidenceTag(tag))
  const distinct = (those: readonly TagVerdict[]): number => new Set(those.map(({ digest }) => digest)).size
  const deleted = named.filter(({ verdict }) => verdict === 'delete')
  return distinct(named) === count.images && distinct(deleted) === count.deleted
}

function isShown(step: DeleteStep, { tags, onDigest, deleted, untagged, kept }: ShownRepository): boolean {
  if (step.kind === 'deleteTag') {
    const shown = tags.get(step.tag)
    return shown?.verdict === 'untag' && shown.digest === step.digest && !deleted.has(step.digest)
  }
  const { digest } = step.target
  const lost = new Set(step.losesTags)
  const on = onDigest.get(digest) ?? []
  return (
    deleted.has(digest) &&
    untagged.has(digest) === (step.untagged === true) &&
    !kept.has(digest) &&
    lost.size === step.losesTags.length &&
    lost.size === on.length &&
    on.every(({ tag, verdict }) => verdict === 'delete' && lost.has(tag))
  )
}
