import type { Call } from '../../../lib/call.ts'
import { DrayError } from '../../../lib/errors.ts'
import type { RegistryResponse, RequestBody } from '../../http/fetch.ts'
import type { Descriptor } from '../../../oci/descriptor.ts'
import { algorithmOf, type Digest } from '../../../oci/digest.ts'
import type { ApiRequest, RepositoryClient } from '../client.ts'
import type { Purpose } from '../errors.ts'

/** Milliseconds to cancel a session. Ctrl-C waits for this. */
const cancelTimeoutMs = 3000

/** An upload session as the registry has it. */
export interface Session {
  /** opaque; changes with every answer */
  readonly url: URL
  /** bytes; `OCI-Chunk-Min-Length`, or 0 */
  readonly minChunk: number
}

/**
 * Opens a session by POST. A repeated request opens a second one, and the first one, whose answer
 * was lost, has no known URL. If the call was aborted meanwhile, the session is cancelled. Returns
 * `present` if the registry answers that it has the blob.
 * @throws the signal's reason then.
 */
export async function beginUpload(
  client: RepositoryClient,
  d: Descriptor,
  purpose: Purpose,
  call: Call,
): Promise<Session | 'present'> {
  const url = client.url('blobs/uploads/', algorithmQuery(d.digest))
  const request = { method: 'POST', url, expect: uploadSuccesses, purpose, settles: true } as const
  const response = await client.sendAndDiscard(request, call)
  if (namesBlob(response, d.digest)) return 'present'
  return await unlessAborted(client, sessionOf(client, response, undefined, purpose), purpose, call)
}

/** The same for a blob that the registry cannot have. @throws `protocol` if it says that it has. */
export async function openSession(
  client: RepositoryClient,
  d: Descriptor,
  purpose: Purpose,
  call: Call,
): Promise<Session> {
  const begun = await beginUpload(client, d, purpose, call)
  if (begun !== 'present') return begun
  throw new DrayError('protocol', `cannot ${purpose.doing}: the registry opened no upload session`, {
    subject: purpose.subject,
    why: 'it answered that it already has the blob',
  })
}

/**
 * Whether the answer to a POST says that the repository has the blob: 201, or 200, with the
 * location of the blob, or with its digest and no location (distribution-spec, Mounting a blob from
 * another repository).
 */
export function namesBlob(response: RegistryResponse, digest: Digest): boolean {
  if (response.status !== 200 && response.status !== 201) return false
  const location = response.headers.get('location') ?? ''
  if (location === '') return response.headers.get('docker-content-digest') === digest
  const path = location.replace(/[?#].*$/s, '')
  return path.endsWith(`/blobs/${digest}`) || path.endsWith(`/blobs/${encodeURIComponent(digest)}`)
}

/** Whether the answer to a POST has the location of an upload session. */
export function namesSession({ status, headers }: RegistryResponse): boolean {
  const location = headers.get('location') ?? ''
  if (status === 201) return /\/blobs\/uploads\/[^/?#]/.test(location)
  return uploadSuccesses.includes(status) && (location !== '' || uploadId(headers) !== undefined)
}

/** The ID of an upload, for registries that name it without a location. */
function uploadId(headers: RegistryResponse['headers']): string | undefined {
  const id = headers.get('docker-upload-uuid') ?? ''
  return /^[\w.~=-]{1,512}$/.test(id) ? id : undefined
}

/** Returns a new session, or cancels it if the call is aborted. @throws the signal's reason. */
export async function unlessAborted(
  client: RepositoryClient,
  session: Session,
  purpose: Purpose,
  call: Call,
): Promise<Session> {
  if (call.signal.aborted) await cancelSession(client, session, purpose, call)
  call.signal.throwIfAborted()
  return session
}

/**
 * Returns `digest-algorithm=…` unless it is sha256 (distribution-spec, Pushing a blob
 * monolithically).
 */
export function algorithmQuery(digest: Digest): string {
  const algorithm = algorithmOf(digest)
  return algorithm === 'sha256' ? '' : `digest-algorithm=${algorithm}`
}

/**
 * Returns the session that an answer names; `before` if it names none, or if storage answered to
 * which the registry redirected. @throws `protocol`.
 */
export function sessionOf(
  client: RepositoryClient,
  response: RegistryResponse,
  before: Session | undefined,
  purpose: Purpose,
): Session {
  const location = response.headers.get('location')
  const minimum = response.headers.get('oci-chunk-min-length') ?? ''
  const minChunk = /^\d{1,12}$/.test(minimum) ? Number(minimum) : (before?.minChunk ?? 0)
  const isOwn = response.url.origin === client.shared.origin(client.registry).origin
  if (before !== undefined && !isOwn) return before
  if (location !== undefined && location !== '') {
    return { url: client.follow(completed(location, client), response.url, purpose), minChunk }
  }
  if (before !== undefined) return before
  const id = uploadId(response.headers)
  if (id !== undefined) return { url: client.url(`blobs/uploads/${id}`), minChunk }
  throw new DrayError('protocol', `cannot ${purpose.doing}: the registry opened no upload session`, {
    subject: purpose.subject,
    why: `it answered ${response.status} without a Location`,
  })
}

/**
 * Completes a location without its first slash, or with a host and no scheme, which would be
 * resolved to a path below `uploads/`.
 */
function completed(location: string, client: RepositoryClient): string {
  const { protocol, host, href } = client.shared.origin(client.registry)
  if (location.startsWith('v2/')) return `${href.replace(/\/$/, '')}/${location}`
  return location.startsWith(`${host}/`) ? `${protocol}//${location}` : location
}

/**
 * Returns how many bytes of the blob are uploaded: `Range: 0-<last>`; undefined if the answer does
 * not say. `0-0` can also mean an upload without a byte.
 */
export function parseUploadedBytes(response: RegistryResponse): number | undefined {
  const last = /^(?:bytes=)?0-(\d{1,15})$/.exec(response.headers.get('range')?.trim() ?? '')?.[1]
  if (last === undefined) return undefined
  return last === '0' ? 0 : Number(last) + 1
}

/**
 * Asks how much of a session is uploaded (distribution-spec, Pushing a blob in chunks: GET of its
 * location). Returns `gone` after 404, and undefined if the registry does not say.
 */
export async function askSession(
  client: RepositoryClient,
  session: Session,
  purpose: Purpose,
  call: Call,
): Promise<{ readonly session: Session; readonly size: number } | 'gone' | undefined> {
  const request = { method: 'GET', url: session.url, expect: () => true, purpose } as const
  const response = await client.sendAndDiscard(request, call)
  if (response.status === 404) return 'gone'
  const size = parseUploadedBytes(response)
  if (response.status !== 204 || size === undefined) return undefined
  return { session: sessionOf(client, response, session, purpose), size }
}

/**
 * Returns the session's URL with `digest=` added, in place of one that it has. The rest of the
 * query does not change, because it may be signed.
 */
export function withDigest(session: URL, digest: Digest): URL {
  const url = new URL(session)
  const given = url.search === '' ? [] : url.search.slice(1).split('&')
  const others = given.filter((parameter) => !parameter.startsWith('digest='))
  url.search = [...others, `digest=${encodeURIComponent(digest)}`].join('&')
  return url
}

/** Returns the PATCH that adds a chunk at the offset `start` of the blob. */
export function patchRequest(url: URL, body: RequestBody, start: number, purpose: Purpose): ApiRequest {
  const size = body.kind === 'bytes' ? body.bytes.byteLength : body.size
  const headers = { 'content-type': octetStream, 'content-range': `${start}-${start + size - 1}` }
  return {
    method: 'PATCH',
    url,
    headers,
    body,
    replay: 'never',
    lane: 'upload',
    // The answer names the URL that continues or cancels the session.
    settles: true,
    // ECR answers 201, Pulp 204 and others 202, as specified.
    expect: uploadSuccesses,
    purpose,
  }
}

/** Returns the PUT that ends a session: with the rest of the blob, or with the whole blob. */
export function putRequest(url: URL, body: RequestBody, purpose: Purpose): ApiRequest {
  const headers = { 'content-type': octetStream }
  return {
    method: 'PUT',
    url,
    headers,
    body,
    replay: 'never',
    lane: 'upload',
    expect: uploadSuccesses,
    purpose,
  }
}

const octetStream = 'application/octet-stream'

/** Registries differ in which of these they answer to the requests of an upload. */
export const uploadSuccesses: readonly number[] = [200, 201, 202, 204]

/**
 * Cancels a session by DELETE, also if the call is aborted. Ignores the result (distribution-spec,
 * Cancel a blob upload). distribution 3 answers 416 if the location is older than the last bytes,
 * and names the current one.
 */
export async function cancelSession(
  client: RepositoryClient,
  session: Session,
  purpose: Purpose,
  call: Call,
): Promise<void> {
  try {
    const quiet: Call = { signal: AbortSignal.timeout(cancelTimeoutMs), notify: call.notify }
    const cancel = (url: URL): Promise<RegistryResponse> =>
      client.sendAndDiscard({ method: 'DELETE', url, expect: () => true, purpose }, quiet)
    if ((await cancel(session.url)).status !== 416) return
    const state = await askSession(client, session, purpose, quiet)
    if (state !== 'gone' && state !== undefined) await cancel(state.session.url)
  } catch {
    // The registry drops it later by itself.
  }
}
