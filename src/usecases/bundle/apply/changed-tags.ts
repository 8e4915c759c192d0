import { DrayError, toErrorInfo } from '../../../lib/errors.ts'
import type { Digest } from '../../../oci/digest.ts'
import { formatAt } from '../../../oci/reference.ts'
import type { Plan, Refusal } from '../../../plan/plan.ts'

/**
 * Returns a refusal for each placement with a tag that another client changed: it moves, and is
 * neither where an earlier bundle put it nor on the image: pure.
 * @param written the digest that the last bundle put under a tag of the placement; undefined: it
 * is unknown
 */
export function refuseChangedTags(
  { placements }: Plan,
  written: (placement: Plan['placements'][number], tag: string) => Digest | undefined,
): readonly Refusal[] {
  return placements.flatMap((placement) =>
    placement.tags.flatMap(({ tag, change, before }) => {
      const expected = written(placement, tag)
      if (change !== 'move' || expected === undefined || expected === before) return []
      const reference = formatAt(placement.to.repository, { tag })
      const error = new DrayError('conflict', `${reference} was changed since the last bundle`, {
        subject: reference,
        why: `it is on ${before ?? 'no image'}, and the last bundle put it on ${expected}`,
        hint: 'Check who changed the tag. To move it to the image of the bundle, pass --overwrite-changed.',
      })
      return [{ image: placement.image, placement: placement.id, error: toErrorInfo(error) }]
    }),
  )
}
