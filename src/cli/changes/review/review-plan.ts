import type { Config } from '../../../config/config.ts'
import type { Call } from '../../../lib/call.ts'
import { DrayError, isDrayError, toErrorInfo } from '../../../lib/errors.ts'
import type { Repositories } from '../../../images/ports.ts'
import type { Placement, PlacementId, Plan } from '../../../plan/plan.ts'
import { type Current, reviewImage, type Reviewable } from '../../../plan/review.ts'
import type { VersionTag } from '../../../semver/version.ts'
import { warnAboutTargets, type WarnedImage } from '../../../usecases/placing/tag-warnings.ts'
import { checkPlanNames } from '../../arguments/check-plan.ts'
import type { Context } from '../../wiring/context.ts'
import type { ChangePorts, Review } from '../operation.ts'
import type { PlacementTypes } from '../placement-types.ts'
import type { ReviewFlags } from './review-flags.ts'
import type { GateSources } from '../../gates/changes/gate-run.ts'
import { guardReview } from './guard-review.ts'
import { checkSchemes, imagesIn, type PlannedImage } from './planned-image.ts'
import { strayFloatingTag } from './review-requests.ts'

/** How the plans of an operation are decided again. */
export interface DecideAgain {
  /** the images come from other repositories than those that the plan changes */
  readonly readsSources: boolean
  /** what to do about a refused plan, beside the fix in the refusal itself */
  readonly hint?: (flags: ReviewFlags) => string | undefined
  /** Reads and decides again: for each image, the decisions about its requests. */
  readonly decide: (input: ReviewInput) => Promise<readonly (readonly CurrentDecision[])[]>
}

export interface ReviewInput {
  readonly plan: Plan
  readonly images: readonly PlannedImage[]
  readonly config: Config
  readonly flags: ReviewFlags
  readonly context: Context
  readonly stores: Repositories
  readonly call: Call
  readonly now: () => Date
}

/** The current decision about one request, at each target of its image. */
export interface CurrentDecision {
  /** the plan of now, in which the request has this index */
  readonly decided: Plan
  readonly index: number
  /** in the order of the image's placements; an error for each target if the image was not read */
  readonly targets: readonly (ReadTarget | DrayError)[]
  /** versions of the image, whose floating tags the plan may write */
  readonly versions: readonly VersionTag[]
  /** what was read of the image at its source, by placement of `decided`; absent if it stays */
  readonly gateSources?: () => Promise<GateSources>
  /** a version tag that must be on the image, because only the name of the image shows it */
  readonly assumedTag?: string | undefined
  /** what warnings about the tags of the targets need, if the image was read */
  readonly warned?: WarnedImage
}

export interface ReadTarget {
  /** all tags, if they were listed */
  readonly listed?: readonly string[] | undefined
  /** the attached artifacts of the image at its source */
  readonly evidence?: Current['evidence']
}

/**
 * Decides a saved plan again by the current `dray.yaml` and compares. dray ignores the
 * environments, rules and overrides in the file, and executes only the steps that it decides now.
 * @throws `refused` if the plan breaks a rule; `conflict` if its release is another one now.
 */
export async function reviewPlan(
  plan: Plan,
  decideAgain: DecideAgain,
  flags: ReviewFlags,
  ports: ChangePorts,
): Promise<Review<PlacementTypes>> {
  const {
    context,
    reading: call,
    flags: { 'dry-run': isDryRun },
  } = ports
  const startedAt = context.clock.now()
  const loaded = await context.config()
  const { config } = loaded
  checkPlanNames(plan, loaded)
  const images = imagesIn(plan, config)
  checkSchemes(images)
  const placements = images.flatMap((one) => one.placements)
  await context.expectRepositories(
    placements.map(({ to }) => to.repository),
    decideAgain.readsSources ? placements.map(({ from }) => from.repository) : [],
    isDryRun ? 'read' : 'write',
  )
  const stores = await context.stores()
  const now = (): Date => new Date(context.clock.now())
  const decisions = await decideAgain.decide({ plan, images, config, flags, context, stores, call, now })
  const reviewables = images.map((image, i) => reviewablesOf(image, decisions[i] ?? [], flags))
  const sources = (): Promise<GateSources> => sourcesOf(images, decisions)
  const guarded = await guardReview({ plan, images: reviewables, sources, flags }, ports)
  const reviews = guarded.images.map((image) => reviewImage(plan.steps, image, flags))
  const refusals = reviews.flatMap((one) => one.refusals)
  if (refusals.length > 0) throw combineRefusals(refusals, decideAgain.hint?.(flags))
  return {
    findings: {
      readAt: startedAt,
      ...guarded.findings,
      reviewed: {
        refusals,
        obstacles: new Map(reviews.flatMap((one) => [...one.obstacles])),
        expect: new Map(reviews.flatMap((one) => [...one.expect])),
      },
    },
    ...(guarded.shown !== undefined && { shown: guarded.shown }),
    startedAt,
    warnings: [
      ...guarded.warnings,
      ...warnAboutTargets(decisions.flat().flatMap(({ warned }) => warned ?? [])),
    ],
    omissions: [],
  }
}

/** The readings of the images at their sources, by placement of the saved plan. */
async function sourcesOf(
  images: readonly PlannedImage[],
  decisions: readonly (readonly CurrentDecision[])[],
): Promise<GateSources> {
  const found = await Promise.all(
    images.map(async ({ placements }, i) => {
      const [decision] = decisions[i] ?? []
      const sources = await decision?.gateSources?.()
      return placements.flatMap((saved, j) => {
        const source = sources?.get(placementIdAt(decision?.index ?? 0, j))
        return source === undefined ? [] : [[saved.id, source] as const]
      })
    }),
  )
  return new Map(found.flat())
}

/** The id in the plan of now. */
function placementIdAt(request: number, target: number): PlacementId {
  return `i${request + 1}.t${target + 1}`
}

/** Each placement of an image with what is decided about it now. */
function reviewablesOf(
  image: PlannedImage,
  decisions: readonly CurrentDecision[],
  flags: ReviewFlags,
): readonly Reviewable[] {
  const versions = decisions.flatMap((one) => one.versions)
  return image.placements.map((saved, j) => {
    const current = combine(
      saved,
      decisions.map((decision) => currentAt(decision, j, saved)),
    )
    const stray = strayFloatingTag(image, versions, current.listed, flags)
    return { saved, current: stray === undefined ? current : withRefusal(current, stray) }
  })
}

/** Returns the current decision at the target `j`. */
function currentAt(
  { decided, index, targets, assumedTag }: CurrentDecision,
  j: number,
  saved: Placement,
): Current {
  const target = targets[j]
  if (target === undefined || isDrayError(target)) return unreadable(saved, target)
  const id = placementIdAt(index, j)
  const current: Current = {
    placement: decided.placements.find((one) => one.id === id) ?? withoutTags(saved),
    steps: decided.steps.filter(({ placement }) => placement === id),
    refusals: decided.refusals
      .filter(({ placement, image }) => (placement === undefined ? image === saved.image : placement === id))
      .map(({ error }) => error),
    ...(target.listed !== undefined && { listed: target.listed }),
    evidence: target.evidence ?? [],
  }
  const isThere =
    assumedTag === undefined ||
    current.placement.tags.some(({ tag, change }) => tag === assumedTag && change === 'unchanged')
  return isThere ? current : withRefusal(current, otherVersion(current.placement, assumedTag))
}

/** One target of an image for which several requests were made. */
function combine(saved: Placement, currents: readonly Current[]): Current {
  const listed = currents.find((one) => one.listed !== undefined)?.listed
  const unread = currents.find((one) => one.unread !== undefined)?.unread
  return {
    placement: {
      ...saved,
      tags: currents.flatMap(({ placement }) => placement.tags),
      keptTags: currents.flatMap(({ placement }) => placement.keptTags ?? []),
    },
    steps: currents.flatMap(({ steps }) => steps),
    refusals: currents.flatMap(({ refusals }) => refusals),
    ...(listed !== undefined && { listed }),
    ...(unread !== undefined && { unread }),
    evidence: currents.flatMap(({ evidence }) => evidence),
  }
}

/** A target that was not read: it is not changed. If a rule is the reason, the plan is refused. */
function unreadable(saved: Placement, thrown: unknown): Current {
  const error = isDrayError(thrown) ? thrown : new DrayError('internal', `${saved.image} was not read`)
  const isRefused = error.code === 'refused'
  return {
    placement: withoutTags(saved),
    steps: [],
    refusals: isRefused ? [toErrorInfo(error)] : [],
    ...(!isRefused && { unread: error }),
    evidence: [],
  }
}

function withoutTags({ keptTags: _keptTags, ...saved }: Placement): Placement {
  return { ...saved, tags: [] }
}

function withRefusal(current: Current, error: DrayError): Current {
  return { ...current, refusals: [...current.refusals, toErrorInfo(error)] }
}

function otherVersion({ image, root }: Placement, tag: string): DrayError {
  return new DrayError('refused', `${image} does not have the version ${tag}`, {
    why: `the tag ${tag} does not point to ${root.digest}`,
    hint: 'Make a new plan.',
  })
}

/** One error for all refusals of a plan. */
function combineRefusals(refusals: readonly DrayError[], moreHint: string | undefined): DrayError {
  const [first, ...more] = [...new Map(refusals.map((one) => [one.message, one])).values()]
  if (first === undefined) throw new DrayError('internal', 'the plan has no refusal')
  const { code, message, details, subject, why, hint } = first
  const others = [...(details ?? []), ...more.map((one) => one.message)]
  const hints = [hint, moreHint].filter((one) => one !== undefined)
  return new DrayError(code, message, {
    ...(subject !== undefined && { subject }),
    ...(why !== undefined && { why }),
    ...(others.length > 0 && { details: others }),
    ...(hints.length > 0 && { hint: hints.join(' ') }),
  })
}
