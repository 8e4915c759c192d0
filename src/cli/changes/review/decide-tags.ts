import { DrayError, isDrayError } from '../../../lib/errors.ts'
import type { Placement } from '../../../plan/plan.ts'
import type { UnreadTarget } from '../../../images/graph/unread.ts'
import type { DecideAgain, CurrentDecision, ReadTarget, ReviewInput } from './review-plan.ts'
import { rollbackRequest, tagRequests } from './review-requests.ts'

export const decideTagsAgain: DecideAgain = { readsSources: false, decide: decideTags }

export const decideRollbacksAgain: DecideAgain = { readsSources: false, decide: decideRollbacks }

async function decideTags(input: ReviewInput): Promise<readonly (readonly CurrentDecision[])[]> {
  const { images, flags, context, stores, call, now } = input
  const [{ gather, warnedImage }, { decide }] = await Promise.all([
    import('../../../usecases/tag/gather.ts'),
    import('../../../usecases/tag/decide.ts'),
  ])
  const asked = images.flatMap((image) => tagRequests(image, flags).map((request) => ({ image, request })))
  const requests = asked.map(({ request }) => request)
  const gathered = await gather(requests, stores, context, call)
  const decided = decide(gathered, policyOf(input), now())
  return images.map((image) =>
    asked.flatMap(({ image: of, request: { choice, targets } }, index): readonly CurrentDecision[] => {
      const read = gathered[index]
      if (of !== image || read === undefined) return []
      const version = choice.kind === 'version' ? choice.given : undefined
      return [
        {
          decided,
          index,
          targets:
            read.kind === 'read'
              ? read.snapshot.targets.map(readTarget)
              : targets.map(() => read.unread.error),
          versions: version === undefined ? [] : [version],
          ...(read.kind === 'read' && { warned: warnedImage(read.snapshot) }),
          assumedTag: version === undefined || image.tags.includes(version.tag) ? undefined : version.tag,
        },
      ]
    }),
  )
}

async function decideRollbacks(input: ReviewInput): Promise<readonly (readonly CurrentDecision[])[]> {
  const { images, flags, context, stores, call, now } = input
  const [{ gather, warnedImage }, { decide }] = await Promise.all([
    import('../../../usecases/rollback/gather.ts'),
    import('../../../usecases/rollback/decide.ts'),
  ])
  const decisions: (readonly CurrentDecision[])[] = []
  for (const image of images) {
    const [first] = image.placements
    const snapshot = await gather(rollbackRequest(image, flags), stores, context, call).catch(
      (error: unknown) => {
        throw isDrayError(error) && error.code === 'not-found' ? otherRelease(first) : error
      },
    )
    if (snapshot.release.root.digest !== first.root.digest) throw otherRelease(first)
    const decided = decide(snapshot, policyOf(input), now())
    const targets = snapshot.targets.map(readTarget)
    decisions.push([{ decided, index: 0, targets, versions: [], warned: warnedImage(snapshot) }])
  }
  return decisions
}

function policyOf({ plan, flags, context }: ReviewInput) {
  return {
    moveTags: flags['move-tag'],
    partial: flags.partial,
    hash: plan.policy,
    tool: context.version,
  }
}

function readTarget(
  target: UnreadTarget | { readonly kind: 'read'; readonly listed?: readonly string[] },
): ReadTarget | DrayError {
  return target.kind === 'read' ? { listed: target.listed } : target.error
}

function otherRelease({ image, from, root }: Placement): DrayError {
  return new DrayError(
    'conflict',
    `the release ${from.tag} of ${image} was changed since the plan was made`,
    {
      why: `in the plan it is ${root.digest}`,
      hint: 'Nothing was changed. Make a new plan.',
    },
  )
}
