import type { Call } from '../../../lib/call.ts'
import { DrayError, isDrayError } from '../../../lib/errors.ts'
import { type BeforeAttempt, repeatStaleCheck } from '../../../lib/freshness.ts'
import type { Descriptor } from '../../../oci/descriptor.ts'
import type { Digest } from '../../../oci/digest.ts'
import { fallbackTag } from '../../../oci/evidence-tags.ts'
import { formatAt, formatRepository } from '../../../oci/reference.ts'
import type { FallbackListing } from '../../../images/ports.ts'
import type { RepositoryClient } from '../client.ts'
import { deleteContent } from '../manifests/deletion.ts'
import {
  type FallbackIndex,
  isSameIndex,
  type ReferrerEntry,
  readIndex,
  writeIndex,
} from './fallback-index.ts'
import { WantedEntries } from './wanted-entries.ts'

/** How often the index is written while other writers overwrite it. */
const maxRounds = 8

/**
 * Adds referrers to the index under their subject's fallback tag in one write (distribution-spec,
 * Referrers Tag Schema): read, merge, write, and read back until all of them are listed.
 * @throws `unsupported` if the tag holds something that is no index.
 */
export async function addToFallbackTag(
  client: RepositoryClient,
  subject: Digest,
  referrers: readonly Descriptor[],
  call: Call,
): Promise<FallbackListing> {
  return await addEntries(new WantedEntries(referrers, new Map()), client, subject, call)
}

/** Adds the entries that the index lacks. @throws as `addToFallbackTag` */
export async function addEntries(
  wanted: WantedEntries,
  client: RepositoryClient,
  subject: Digest,
  call: Call,
): Promise<FallbackListing> {
  const { isWritten, last } = await change(client, subject, call, {
    entriesFor: (index) => wanted.mergeWith(index),
    afterLoss: (index) => wanted.forgetDeleted(client, index, call),
  })
  return {
    result: isWritten ? 'added' : 'unchanged',
    missing: wanted.findMissing(last.index),
    seen: wanted.seen,
    index: last.index.digest,
    readAt: last.readAt,
    writeMs: last.writeMs,
  }
}

/**
 * Removes a referrer from that index. Deletes the tag with its last entry, if the registry deletes
 * tags.
 * @throws `conflict` if others overwrite it again and again.
 */
export async function removeFromFallbackTag(
  client: RepositoryClient,
  subject: Digest,
  referrer: Digest,
  call: Call,
): Promise<'removed' | 'unchanged'> {
  const { isDone, isWritten } = await change(client, subject, call, {
    entriesFor: ({ entries }) => {
      const rest = entries.filter((entry) => entry['digest'] !== referrer)
      return rest.length === entries.length ? undefined : rest
    },
  })
  if (!isDone) throw overwritten(client, subject)
  return isWritten ? 'removed' : 'unchanged'
}

interface Change {
  /** Returns the entries that the index has to get, or undefined if it is as wanted. */
  readonly entriesFor: (index: FallbackIndex) => readonly ReferrerEntry[] | undefined
  /** Is called with an index that is not as wanted although it was just written. */
  readonly afterLoss?: (index: FallbackIndex) => Promise<void>
}

/** One attempt of a change. */
interface Round {
  readonly isWritten: boolean
  /** as it was read last */
  readonly index: FallbackIndex
  /** when that reading began */
  readonly readAt: number
  /** how long it took from the reading before the write to the end of the write */
  readonly writeMs: number
}

interface Changed {
  readonly isDone: boolean
  readonly isWritten: boolean
  readonly last: Round
}

/**
 * Changes the index until a read finds the change, or until the rounds are used up. Reading back
 * detects other writers. The waits between rounds are random, so that writers that collided once do
 * not collide again.
 */
async function change(
  client: RepositoryClient,
  subject: Digest,
  call: Call,
  wanted: Change,
): Promise<Changed> {
  const key = `${formatRepository(client.repository)}:${fallbackTag(subject)}`
  let isWritten = false
  for (let round = 1; ; round++) {
    const last = await client.shared.runOneByOne(key, call, () =>
      changeOnce(client, subject, call, wanted, isWritten),
    )
    isWritten ||= last.isWritten
    const isDone = wanted.entriesFor(last.index) === undefined
    if (isDone || round === maxRounds) return { isDone, isWritten, last }
    await wanted.afterLoss?.(last.index)
    await client.shared.retry.wait(round, call)
  }
}

/**
 * An index that was read more than two seconds before a request is read again, so that the request
 * does not remove what another writer has added since.
 */
async function changeOnce(
  client: RepositoryClient,
  subject: Digest,
  call: Call,
  { entriesFor }: Change,
  isExpected: boolean,
): Promise<Round> {
  const { clock } = client.shared
  const began = clock.now()
  const index = await readIndex(client, subject, isExpected, call)
  const entries = entriesFor(index)
  const unwritten = { isWritten: false, index, readAt: began, writeMs: 0 }
  if (entries === undefined) return unwritten
  let isOutdated = false
  const beforeAttempt = repeatStaleCheck(began, clock, async () => {
    isOutdated = !isSameIndex(await readIndex(client, subject, false, call), index)
    if (isOutdated) throw overwritten(client, subject)
  })
  let isDeleted: boolean
  try {
    isDeleted = entries.length === 0 && (await deleteTag(client, subject, call, beforeAttempt))
    if (!isDeleted) await writeIndex(client, subject, { ...index, entries }, call, beforeAttempt)
  } catch (error) {
    // another writer, or an earlier attempt of this request: the next round reads which
    if (isOutdated) return unwritten
    throw error
  }
  const readAt = clock.now()
  const after = await readIndex(client, subject, !isDeleted, call)
  return { isWritten: true, index: after, readAt, writeMs: Math.max(0, readAt - began) }
}

function overwritten(client: RepositoryClient, subject: Digest): DrayError {
  return new DrayError('conflict', 'another client overwrites the list of referrers', {
    subject: formatAt(client.repository, { tag: fallbackTag(subject) }),
    why: 'the fallback tag changed after each write',
    hint: 'Run the command again when no other client changes the referrers of this image.',
  })
}

/**
 * Returns false if the registry does not delete tags. A delete by digest would drop other tags too.
 */
async function deleteTag(
  client: RepositoryClient,
  subject: Digest,
  call: Call,
  beforeAttempt: BeforeAttempt,
): Promise<boolean> {
  try {
    await deleteContent(client, { tag: fallbackTag(subject) }, call, beforeAttempt)
    return true
  } catch (error) {
    if (isDrayError(error) && error.code === 'unsupported') return false
    throw error
  }
}
