import { DrayError, toErrorInfo } from '../../../lib/errors.ts'
import type { Digest } from '../../../oci/digest.ts'
import { formatAt } from '../../../oci/reference.ts'
import type { Plan, Refusal } from '../../../plan/plan.ts'

/**
 * Returns a refusal for each placement with a tag that moves and is not where an earlier bundle put
 * it. If that is unknown, only a version tag that moves by the rule of the bundle is refused: pure.
 * @param written the digest that the last bundle put under a tag of the placement; undefined: it
 * is unknown
 */
export function refuseChangedTags(
  { placements }: Plan,
  written: (placement: Plan['placements'][number], tag: string) => Digest | undefined,
): readonly Refusal[] {
  return placements.flatMap((placement) =>
    placement.tags.flatMap(({ tag, change, before, override }) => {
      const expected = written(placement, tag)
      if (change !== 'move' || expected === before) return []
      const reference = formatAt(placement.to.repository, { tag })
      if (expected === undefined)
        return override === 'movedTags' ? [refusalOf(placement, unknownMove(reference))] : []
      const error = new DrayError('conflict', `${reference} was changed since the last bundle`, {
        subject: reference,
        why: `it is on ${before ?? 'no image'}, and the last bundle put it on ${expected}`,
        hint: 'Check who changed the tag. To move it to the image of the bundle, pass --overwrite-changed.',
      })
      return [refusalOf(placement, error)]
    }),
  )
}

function refusalOf({ image, id }: Plan['placements'][number], error: DrayError): Refusal {
  return { image, placement: id, error: toErrorInfo(error) }
}

function unknownMove(reference: string): DrayError {
  return new DrayError('refused', `cannot move ${reference}`, {
    subject: reference,
    why: 'it is a version tag, and no known bundle put it on its digest',
    hint: 'Pass the last receipt with --base, or pass --move-tag.',
  })
}
