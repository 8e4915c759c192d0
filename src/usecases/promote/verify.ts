import { DrayError } from '../../lib/errors.ts'
import { formatAt } from '../../oci/reference.ts'
import type { PlacementId, Plan } from '../../plan/plan.ts'
import { createPlacementEnd } from '../placing/plan-images.ts'
import type { PromoteRequest } from './request.ts'

/**
 * Returns requests to read back the placements of a plan, by the digests of the plan: the source's
 * tag may have moved since. Promotion order was checked with the plan.
 */
export function requestsToVerify(plan: Plan, placed: ReadonlySet<PlacementId>): readonly PromoteRequest[] {
  const images = Map.groupBy(
    plan.placements.filter(({ id }) => placed.has(id)),
    ({ image }) => image,
  )
  return [...images.values()].flatMap((placements): PromoteRequest[] => {
    const [first] = placements
    if (first === undefined) return []
    const { image, from, to, root, tags } = first
    return [
      {
        image,
        from: { ...createPlacementEnd(from.environment, from.repository), at: { digest: root.digest } },
        to: {
          ...(to.environment !== undefined && { environment: to.environment }),
          targets: placements.map((placement) => placement.to.repository),
        },
        tags: tags.map(({ tag }) => tag),
      },
    ]
  })
}

/** Returns an error if a repair would move back a tag that someone else moved. */
export function movedByOthers(repair: Plan): DrayError | undefined {
  for (const { to, root, tags } of repair.placements) {
    const moved = tags.find(({ change }) => change === 'move')
    if (moved === undefined) continue
    const reference = formatAt(to.repository, { tag: moved.tag })
    return new DrayError('conflict', `${reference} was moved after it was written`, {
      subject: reference,
      why: `it was put on ${root.digest}, now it is on ${moved.before ?? 'nothing'}`,
      hint: 'Nothing was overwritten. Look at who moved it.',
    })
  }
  return undefined
}
