import type { ErrorInfo } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
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
     * it stays, which is no error: a tag if the registry deletes no single tags, a manifest without
     * tags if the registry removes those itself, or what a locked item leads to
     */
    | 'kept'
    /** the registry keeps this item and deletes others: it is locked, immutable or in use */
    | 'locked'
    /** something reaches it that did not when the plan was made: it is kept */
    | 'conflict'
    /** the registry does not allow deletes here, or not to this user */
    | 'refused'
    | 'failed'
    | 'notAttempted'
  /**
   * with all results except `done` and `unchanged`; with `done` if the registry deleted more than
   * the step
   */
  readonly error?: ErrorInfo
  /**
   * the tags that are gone, if they are not those of the step: of a tag that was deleted with its
   * image (`done`), or of an image that stays (`locked`, `failed`)
   */
  readonly losesTags?: readonly string[]
  /**
   * the API that the delete was sent to: `oci`, or the kind of the vendor's; absent if none was
   * sent
   */
  readonly by?: string
  /** losses of another client that wrote between the check and the delete */
  readonly losses?: readonly ErrorInfo[]
}

/** An item that the registry refused to delete. */
export interface LockedItem {
  /** of the manifest, or of the one that the tag is on */
  readonly digest: Digest
  /** the tags of the manifest, or the tag that was to be deleted alone */
  readonly tags: readonly string[]
  /** with the registry's own code and message */
  readonly error: ErrorInfo
}

/** An image that the registry deleted although only a tag of it was to be deleted. */
interface LostImage {
  readonly digest: Digest
  /** the tag that was to be deleted */
  readonly tag: string
  /** all tags that are gone, including that one */
  readonly losesTags: readonly string[]
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
  /** and superseded digests, which have no tag */
  readonly superseded: number
  /** and manifests that no tag, index or kept subject reached */
  readonly untaggedManifests: number
  /** tags that were deleted while their image stays */
  readonly untagged: number
  /** deleted manifests and tags by the API that deleted them: `oci`, or the kind of the vendor's */
  readonly deletedBy: Readonly<Record<string, number>>
  readonly absent: number
  /** deletes that the registry does not do, which is no error; the next two are among them */
  readonly kept: number
  /** items that the registry refused to delete although it deletes others */
  readonly locked: number
  /** manifests that stay because a locked item leads to them */
  readonly keptWithLocked: number
  readonly conflicts: number
  readonly failed: number
  /** includes those that the registry refused: after the first one, no other is sent */
  readonly notAttempted: number
  /**
   * bytes: as planned if every manifest is deleted; else those of the deleted manifests alone,
   * because others may need their blobs
   */
  readonly freed: number
  readonly lockedItems: readonly LockedItem[]
  readonly lostImages: readonly LostImage[]
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
  readonly losesTags?: readonly string[]
  readonly by?: string
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
    const { result = 'notAttempted', error, losses = [], losesTags, by } = byStep.get(step.id) ?? {}
    return {
      step,
      result,
      losses,
      ...(error !== undefined && { error }),
      ...(losesTags !== undefined && { losesTags }),
      ...(by !== undefined && { by }),
    }
  })
  const refusals = plan.refusals.filter(
    (refusal) => refusal.repository === undefined || sameRepository(refusal.repository, repository),
  )
  const count = (...results: readonly DeleteResult[]): number =>
    ended.filter(({ result }) => results.includes(result)).length
  const deleted = ended.flatMap(({ step, result }) =>
    step.kind === 'deleteManifest' && result === 'done' ? [step] : [],
  )
  const lostImages = ended.flatMap(lostImageOf)
  const gone = [...deleted, ...lostImages]
  return {
    repository,
    image,
    status: refusals.some(({ rule }) => rule === undefined) ? 'refused' : statusOf(ended),
    deleted: gone.length,
    images: gone.filter(({ losesTags }) => losesTags.some(isImageTag)).length,
    superseded: deleted.filter(isSuperseded).length,
    untaggedManifests: deleted.filter(
      ({ untagged, losesTags }) => untagged === true && losesTags.length === 0,
    ).length,
    untagged: count('done') - gone.length + tagsOfKept(ended),
    deletedBy: countApis(ended),
    absent: count('unchanged'),
    kept: count('kept', 'locked'),
    locked: count('locked'),
    keptWithLocked: ended.filter(isKeptWithLocked).length,
    conflicts: count('conflict'),
    failed: count('failed'),
    notAttempted: count('notAttempted', 'refused'),
    freed: freedBy(freed, deleted, ended),
    lockedItems: ended.flatMap(lockedItemOf),
    lostImages,
    errors: distinct([...refusals.map(({ error }) => error), ...ended.flatMap(reportedErrors)]),
  }
}

function countApis(ended: readonly EndedStep[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { result, by } of ended)
    if (result === 'done' && by !== undefined) counts[by] = (counts[by] ?? 0) + 1
  return counts
}

/** An image that got a tag again counts as an image. */
function isSuperseded({ formerTags, losesTags }: DeleteManifestStep): boolean {
  return formerTags !== undefined && !losesTags.some(isImageTag)
}

function isImageTag(tag: string): boolean {
  return !isEvidenceTag(tag)
}

/** A manifest that the registry keeps itself has the status of its answer. */
function isKeptWithLocked({ step, result, error }: EndedStep): boolean {
  return step.kind === 'deleteManifest' && result === 'kept' && error?.status === undefined
}

function lockedItemOf({ step, result, error }: EndedStep): readonly LockedItem[] {
  if (result !== 'locked' || error === undefined) return []
  return step.kind === 'deleteTag'
    ? [{ digest: step.digest, tags: [step.tag], error }]
    : [{ digest: step.target.digest, tags: step.losesTags, error }]
}

function lostImageOf({ step, result, losesTags }: EndedStep): readonly LostImage[] {
  if (step.kind !== 'deleteTag' || result !== 'done' || losesTags === undefined) return []
  return [{ digest: step.digest, tag: step.tag, losesTags }]
}

/** The tags that were deleted before a manifest that stays. */
function tagsOfKept(ended: readonly EndedStep[]): number {
  return ended
    .filter(({ result }) => result !== 'done')
    .reduce((sum, { losesTags = [] }) => sum + losesTags.length, 0)
}

/**
 * The worst result; a repository is pruned if one step is done and no step has a worse result. A
 * delete that took something from another client is a conflict too, and one that took more than its
 * step has failed.
 */
function statusOf(ended: readonly EndedStep[]): RepositoryOutcome['status'] {
  const results = new Set<DeleteResult>(
    ended.flatMap(({ result, losses, error }) => [
      result,
      ...(losses.length === 0 ? [] : (['conflict'] as const)),
      ...(result === 'done' && error !== undefined ? (['failed'] as const) : []),
    ]),
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
 * The failed step before it explains a step that was not attempted, and a step that is kept or
 * locked is no error.
 */
function reportedErrors({ result, error, losses }: EndedStep): readonly ErrorInfo[] {
  const isError = result !== 'notAttempted' && result !== 'kept' && result !== 'locked'
  return [...losses, ...(error !== undefined && isError && losses.length === 0 ? [error] : [])]
}

/** Equal errors of several steps are reported once. */
function distinct(errors: readonly ErrorInfo[]): readonly ErrorInfo[] {
  return [...new Map(errors.map((error) => [JSON.stringify(error), error])).values()]
}
