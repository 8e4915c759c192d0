import type { Call } from '../../../lib/call.ts'
import { DrayError, isDrayError } from '../../../lib/errors.ts'
import { type BeforeAttempt, repeatStaleCheck } from '../../../lib/freshness.ts'
import type { Descriptor } from '../../../oci/descriptor.ts'
import { type Digest, digestOf, parseDigest } from '../../../oci/digest.ts'
import { fallbackTag } from '../../../oci/evidence-tags.ts'
import { isRecord, parseJson } from '../../../oci/json.ts'
import { maxManifestSize, parseManifest } from '../../../oci/manifest.ts'
import { mediaTypes } from '../../../oci/media-types.ts'
import { formatAt, formatRepository } from '../../../oci/reference.ts'
import { inParallel } from '../../../images/parallel.ts'
import type { ManifestContent } from '../../../images/ports.ts'
import type { RepositoryClient } from '../client.ts'
import { deleteContent } from '../manifests/deletion.ts'
import { findManifest, resolveManifest } from '../manifests/manifests.ts'
import { putManifest } from '../manifests/put-manifest.ts'

/** How often another writer may interfere. */
const maxRounds = 8

/** An entry of an index, with fields that this version of dray does not know. */
type ReferrerEntry = Readonly<Record<string, unknown>>

/** The index under a fallback tag; `rest` is what it has besides its entries. */
interface FallbackIndex {
  readonly entries: readonly ReferrerEntry[]
  readonly rest: Readonly<Record<string, unknown>>
}

/**
 * Adds a referrer to the index under its subject's fallback tag (distribution-spec, Referrers Tag
 * Schema): read, merge, write, and read back until it is listed.
 * @throws `unsupported` if the tag holds something that is no index; `conflict` if others overwrite
 * it again and again.
 */
export async function addToFallbackTag(
  client: RepositoryClient,
  subject: Digest,
  referrer: Descriptor,
  call: Call,
): Promise<'added' | 'unchanged'> {
  const isIn = (index: FallbackIndex): boolean =>
    index.entries.some((entry) => entry['digest'] === referrer.digest)
  const changed = await change(client, subject, call, {
    isDone: isIn,
    write: (index, beforeAttempt) =>
      writeIndex(
        client,
        subject,
        { ...index, entries: [...index.entries, { ...referrer }] },
        call,
        beforeAttempt,
      ),
  })
  return changed ? 'added' : 'unchanged'
}

/**
 * Removes a referrer from that index. Deletes the tag with its last entry, if the registry deletes
 * tags.
 */
export async function removeFromFallbackTag(
  client: RepositoryClient,
  subject: Digest,
  referrer: Digest,
  call: Call,
): Promise<'removed' | 'unchanged'> {
  const changed = await change(client, subject, call, {
    isDone: (index) => index.entries.every((entry) => entry['digest'] !== referrer),
    write: async (index, beforeAttempt) => {
      const entries = index.entries.filter((entry) => entry['digest'] !== referrer)
      if (entries.length === 0 && (await deleteTag(client, subject, call, beforeAttempt))) return false
      return await writeIndex(client, subject, { ...index, entries }, call, beforeAttempt)
    },
  })
  return changed ? 'removed' : 'unchanged'
}

interface Change {
  readonly isDone: (index: FallbackIndex) => boolean
  /** Returns whether the tag exists afterwards. */
  readonly write: (index: FallbackIndex, beforeAttempt: BeforeAttempt) => Promise<boolean>
}

/**
 * Returns whether anything had to be written. One at a time within this process. Reading back
 * detects other writers. An index that was read more than two seconds before a request is read
 * again, so that the request does not remove what another writer has added since.
 */
async function change(
  client: RepositoryClient,
  subject: Digest,
  call: Call,
  wanted: Change,
): Promise<boolean> {
  const key = `${formatRepository(client.repository)}:${fallbackTag(subject)}`
  return await client.shared.runOneByOne(key, call, async () => {
    let isExpected = false
    const overwritten = new DrayError('conflict', 'the list of referrers is overwritten again and again', {
      subject: formatAt(client.repository, { tag: fallbackTag(subject) }),
      hint: 'Another client writes the same fallback tag. Run again when it is done.',
    })
    for (let round = 0; round < maxRounds; round++) {
      const readAt = client.shared.clock.now()
      const index = await readIndex(client, subject, isExpected, call)
      if (wanted.isDone(index)) return round > 0
      if (round > 0) await client.shared.retry.wait(round, call)
      let isOutdated = false
      const beforeAttempt = repeatStaleCheck(readAt, client.shared.clock, async () => {
        isOutdated = !isSameIndex(await readIndex(client, subject, false, call), index)
        if (isOutdated) throw overwritten
      })
      try {
        isExpected = await wanted.write(index, beforeAttempt)
      } catch (error) {
        // another writer, or an earlier attempt of this request: the next round reads which
        if (!isOutdated) throw error
        isExpected = false
      }
    }
    throw overwritten
  })
}

function isSameIndex(one: FallbackIndex, other: FallbackIndex): boolean {
  return Buffer.from(indexBytes(one.entries, one.rest)).equals(indexBytes(other.entries, other.rest))
}

async function readIndex(
  client: RepositoryClient,
  subject: Digest,
  isExpected: boolean,
  call: Call,
): Promise<FallbackIndex> {
  const read = (): Promise<ManifestContent | undefined> =>
    findManifest(client, { tag: fallbackTag(subject) }, call)
  const content = await (isExpected ? client.shared.retry.readBack(call, read) : read())
  if (content === undefined) return { entries: [], rest: {} }
  return parseIndex(client, subject, content.bytes, content.descriptor.mediaType)
}

function parseIndex(
  client: RepositoryClient,
  subject: Digest,
  bytes: Uint8Array,
  mediaType: string,
): FallbackIndex {
  const where = formatAt(client.repository, { tag: fallbackTag(subject) })
  const parsed = parseManifest(bytes, mediaType, where)
  if (parsed.kind !== 'index') {
    throw new DrayError('unsupported', 'the fallback tag holds something that is no list of referrers', {
      subject: where,
      why: `it is ${parsed.mediaType}`,
      hint: 'This registry (GitLab does) gives that tag another meaning, so evidence cannot be listed there. Leave the evidence behind, or promote to a registry with the referrers API.',
    })
  }
  const body = parseJson(bytes, where)
  const { manifests, ...rest } = isRecord(body) ? body : {}
  return { entries: Array.isArray(manifests) ? manifests.filter(isRecord) : [], rest }
}

/** Writes the index. If the registry refuses entries whose manifests are gone, they are omitted. */
async function writeIndex(
  client: RepositoryClient,
  subject: Digest,
  { entries, rest }: FallbackIndex,
  call: Call,
  beforeAttempt: BeforeAttempt,
): Promise<true> {
  try {
    await putIndex(client, subject, indexBytes(entries, rest), call, beforeAttempt)
  } catch (error) {
    if (!isDrayError(error) || !missingCodes.has(error.registryCode ?? '')) throw error
    const present = await findExisting(client, entries, call)
    if (present.length === entries.length) throw error
    await putIndex(client, subject, indexBytes(present, rest), call, beforeAttempt)
  }
  return true
}

const missingCodes: ReadonlySet<string> = new Set([
  'MANIFEST_BLOB_UNKNOWN',
  'MANIFEST_UNKNOWN',
  'BLOB_UNKNOWN',
])
const checksAtOnce = 16

async function findExisting(
  client: RepositoryClient,
  entries: readonly ReferrerEntry[],
  call: Call,
): Promise<readonly ReferrerEntry[]> {
  const checked = await inParallel(entries, checksAtOnce, call, async (entry, c) => {
    const digest = parseDigest(String(entry['digest']))
    return (await resolveManifest(client, { digest }, c)) === undefined ? [] : [entry]
  })
  return checked.flat()
}

async function putIndex(
  client: RepositoryClient,
  subject: Digest,
  bytes: Uint8Array,
  call: Call,
  beforeAttempt: BeforeAttempt,
): Promise<void> {
  const tag = fallbackTag(subject)
  if (bytes.byteLength > maxManifestSize) {
    throw new DrayError(
      'unsupported',
      `the list of referrers would be larger than ${maxManifestSize} bytes`,
      {
        subject: formatAt(client.repository, { tag }),
      },
    )
  }
  const d: Descriptor = { mediaType: mediaTypes.index, digest: digestOf(bytes), size: bytes.byteLength }
  await putManifest(client, d, bytes, [tag], call, beforeAttempt)
}

/** The same entries give the same bytes in any order. */
export function indexBytes(
  entries: readonly ReferrerEntry[],
  rest: Readonly<Record<string, unknown>> = {},
): Uint8Array {
  const manifests = [...entries].sort((a, b) => (String(a['digest']) < String(b['digest']) ? -1 : 1))
  return new TextEncoder().encode(
    JSON.stringify(sorted({ ...rest, schemaVersion: 2, mediaType: mediaTypes.index, manifests })),
  )
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key])]),
  )
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
