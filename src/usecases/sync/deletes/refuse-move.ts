import { DrayError } from '../../../lib/errors.ts'
import type { Digest } from '../../../oci/digest.ts'
import { formatAt, type RepositoryName } from '../../../oci/reference.ts'

/** A tag of a destination that the rule would move away from a digest. */
export interface MoveFrom {
  readonly tag: string
  /** the digest that the tag is on */
  readonly from: Digest
  readonly repository: RepositoryName
  /** the digests that protections by use name there, each with the source that names it */
  readonly inUse: ReadonlyMap<Digest, string>
  /** another tag of the destination stays on the digest */
  readonly remaining: boolean
}

/**
 * Refuses a move that would leave a digest in use without a tag, because the destination's own
 * clean-up may delete it. Undefined: the tag may move. Pure.
 */
export function refuseMoveOfUsed({
  tag,
  from,
  repository,
  inUse,
  remaining,
}: MoveFrom): DrayError | undefined {
  const by = inUse.get(from)
  if (by === undefined || remaining) return undefined
  const reference = formatAt(repository, { tag })
  return new DrayError('refused', `cannot move ${reference}`, {
    subject: reference,
    why: `${from} is in use (${by}), and no other tag would keep it`,
    hint: `Set another tag on it: dray tag ${formatAt(repository, { digest: from })} TAG. Or update the workload, then run the command again.`,
  })
}
