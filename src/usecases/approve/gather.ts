import { inParallel } from '../../images/parallel.ts'
import type { Repositories } from '../../images/ports.ts'
import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import { formatAt, formatRepository } from '../../oci/reference.ts'
import type { ApprovalRequest, ImageToApprove } from './approval.ts'

/** Images that are resolved at once. */
const imagesAtOnce = 8

/**
 * Resolves the images of requests to digests, each digest of a repository once.
 * @throws `not-found`, and what the stores throw
 */
export async function findImagesToApprove(
  requests: readonly ApprovalRequest[],
  stores: Repositories,
  call: Call,
): Promise<readonly ImageToApprove[]> {
  const found = await inParallel(requests, imagesAtOnce, call, async (request, c) => {
    const { repository } = request.from
    const root = await stores.source(repository).resolve(request.at, c)
    if (root !== undefined) return { ...request, root }
    const where = formatAt(repository, request.at)
    throw new DrayError('not-found', `cannot find ${where}`, {
      subject: where,
      hint: 'Check the name and the tag with dray ls.',
    })
  })
  const distinct = new Map(
    found.toReversed().map((one) => [`${formatRepository(one.from.repository)}@${one.root.digest}`, one]),
  )
  return [...distinct.values()].toReversed()
}
