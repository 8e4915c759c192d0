import type { Call } from '../../../lib/call.ts'
import { DrayError, isDrayError } from '../../../lib/errors.ts'
import type { BeforeAttempt } from '../../../lib/freshness.ts'
import type { Descriptor } from '../../../oci/descriptor.ts'
import { type Digest, digestOf, isDigest } from '../../../oci/digest.ts'
import { fallbackTag, isEvidenceTag } from '../../../oci/evidence-tags.ts'
import { isRecord, parseJson } from '../../../oci/json.ts'
import { maxManifestSize, parseUnverified } from '../../../oci/manifest.ts'
import { mediaTypes } from '../../../oci/media-types.ts'
import { formatAt } from '../../../oci/reference.ts'
import { inParallel } from '../../../images/parallel.ts'
import type { ManifestContent } from '../../../images/ports.ts'
import type { RepositoryClient } from '../client.ts'
import { findManifest, resolveManifest } from '../manifests/manifests.ts'
import { putManifest } from '../manifests/put-manifest.ts'
import { readIfListed } from './refused-tags.ts'

/** An entry of an index, with fields that this version of dray does not know. */
export type ReferrerEntry = Readonly<Record<string, unknown>>

/** The index under a fallback tag; `rest` has its other fields. */
export interface FallbackIndex {
  readonly entries: readonly ReferrerEntry[]
  readonly rest: Readonly<Record<string, unknown>>
  /** of its manifest; undefined: there is no such tag */
  readonly digest: Digest | undefined
}

/** Notes that a read of a fallback tag answered 404. */
export function noteAbsent({ repository, shared }: RepositoryClient, tag: string): void {
  if (isEvidenceTag(tag)) shared.absentTags.add(formatAt(repository, { tag }))
}

/**
 * Reads the index under a fallback tag. A 404 has to be confirmed by an earlier or a second read,
 * because a list that is replaced loses the entries of others: docker-registry 2.8 answers 404 to
 * some reads of a tag that is being moved.
 * @param isExpected the tag existed a moment ago, so that a 404 is retried with a wait
 * @throws `unsupported` if the tag holds something that is no index
 */
export async function readIndex(
  client: RepositoryClient,
  subject: Digest,
  isExpected: boolean,
  call: Call,
): Promise<FallbackIndex> {
  const tag = fallbackTag(subject)
  const read = (): Promise<ManifestContent | undefined> =>
    readIfListed(client, { tag }, () => findManifest(client, { tag }, call), call)
  const wasAbsent = client.shared.absentTags.has(formatAt(client.repository, { tag }))
  const content = isExpected
    ? await client.shared.retry.readBack(call, read)
    : ((await read()) ?? (wasAbsent ? undefined : await read()))
  if (content === undefined) return { entries: [], rest: {}, digest: undefined }
  return parseIndex(client, subject, content)
}

function parseIndex(client: RepositoryClient, subject: Digest, content: ManifestContent): FallbackIndex {
  const where = formatAt(client.repository, { tag: fallbackTag(subject) })
  const { bytes, descriptor } = content
  const parsed = parseUnverified(bytes, descriptor.mediaType, where)
  if (parsed.kind !== 'index') {
    throw new DrayError('unsupported', 'the fallback tag does not point to a list of referrers', {
      subject: where,
      why: `its media type is ${parsed.mediaType}; GitLab and some other registries use this tag for the image itself`,
      hint: 'Pass --no-evidence, or use a registry with the referrers API.',
    })
  }
  const body = parseJson(bytes, where)
  const { manifests, ...rest } = isRecord(body) ? body : {}
  const entries = Array.isArray(manifests) ? manifests.filter(isRecord) : []
  return { entries, rest, digest: descriptor.digest }
}

/** Writes the index. If the registry refuses entries whose manifests are gone, they are omitted. */
export async function writeIndex(
  client: RepositoryClient,
  subject: Digest,
  { entries, rest }: Pick<FallbackIndex, 'entries' | 'rest'>,
  call: Call,
  beforeAttempt: BeforeAttempt,
): Promise<void> {
  try {
    await putIndex(client, subject, indexBytes(entries, rest), call, beforeAttempt)
  } catch (error) {
    if (!isDrayError(error) || !missingCodes.has(error.registryCode ?? '')) throw error
    const present = await findExisting(client, entries, call)
    if (present.length === entries.length) throw error
    await putIndex(client, subject, indexBytes(present, rest), call, beforeAttempt)
  }
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
    const digest = String(entry['digest'])
    // an entry that cannot be read is kept unchanged
    if (!isDigest(digest)) return [entry]
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
  await putManifest(client, d, bytes, [tag], call, { beforeAttempt })
}

export function isSameIndex(one: FallbackIndex, other: FallbackIndex): boolean {
  return Buffer.from(indexBytes(one.entries, one.rest)).equals(indexBytes(other.entries, other.rest))
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
