import type { Call } from '../../../lib/call.ts'
import type { Descriptor } from '../../../oci/descriptor.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { FallbackListing } from '../../../images/ports.ts'
import type { RepositoryClient } from '../client.ts'
import { readIndex } from './fallback-index.ts'
import { addEntries } from './fallback-tag.ts'
import { WantedEntries } from './wanted-entries.ts'

/** How often entries that others removed are added again. */
const maxRepairs = 8
/** How often the index is read again only because others have changed it. */
const maxOtherChanges = 2
const firstPauseMs = 250
const maxPauseMs = 8_000
/** Another writer may be slower than this run by this factor and is still detected. */
const slowerBy = 4

/**
 * Reads the index again after a random pause, until it is the same as before and lists all the
 * referrers, and adds those that are missing. The registry API has no compare-and-swap: a writer
 * that read the index before this run wrote it, and writes it later, removes the entries of this
 * run unseen. The pause is a multiple of the time that this run took for its read and write, so a
 * writer that is not much slower has written by then. It grows with each loss. Entries of others
 * that this run has seen are added again as well, unless their manifests are gone.
 * @param listing what `addToFallbackTag` returned
 * @returns the referrers that are still missing after the last repair
 * @throws what `addToFallbackTag` throws
 */
export async function confirmFallbackTag(
  client: RepositoryClient,
  subject: Digest,
  referrers: readonly Descriptor[],
  listing: FallbackListing,
  call: Call,
): Promise<readonly Digest[]> {
  const wanted = new WantedEntries(referrers, listing.seen)
  let { index, readAt } = listing
  let pauseMs = Math.max(firstPauseMs, slowerBy * listing.writeMs)
  for (let [repairs, changes] = [0, 0]; ;) {
    await pause(client, readAt, Math.min(maxPauseMs, pauseMs), call)
    readAt = client.shared.clock.now()
    const found = await readIndex(client, subject, true, call)
    if (wanted.mergeWith(found) !== undefined) await wanted.forgetDeleted(client, found, call)
    if (wanted.mergeWith(found) === undefined) {
      if (found.digest === index || changes === maxOtherChanges) return []
      changes++
      index = found.digest
      continue
    }
    if (repairs === maxRepairs) return wanted.findMissing(found)
    repairs++
    pauseMs *= 2
    const again = await addEntries(wanted, client, subject, call)
    if (again.missing.length > 0) return again.missing
    ;({ index, readAt } = again)
  }
}

/** Waits until between half and all of `ms` have passed since `start`. */
async function pause(client: RepositoryClient, start: number, ms: number, call: Call): Promise<void> {
  const { clock, random } = client.shared
  const wanted = (ms / 2) * (1 + random())
  const passed = Math.max(0, clock.now() - start)
  if (passed < wanted) await clock.sleep(Math.round(wanted - passed), call.signal)
}
