import type { Call } from '../../../lib/call.ts'
import { DrayError, isDrayError } from '../../../lib/errors.ts'
import type { RegistryResponse } from '../../http/fetch.ts'
import { bareDescriptor, type Descriptor } from '../../../oci/descriptor.ts'
import { algorithmOf, type Digest, digestOf } from '../../../oci/digest.ts'
import { maxManifestSize, parseManifest } from '../../../oci/manifest.ts'
import {
  bareMediaType,
  isIndexType,
  isManifestType,
  isSchema1Type,
  manifestAccept,
} from '../../../oci/media-types.ts'
import { formatAt, formatTagOrDigest, type TagOrDigest } from '../../../oci/reference.ts'
import type { ManifestContent } from '../../../images/ports.ts'
import type { ApiRequest, RepositoryClient } from '../client.ts'
import type { Purpose, Redaction } from '../errors.ts'
import { contentDigest, contentLength } from '../headers.ts'

/** A tag, a digest, or a digest with its size. */
export type ManifestName = TagOrDigest | Descriptor

/** Failures of a HEAD that are not repeated: of registries and proxies without that method. */
const withoutHead: readonly number[] = [500, 501]
/** Refusals that say something about other requests as well. */
const refusalsOfAll: ReadonlySet<number> = new Set([401, 408, 429])

/** Answers to a HEAD that are taken, although only a GET says more after most of them. */
function isHeadAnswer(status: number): boolean {
  const isRefusal = status >= 400 && status < 500 && !refusalsOfAll.has(status)
  return status === 200 || isRefusal || withoutHead.includes(status)
}

/**
 * Checks a manifest by HEAD (distribution-spec, Checking if content exists in the registry);
 * undefined for 404. Reads the manifest if the registry does not support HEAD, if the answer lacks
 * the digest, the type or the length, or if it is 404 and this run has seen the manifest.
 * @throws `corrupt` if the registry names another digest than the requested one.
 */
export async function resolveManifest(
  client: RepositoryClient,
  at: TagOrDigest,
  call: Call,
): Promise<Descriptor | undefined> {
  const { heads } = client.shared
  const { registry } = client.repository
  if (heads.isUnsupported(registry)) return (await readManifest(client, at, call))?.descriptor
  const found = await headManifest(client, at, call)
  if (found === 'absent' && !heads.isDoubtful(registry, formatAt(client.repository, at))) return undefined
  if (found !== 'absent' && found !== undefined) {
    heads.learn(registry, 'yes')
    return found
  }
  const content = await readManifest(client, at, call)
  if (found === undefined || content !== undefined) heads.learn(registry, 'no')
  return content?.descriptor
}

async function headManifest(
  client: RepositoryClient,
  at: TagOrDigest,
  call: Call,
): Promise<Descriptor | 'absent' | undefined> {
  const request = manifestRequest(client, at, 'HEAD')
  try {
    return await client.shared.retry.run(
      client.repository.registry,
      call,
      () => client.sendAndDiscard(request, call),
      async (response) => headOf(response, at, request.purpose, client.shared),
    )
  } catch (error) {
    // In a repository of which manifests can be read, 401 is no answer to credentials.
    const isReadable = client.shared.tagLists.isReadable(client.repository)
    if (isReadable && isDrayError(error) && error.code === 'unauthorized') return undefined
    throw error
  }
}

/** Returns the descriptor in the answer to a HEAD; undefined if it is incomplete. */
function headOf(
  response: RegistryResponse,
  at: TagOrDigest,
  purpose: Purpose,
  redaction: Redaction,
): Descriptor | 'absent' | undefined {
  if (response.status === 404) return 'absent'
  if (response.status !== 200) return undefined
  const digest = contentDigest(response, purpose, redaction) ?? ('digest' in at ? at.digest : undefined)
  const mediaType = bareMediaType(response.headers.get('content-type') ?? '')
  const size = contentLength(response)
  if ('digest' in at && digest !== undefined) checkDigest(digest, at.digest, purpose)
  const isWhole = digest !== undefined && isKnownType(mediaType) && size !== undefined && size > 0
  return isWhole ? { mediaType, digest, size } : undefined
}

/**
 * Reads and verifies a manifest or index; undefined for 404. A descriptor is checked in full:
 * digest, size and media type. By digest, a repository is asked once in a run. Bytes that do not
 * fit are read again a few times before they are believed.
 * @throws `corrupt`, `malformed`, `unsupported` (schema 1).
 */
export async function findManifest(
  client: RepositoryClient,
  at: ManifestName,
  call: Call,
): Promise<ManifestContent | undefined> {
  const { purpose } = manifestRequest(client, at, 'GET')
  const expected = expectedOf(at, purpose)
  if (expected.digest !== undefined) {
    const cached = client.shared.manifests.get(client.repository, expected.digest)
    if (cached !== undefined) {
      checkSize(cached.descriptor.size, expected.size, purpose)
      // A manifest without a type of its own is read again, because its Content-Type decides.
      if (expected.mediaType === undefined || cached.descriptor.mediaType === expected.mediaType)
        return cached
    }
  }
  return await readManifest(client, at, call)
}

/**
 * The same, always from the registry.
 * @throws `refused` if the registry has only the pulls left that the run leaves for others
 */
export async function readManifest(
  client: RepositoryClient,
  at: ManifestName,
  call: Call,
): Promise<ManifestContent | undefined> {
  const request = manifestRequest(client, at, 'GET')
  const expected = expectedOf(at, request.purpose)
  const content = await client.shared.retry.run(
    client.repository.registry,
    call,
    () => pullManifest(client, at, request, call),
    (response) => takeManifest(response, expected, request.purpose, client.shared),
  )
  if (content !== undefined) {
    client.shared.manifests.add(client.repository, content)
    noteExisting(client, 'tag' in at ? at : { digest: at.digest })
  }
  return content
}

/** Sends the GET of a manifest, which counts as a pull at registries with a quota. */
function pullManifest(
  client: RepositoryClient,
  at: ManifestName,
  request: ApiRequest,
  call: Call,
): Promise<RegistryResponse> {
  const reserve = client.shared.reserves.of(client.repository.registry)
  if (reserve === undefined) return client.send(request, call)
  const check = (): Promise<unknown> => client.sendAndDiscard(manifestRequest(client, at, 'HEAD'), call)
  return reserve.pull(() => client.send(request, call), check, call)
}

/** Notes that a manifest exists, so that a 404 to its HEAD is not believed. */
export function noteExisting({ repository, shared }: RepositoryClient, at: TagOrDigest): void {
  shared.heads.noteExisting(repository.registry, formatAt(repository, at))
}

function manifestRequest(client: RepositoryClient, at: ManifestName, method: 'GET' | 'HEAD'): ApiRequest {
  const mark = 'digest' in at ? `@${at.digest}` : `:${at.tag}`
  return {
    method,
    url: client.url(`manifests/${formatTagOrDigest(at)}`),
    headers: { accept: manifestAccept },
    expect: method === 'HEAD' ? isHeadAnswer : [200, 404],
    ...(method === 'HEAD' && { finalStatuses: withoutHead }),
    purpose: client.describe('read the manifest', mark, 'read'),
  }
}

interface Expected {
  readonly digest?: Digest
  readonly size?: number
  readonly mediaType?: string
}

function expectedOf(at: ManifestName, purpose: Purpose): Expected {
  if ('tag' in at) return {}
  if (!('size' in at)) return { digest: at.digest }
  if (at.size > maxManifestSize) {
    throw new DrayError('malformed', `the manifest has ${at.size} bytes, which is too large`, {
      subject: purpose.subject,
      why: `dray reads manifests of up to ${maxManifestSize} bytes`,
    })
  }
  const { digest, size, mediaType } = at
  return mediaType === '' ? { digest, size } : { digest, size, mediaType }
}

async function takeManifest(
  response: RegistryResponse,
  expected: Expected,
  purpose: Purpose,
  redaction: Redaction,
): Promise<ManifestContent | undefined> {
  if (response.status === 404) {
    await response.discard()
    return undefined
  }
  let bytes: Uint8Array
  try {
    checkSize(contentLength(response), expected.size, purpose)
    bytes = await response.bytes(maxManifestSize)
  } catch (error) {
    await response.discard().catch(() => undefined)
    throw error
  }
  checkSize(bytes.byteLength, contentLength(response), purpose)
  checkSize(bytes.byteLength, expected.size, purpose)
  const named = contentDigest(response, purpose, redaction)
  const digest = digestOf(bytes, algorithmOf(expected.digest ?? named ?? defaultDigest))
  if (expected.digest !== undefined) checkDigest(digest, expected.digest, purpose)
  // A registry may name a digest of another algorithm than the requested one.
  if (named !== undefined && algorithmOf(named) === algorithmOf(digest)) checkDigest(digest, named, purpose)
  const mediaType = mediaTypeOf(response, bytes, expected.mediaType, purpose)
  return { descriptor: bareDescriptor({ mediaType, digest, size: bytes.byteLength }), bytes }
}

/**
 * Returns the media type of a manifest, by its own `mediaType` and its Content-Type. If a
 * descriptor led to it, both must agree with the descriptor: other clients would read another kind
 * of content under the same digest (CVE-2021-41190). A Content-Type that only says "bytes" or
 * "JSON" claims nothing.
 */
function mediaTypeOf(
  response: RegistryResponse,
  bytes: Uint8Array,
  expected: string | undefined,
  purpose: Purpose,
): string {
  const served = bareMediaType(response.headers.get('content-type') ?? '')
  if (expected === undefined) return parseManifest(bytes, served, purpose.subject).mediaType
  if (!genericTypes.has(served) && served !== expected) throw otherType(purpose, expected, served)
  const { mediaType } = parseManifest(bytes, expected, purpose.subject)
  if (mediaType !== expected) throw otherType(purpose, expected, mediaType)
  return mediaType
}

const genericTypes: ReadonlySet<string> = new Set([
  '',
  'application/json',
  'application/octet-stream',
  'binary/octet-stream',
  'text/plain',
])

function otherType({ subject }: Purpose, expected: string, found: string): DrayError {
  return new DrayError('malformed', `the media type of ${subject} differs from its descriptor`, {
    subject,
    why: `the descriptor has ${expected}, the registry returned ${found}`,
    hint: 'Push the image again with a current client. dray copied nothing.',
  })
}

/** Its algorithm is the default. */
const defaultDigest = digestOf('')

function isKnownType(mediaType: string): boolean {
  return isIndexType(mediaType) || isManifestType(mediaType) || isSchema1Type(mediaType)
}

function checkDigest(is: Digest, should: Digest, purpose: Purpose): void {
  if (is === should) return
  throw new DrayError('corrupt', `the manifest from ${purpose.registry} does not match its digest`, {
    subject: purpose.subject,
    why: `expected ${should}, got ${is}`,
    hint: 'Check the registry and the proxies in front of it, or push the image again. dray wrote nothing from it.',
  })
}

function checkSize(is: number | undefined, should: number | undefined, purpose: Purpose): void {
  if (is === undefined || should === undefined || is === should) return
  throw new DrayError('corrupt', `the manifest from ${purpose.registry} does not have the expected size`, {
    subject: purpose.subject,
    why: `expected ${should} bytes, got ${is}`,
  })
}
