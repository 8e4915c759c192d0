import type { OpenHold } from '../../../audit/holds/open-holds.ts'
import type { Call } from '../../../lib/call.ts'
import { DrayError } from '../../../lib/errors.ts'
import { attachedHold } from '../../../audit/holds/find-holds.ts'
import { holdTag } from '../../../images/holds/hold-tag.ts'
import type { RepositoryScan } from '../../../images/graph/repository-scan.ts'
import type { Digest } from '../../../oci/digest.ts'
import { formatAt, type RepositoryName } from '../../../oci/reference.ts'
import type { HistorySources } from './history.ts'

/**
 * Checks that the registry shows the open holds of the audit log. Adds the images whose tag of the
 * hold is missing to the scan, with their statements, and sends no request if there are none.
 * @throws `refused` if the registry shows nothing of a hold any more; what the sources and the
 * store throw
 */
export async function checkOpenHolds(
  scan: RepositoryScan,
  sources: HistorySources,
  call: Call,
): Promise<void> {
  const open = await sources.openHolds(call)
  const untagged = open.filter(({ digest }) => scan.graph.tags.get(holdTag(digest)) !== digest)
  if (untagged.length === 0) return
  const digests = untagged.map(({ digest }) => digest)
  await scan.addDigests(digests, call)
  await scan.addReferrersOf(digests, call)
  const shown = new Set(
    [...scan.graph.nodes.values()].flatMap((node): readonly Digest[] => {
      const attached = attachedHold(node)
      return attached === undefined ? [] : [attached.subject]
    }),
  )
  const lost = untagged.find(({ digest }) => !shown.has(digest))
  if (lost !== undefined) throw lostHold(scan.graph.repository, lost)
}

function lostHold(repository: RepositoryName, { digest, actor, time, reason, run }: OpenHold): DrayError {
  const subject = formatAt(repository, { digest })
  const why = reason === undefined ? '' : `, with the reason ${JSON.stringify(reason)}`
  return new DrayError('refused', `the registry shows nothing of the hold on ${subject}`, {
    subject,
    why: `according to the audit log, ${actor.user}@${actor.host} held the image at ${time} in the run ${run}${why}, and no run released it: another client with permission to delete, or a clean-up of the registry, removed the statement and the tag`,
    hint: `Hold the image again: dray hold ${subject} --reason TEXT. Or end the hold: dray hold --release ${subject} --reason TEXT.`,
  })
}
