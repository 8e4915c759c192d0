import type { Call } from '../../lib/call.ts'
import { DrayError, isDrayError, toErrorInfo } from '../../lib/errors.ts'
import type { Placement, PlacementId, Plan } from '../../plan/plan.ts'
import { type Current, reviewImage, type Reviewable, type Reviewed } from '../../plan/review.ts'
import type { Gathered } from '../../usecases/promote/gather.ts'
import { versionTagsIn } from '../../semver/version.ts'
import type { Repositories } from '../../images/ports.ts'
import type { Context } from '../wiring/context.ts'
import { checkPlanNames } from '../arguments/check-plan.ts'
import {
  imagesIn,
  type PlannedImage,
  promoteRequest,
  type ReviewFlags,
  rollbackRequest,
  strayFloatingTag,
  tagRequests,
} from './review-requests.ts'

/**
 * Decides a saved plan again by the `dray.yaml` of now and compares: whatever the file claims about
 * environments, rules and overrides, only what is decided now is carried out.
 * @throws `refused` if the plan breaks a rule; `conflict` if its release is another by now.
 */
export async function reviewPlan(
  plan: Plan,
  flags: ReviewFlags,
  access: 'read' | 'write',
  context: Context,
  call: Call,
): Promise<Reviewed> {
  const loaded = await context.config()
  checkPlanNames(plan, loaded)
  const images = imagesIn(plan, loaded.config)
  const placements = images.flatMap((one) => one.placements)
  const sources = plan.operation === 'promote' || plan.operation === 'copy' ? placements : []
  await context.expectRepositories(
    placements.map(({ to }) => to.repository),
    sources.map(({ from }) => from.repository),
    access,
  )
  const review: Review = { plan, images, flags, context, stores: await context.stores(), call }
  const judged = await judge(review)
  const reviewed = judged.map((one) => reviewImage(plan.steps, one, flags))
  const refusals = reviewed.flatMap((one) => one.refusals)
  if (refusals.length > 0) throw asOne(refusals, plan.operation === 'copy' && !flags['allow-copy'])
  return {
    refusals,
    obstacles: new Map(reviewed.flatMap((one) => [...one.obstacles])),
    expect: new Map(reviewed.flatMap((one) => [...one.expect])),
  }
}

interface Review {
  readonly plan: Plan
  readonly images: readonly PlannedImage[]
  readonly flags: ReviewFlags
  readonly context: Context
  readonly stores: Repositories
  readonly call: Call
}

type Judged = readonly (readonly Reviewable[])[]

async function judge(review: Review): Promise<Judged> {
  switch (review.plan.operation) {
    case 'promote':
    case 'copy':
      return await judgePromotion(review)
    case 'tag':
      return await judgeTags(review)
    case 'rollback':
      return await judgeRollback(review)
  }
}

async function judgePromotion({ plan, images, flags, context, stores, call }: Review): Promise<Judged> {
  const [{ gather }, { decide }] = await Promise.all([
    import('../../usecases/promote/gather.ts'),
    import('../../usecases/promote/decide.ts'),
  ])
  const isCopy = plan.operation === 'copy' && flags['allow-copy']
  const requests = images.map((image) => promoteRequest(image, isCopy, flags))
  const dangling = flags['allow-missing-evidence'] ? 'skip' : 'fail'
  const gathered = await gather(
    requests,
    stores,
    { clock: context.clock, evidence: flags.evidence, dangling },
    call,
  )
  const policy = {
    operation: plan.operation,
    moveTags: flags['move-tag'],
    evidenceConflict: flags['evidence-conflict'],
    partial: flags.partial,
    hash: plan.policy,
    tool: context.version,
  }
  const decided = decide(gathered, policy, new Date(context.clock.now()))
  return images.map((image, i) =>
    image.placements.map((saved, j) => {
      const read = gathered[i]
      if (read?.kind !== 'read') return { saved, current: unreadable(saved, sourceError(read)) }
      const target = read.snapshot.targets[j]
      if (target?.kind !== 'read') return { saved, current: unreadable(saved, target?.error) }
      const evidence = read.snapshot.source.evidence.map(({ subject, manifest, tag }) => ({
        subject,
        manifest: manifest.digest,
        ...(tag !== undefined && { tag }),
        at: tag === undefined ? null : (target.evidenceTags.get(tag)?.digest ?? null),
      }))
      const current = currentIn(decided, i, j, saved, target.listed)
      const { keepUp, tags } = read.snapshot.request
      const named = keepUp === undefined ? [] : versionTagsIn(tags, keepUp.policy)
      const versions = read.snapshot.source.versions ?? named
      return {
        saved,
        current: refusedFor(
          { ...current, evidence },
          strayFloatingTag(image, versions, target.listed, flags),
        ),
      }
    }),
  )
}

async function judgeTags({ plan, images, flags, context, stores, call }: Review): Promise<Judged> {
  const [{ gather }, { decide }] = await Promise.all([
    import('../../usecases/tag/gather.ts'),
    import('../../usecases/tag/decide.ts'),
  ])
  const asked = images.flatMap((image, i) => tagRequests(image, flags).map((request) => ({ i, request })))
  const gathered = await gather(
    asked.map(({ request }) => request),
    stores,
    context,
    call,
  )
  const policy = {
    moveTags: flags['move-tag'],
    partial: flags.partial,
    hash: plan.policy,
    tool: context.version,
  }
  const decided = decide(gathered, policy, new Date(context.clock.now()))
  return images.map((image, i) =>
    image.placements.map((saved, j) => {
      const currents = asked.flatMap(({ i: of, request }, n): readonly Current[] => {
        if (of !== i) return []
        const read = gathered[n]
        if (read?.kind !== 'read') return [unreadable(saved, read?.unread.error)]
        const target = read.snapshot.targets[j]
        if (target?.kind !== 'read') return [unreadable(saved, target?.error)]
        const current = currentIn(decided, n, j, saved, target.listed)
        const { wish } = request
        const assumed =
          wish.kind === 'version' && !image.tags.includes(wish.given.tag) ? wish.given.tag : undefined
        return [assumed === undefined ? current : checkAssumed(current, assumed)]
      })
      const current = combined(saved, currents)
      const versions = asked.flatMap(({ i: of, request: { wish } }) =>
        of === i && wish.kind === 'version' ? [wish.given] : [],
      )
      return { saved, current: refusedFor(current, strayFloatingTag(image, versions, current.listed, flags)) }
    }),
  )
}

async function judgeRollback({ plan, images, flags, context, stores, call }: Review): Promise<Judged> {
  const [{ gather }, { decide }] = await Promise.all([
    import('../../usecases/rollback/gather.ts'),
    import('../../usecases/rollback/decide.ts'),
  ])
  const policy = {
    moveTags: flags['move-tag'],
    partial: flags.partial,
    hash: plan.policy,
    tool: context.version,
  }
  const judged: Reviewable[][] = []
  for (const image of images) {
    const [first] = image.placements
    const snapshot = await gather(rollbackRequest(image, flags), stores, context, call).catch(
      (error: unknown) => {
        throw isDrayError(error) && error.code === 'not-found' ? anotherRelease(first) : error
      },
    )
    if (snapshot.release.root.digest !== first.root.digest) throw anotherRelease(first)
    const decided = decide(snapshot, policy, new Date(context.clock.now()))
    judged.push(
      image.placements.map((saved, j) => {
        const target = snapshot.targets[j]
        if (target?.kind !== 'read') return { saved, current: unreadable(saved, target?.error) }
        return { saved, current: currentIn(decided, 0, j, saved, target.listed) }
      }),
    )
  }
  return judged
}

/** What was decided for the target `j` of the request `i`. */
function currentIn(
  { placements, steps, refusals }: Plan,
  i: number,
  j: number,
  saved: Placement,
  listed: readonly string[] | undefined,
): Current {
  const id: PlacementId = `i${i + 1}.t${j + 1}`
  const placement = placements.find((one) => one.id === id) ?? withoutTags(saved)
  return {
    placement,
    steps: steps.filter((step) => step.placement === id),
    refusals: refusals
      .filter((one) => (one.placement === undefined ? one.image === saved.image : one.placement === id))
      .map(({ error }) => error),
    ...(listed !== undefined && { listed }),
    evidence: [],
  }
}

/** One target of an image that several requests were made for. */
function combined(saved: Placement, currents: readonly Current[]): Current {
  const listed = currents.find((one) => one.listed !== undefined)?.listed
  const unread = currents.find((one) => one.unread !== undefined)?.unread
  return {
    placement: {
      ...saved,
      tags: currents.flatMap(({ placement }) => placement.tags),
      held: currents.flatMap(({ placement }) => placement.held ?? []),
    },
    steps: currents.flatMap(({ steps }) => steps),
    refusals: currents.flatMap(({ refusals }) => refusals),
    ...(listed !== undefined && { listed }),
    ...(unread !== undefined && { unread }),
    evidence: [],
  }
}

/** A version that only the name of the image says must be on it. */
function checkAssumed(current: Current, tag: string): Current {
  if (current.placement.tags.some((one) => one.tag === tag && one.change === 'unchanged')) return current
  const error = new DrayError('refused', `${current.placement.image} is not the version ${tag}`, {
    why: `the tag ${tag} is not on ${current.placement.root.digest}`,
    hint: 'Make the plan again.',
  })
  return refusedFor(current, error)
}

function refusedFor(current: Current, error: DrayError | undefined): Current {
  return error === undefined ? current : { ...current, refusals: [...current.refusals, toErrorInfo(error)] }
}

/** A target of which nothing is known: it is not begun, or refused if a rule is the reason. */
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

function withoutTags(saved: Placement): Placement {
  const { held: _held, ...rest } = saved
  return { ...rest, tags: [] }
}

/** Only the source that the plan names may give the image: one that does not have it is no source of it. */
function sourceError(read: Gathered | undefined): DrayError | undefined {
  if (read?.kind !== 'unread') return undefined
  const { error, request } = read.unread
  if (error.code !== 'not-found') return error
  return new DrayError('refused', `${request.image} is not where the plan takes it from`, {
    ...(error.subject !== undefined && { subject: error.subject }),
    why: error.message,
    hint: 'Make the plan again.',
    cause: error,
  })
}

function anotherRelease({ image, from, root }: Placement): DrayError {
  return new DrayError(
    'conflict',
    `the release ${from.tag} of ${image} was changed since the plan was made`,
    {
      why: `it is not ${root.digest} any more`,
      hint: 'Nothing was changed. Make the plan again.',
    },
  )
}

/** One error for all that speaks against a plan. */
function asOne(refusals: readonly DrayError[], isCopy: boolean): DrayError {
  const distinct = [...new Map(refusals.map((one) => [one.message, one])).values()]
  const [first, ...more] = distinct
  if (first === undefined) throw new DrayError('internal', 'nothing speaks against the plan')
  const { code, message, details, subject, why, hint } = first
  const others = [...(details ?? []), ...more.map((one) => one.message)]
  const copyHint = 'This is a plan of dray copy: to copy past the rules for promotions, pass --allow-copy.'
  const hints = [hint, isCopy ? copyHint : undefined].filter((one) => one !== undefined)
  return new DrayError(code, message, {
    ...(subject !== undefined && { subject }),
    ...(why !== undefined && { why }),
    ...(others.length > 0 && { details: others }),
    ...(hints.length > 0 && { hint: hints.join(' ') }),
  })
}
