import { DrayError } from '../../lib/errors.ts'
import { formatAt } from '../../oci/reference.ts'
import type { PlacementId, Plan } from '../../plan/plan.ts'
import type { Request } from './snapshot.ts'

/**
 * Asks once more for what a plan has placed, to be read back: by the digest that was planned, wherever the source's tag has gone since. What may go
 * where was decided with the plan.
 */
export function requestsToVerify(plan: Plan, placed: ReadonlySet<PlacementId>): readonly Request[] {
  const images = Map.groupBy(
    plan.placements.filter(({ id }) => placed.has(id)),
    ({ image }) => image,
  )
  return [...images.values()].flatMap((placements): Request[] => {
    const [first] = placements
    if (first === undefined) return []
    const { image, from, to, root, tags } = first
    return [
      {
        image,
        from: {
          ...(from.environment !== undefined && { environment: from.environment }),
          repository: from.repository,
          at: { digest: root.digest },
        },
        to: {
          ...(to.environment !== undefined && { environment: to.environment }),
          targets: placements.map((placement) => placement.to.repository),
        },
        tags: tags.map(({ tag }) => tag),
      },
    ]
  })
}

/** What is lost is put there again; a tag that someone else has moved meanwhile is not moved back. */
export function movedByOthers(repair: Plan): DrayError | undefined {
  for (const { to, root, tags } of repair.placements) {
    const moved = tags.find(({ change }) => change === 'move')
    if (moved === undefined) continue
    const where = formatAt(to.repository, { tag: moved.tag })
    return new DrayError('conflict', `${where} was moved after it was written`, {
      subject: where,
      why: `it was put on ${root.digest}, now it is on ${moved.before ?? 'nothing'}`,
      hint: 'Nothing was overwritten. Look at who moved it.',
    })
  }
  return undefined
}
