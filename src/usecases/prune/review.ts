import type { Limits } from '../../config/retention/policy.ts'
import { DrayError, type ErrorInfo, toErrorInfo } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { isEvidenceTag } from '../../oci/evidence-tags.ts'
import { formatAt, formatRepository, type RepositoryName } from '../../oci/reference.ts'
import type { StepId } from '../../plan/plan.ts'
import type {
  DeleteManifestStep,
  DeleteStep,
  DeleteTagStep,
  RepositoryPlan,
  TagVerdict,
} from '../../plan/prune/prune-plan.ts'
import { countDeletes } from '../../plan/prune/count-deletes.ts'
import { checkRepositoryLimits, checkRunLimits } from './policy/limits.ts'

/** The kept part of the review of a repository: its plans may be large. */
export interface ReviewedRepository {
  readonly repository: RepositoryName
  /** digests that have an image tag now: all of them, and those that are deleted */
  readonly count: RepositoryPlan['count']
  /** steps that are not executed, each with the reason */
  readonly rejected: ReadonlyMap<StepId, ErrorInfo>
}

/**
 * Returns the deletes of a saved plan that the current policy does not decide. Nothing in the file
 * is trusted: not its tags, roots, reasons or order. A delete is executed only if it is decided now
 * as well. Pure.
 * @param isKnown whether a manifest was found by reading the repository
 * @param planAgain the command for a new plan
 */
export function rejectDeletes(
  saved: RepositoryPlan,
  now: RepositoryPlan,
  isKnown: (digest: Digest) => boolean,
  planAgain: string = commandOf(saved),
): ReadonlyMap<StepId, ErrorInfo> {
  const compared = comparePlans(saved, now)
  const rejected = new Map<StepId, ErrorInfo>()
  for (const step of saved.steps) {
    const before = step.after.some((id) => rejected.has(id))
      ? 'a manifest that leads to it is kept'
      : undefined
    const why =
      before ??
      (step.kind === 'deleteTag' ? whyTagIsKept(step, compared) : whyManifestIsKept(step, compared, isKnown))
    if (why !== undefined) rejected.set(step.id, conflict(step, why, planAgain))
  }
  return rejected
}

/**
 * Returns the manifests of the plan that the repository does not show: they are gone, or unknown.
 */
export function listUnseen(
  { steps }: RepositoryPlan,
  isKnown: (digest: Digest) => boolean,
): readonly DeleteManifestStep[] {
  return steps
    .filter((step) => step.kind === 'deleteManifest')
    .filter(({ target }) => !isKnown(target.digest))
}

/** The error for a manifest that exists although nothing that was read leads to it. */
export function unknownManifest(step: DeleteManifestStep, planAgain: string = commandOf(step)): ErrorInfo {
  return conflict(
    step,
    'no tag, index or subject leads to it, and the policy does not select untagged manifests',
    planAgain,
  )
}

/** Checks the deletes that are not rejected against the limits of the policy. Pure. */
export function checkPlanLimits(
  repositories: readonly ReviewedRepository[],
  limits: Limits,
): DrayError | undefined {
  let all = 0
  for (const { repository, count } of repositories) {
    const breach = checkRepositoryLimits(repository, count, limits)
    if (breach !== undefined) return breach
    all += countDeletes(count)
  }
  return checkRunLimits(all, limits)
}

/**
 * Counts the digests with a tag that is no tag of an attached artifact, and those of them that a
 * saved plan deletes. Pure.
 */
export function countImages(
  saved: RepositoryPlan,
  now: RepositoryPlan,
  rejected: ReadonlyMap<StepId, ErrorInfo>,
): RepositoryPlan['count'] {
  const deleted = new Set(
    saved.steps.flatMap((step) =>
      step.kind === 'deleteManifest' && !rejected.has(step.id) ? [step.target.digest] : [],
    ),
  )
  const images = new Set(
    now.tags.flatMap(({ tag, digest }) => (digest === null || isEvidenceTag(tag) ? [] : [digest])),
  )
  const superseded = now.others.filter(
    ({ role, digest }) => role === 'superseded' && deleted.has(digest),
  ).length
  const bare = now.others.filter(({ role, digest }) => role === 'untagged' && deleted.has(digest)).length
  return {
    images: now.count.images,
    deleted: [...images].filter((digest) => deleted.has(digest)).length,
    ...(superseded > 0 && { superseded }),
    ...(bare > 0 && { untaggedManifests: bare }),
  }
}

/** A saved and a current decision, indexed so that each step is compared without a search. */
interface Comparison {
  /** what is decided now of each tag */
  readonly tags: ReadonlyMap<string, TagVerdict>
  /**
   * why a manifest is kept that is not deleted now, as far as a tag or the manifest itself shows it
   */
  readonly reasons: ReadonlyMap<Digest | null, string>
  /** the deletes that are decided now */
  readonly decisions: ReadonlyMap<Digest, DeleteManifestStep>
  /** the manifests that are deleted now, by step */
  readonly digests: ReadonlyMap<StepId, Digest>
  /** the deletes of tags alone that are decided now */
  readonly untags: ReadonlyMap<string, DeleteTagStep>
  /** the steps of the saved plan, by manifest */
  readonly savedIds: ReadonlyMap<Digest, StepId>
}

function comparePlans(saved: RepositoryPlan, now: RepositoryPlan): Comparison {
  const reasons = new Map<Digest | null, string>()
  const keeping = now.tags.filter(({ verdict }) => verdict !== 'delete')
  for (const { digest, why } of [...keeping, ...now.others])
    if (!reasons.has(digest)) reasons.set(digest, why.text)
  const decided = manifestSteps(now)
  return {
    tags: new Map(now.tags.map((one) => [one.tag, one])),
    reasons,
    decisions: new Map(decided.map((step) => [step.target.digest, step])),
    digests: new Map(decided.map((step) => [step.id, step.target.digest])),
    untags: new Map(
      now.steps.flatMap((step) => (step.kind === 'deleteTag' ? [[step.tag, step] as const] : [])),
    ),
    savedIds: new Map(manifestSteps(saved).map((step) => [step.target.digest, step.id])),
  }
}

function manifestSteps({ steps }: RepositoryPlan): readonly DeleteManifestStep[] {
  return steps.filter((step) => step.kind === 'deleteManifest')
}

function whyTagIsKept(step: DeleteTagStep, { tags, untags }: Comparison): string | undefined {
  const { tag, digest } = step
  const found = tags.get(tag)
  if (found === undefined || found.digest === null) return undefined
  if (found.digest !== digest) return `the tag points to ${found.digest} now`
  if (found.verdict !== 'untag') return found.why.text
  return includesAll(step.absent, untags.get(tag)?.absent) ? undefined : missingChecks
}

const missingChecks = 'the policy requires further checks before this delete'

function includesAll<T>(all: readonly T[] = [], wanted: readonly T[] = []): boolean {
  return wanted.every((one) => all.includes(one))
}

function whyManifestIsKept(
  step: DeleteManifestStep,
  compared: Comparison,
  isKnown: (digest: Digest) => boolean,
): string | undefined {
  const { digest } = step.target
  const { decisions, reasons, tags } = compared
  const decided = decisions.get(digest)
  if (decided === undefined)
    return isKnown(digest) ? (reasons.get(digest) ?? 'the policy does not select it') : undefined
  const planned = new Set(step.losesTags)
  const added = decided.losesTags.find((tag) => !planned.has(tag))
  if (added !== undefined) return `the tag ${added} points to it now`
  for (const tag of step.losesTags) {
    const to = tags.get(tag)?.digest ?? digest
    if (to !== digest) return `the tag ${tag} points to ${to} now`
  }
  if (decided.subject !== step.subject) return 'its subject differs from the subject in the plan'
  const areChecksWhole =
    includesAll(step.absent, decided.absent) && includesAll(step.formerTags, decided.formerTags)
  if (!areChecksWhole) return missingChecks
  return isInOrder(step, decided, compared)
    ? undefined
    : 'the plan does not delete the manifests that lead to it first'
}

/** Whether the plan deletes before a manifest what has to be deleted before it now. */
function isInOrder(
  step: DeleteManifestStep,
  decided: DeleteManifestStep,
  { digests, savedIds }: Comparison,
): boolean {
  const after = new Set(step.after)
  return decided.after.every((id) => {
    const digest = digests.get(id)
    const before = digest === undefined ? undefined : savedIds.get(digest)
    // A parent that is not in the plan is kept, and so is this manifest.
    return before !== undefined && after.has(before)
  })
}

function commandOf({ repository }: Pick<DeleteStep, 'repository'>): string {
  return `dray prune ${formatRepository(repository)}`
}

function conflict(step: DeleteStep, why: string, planAgain: string): ErrorInfo {
  const at = step.kind === 'deleteTag' ? { tag: step.tag } : { digest: step.target.digest }
  const name = formatAt(step.repository, at)
  return toErrorInfo(
    new DrayError('conflict', `cannot delete ${name}`, {
      subject: name,
      why,
      hint: `The current policy keeps it. For a new plan, run: ${planAgain}`,
    }),
  )
}
