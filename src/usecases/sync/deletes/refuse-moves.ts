import { DrayError } from '../../../lib/errors.ts'
import type { Digest } from '../../../oci/digest.ts'
import { formatAt } from '../../../oci/reference.ts'
import type { TagComparison } from '../compare-tag.ts'
import type { SyncTarget } from '../snapshot.ts'

/**
 * Refuses the moves that would leave a digest in use without a tag, because the destination's own
 * clean-up may delete it. A digest on which another selected tag stays may lose a tag. Pure.
 * @param compared the selected tags at one destination
 */
export function refuseMovesOfUsed(
  compared: readonly TagComparison[],
  { repository, inUse }: Pick<SyncTarget, 'repository' | 'inUse'>,
): readonly TagComparison[] {
  if (inUse === undefined || inUse.size === 0) return compared
  const staying = new Set(
    compared.flatMap(({ state, destination }) => (state === 'moved' ? [] : [destination])),
  )
  return compared.map((one) => {
    const from = one.state === 'moved' ? one.destination : null
    const by = from === null ? undefined : inUse.get(from)
    if (from === null || by === undefined || staying.has(from)) return one
    const refusal = moveOfUsed(one, from, by, repository)
    return { ...one, state: 'kept', reason: `its digest is in use (${by})`, refusal }
  })
}

function moveOfUsed(
  { tag }: TagComparison,
  from: Digest,
  by: string,
  repository: SyncTarget['repository'],
): DrayError {
  const reference = formatAt(repository, { tag })
  return new DrayError('refused', `cannot move ${reference}`, {
    subject: reference,
    why: `${from} is in use (${by}), and dray knows no other tag that keeps it`,
    hint: 'Update the workload. Then run the command again.',
  })
}
