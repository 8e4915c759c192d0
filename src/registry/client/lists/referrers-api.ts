import type { Call } from '../../../lib/call.ts'
import type { Digest } from '../../../oci/digest.ts'
import { bareMediaType, isIndexType, mediaTypes } from '../../../oci/media-types.ts'
import type { RegistryResponse } from '../../http/fetch.ts'
import type { ApiRequest, RepositoryClient } from '../client.ts'
import { isWebPage, readError } from '../errors.ts'
import { type FirstPage, maxListSize, type ResponsePage } from './pages.ts'

/**
 * The statuses by which registries say that they do not have the referrers API: 404 is the
 * specified one, Artifactory answers 406 (github.com/google/go-containerregistry/issues/1962), and
 * 204 has no list.
 */
export const missingStatuses: ReadonlySet<number> = new Set([404, 204, 400, 405, 406, 410, 415, 422, 501])

/** Codes of errors about what the request names. They say nothing about the API. */
const otherCodes: Readonly<Record<number, readonly string[]>> = {
  404: ['NAME_UNKNOWN'],
  // Quay answers this for a subject that it does not have (github.com/quay/quay/pull/3071).
  400: ['MANIFEST_INVALID', 'MANIFEST_UNKNOWN'],
}

/** Whether such an answer is about something else, such as an absent repository. */
export function isOtherAnswer(status: number, code: string | undefined): boolean {
  return code !== undefined && otherCodes[status]?.includes(code) === true
}

/**
 * Requests the first page of a list of referrers. `no API`: the registry does not have it. `no
 * answer`: the registry has something else to say, such as that there is no such repository.
 * @throws the error of `errors.ts` for 401, 403, 429 and others of the registry's own answers.
 */
export async function requestReferrers(
  client: RepositoryClient,
  subject: Digest,
  call: Call,
): Promise<FirstPage | 'no API' | 'no answer'> {
  const request: ApiRequest = {
    method: 'GET',
    url: client.url(`referrers/${subject}`),
    headers: { accept: mediaTypes.index },
    expect: (status) => status === 200 || missingStatuses.has(status) || isRedirect(status),
    // GHCR redirects to a page of github.com (github.com/artifacthub/hub/issues/4785).
    returnsRedirect: true,
    acceptsWebPage: true,
    purpose: client.describe('list the referrers', `@${subject}`, 'read'),
  }
  return await client.shared.retry.run(
    client.registry,
    call,
    () => client.send(request, call),
    (response) => takeFirstPage(response, request.url, client),
  )
}

/** Whether a page has the list of an index, which an answer for another question lacks. */
export function hasManifests({ bytes }: Pick<ResponsePage, 'bytes'>): boolean {
  return Buffer.from(bytes).includes('"manifests"')
}

async function takeFirstPage(
  response: RegistryResponse,
  url: URL,
  client: RepositoryClient,
): Promise<FirstPage | 'no API' | 'no answer'> {
  const { status } = response
  if (isRedirect(status) || isWebPage(response)) {
    await response.discard()
    return 'no API'
  }
  if (status !== 200) {
    const { code } = await readError(response, client.shared)
    return isOtherAnswer(status, code) ? 'no answer' : 'no API'
  }
  const page = { response, bytes: await response.bytes(maxListSize) }
  return isIndex(page) ? { url, page } : 'no API'
}

/**
 * Whether an answer is an index at all, or a damaged one: a page that claims to be an index and
 * cannot be read does not show that there is no API.
 */
function isIndex({ response, bytes }: ResponsePage): boolean {
  const text = bytes.byteLength > 64 ? undefined : Buffer.from(bytes).toString().replaceAll(/\s/g, '')
  if (text === '' || text === '{}') return false
  const mediaType = bareMediaType(response.headers.get('content-type') ?? '')
  return isIndexType(mediaType) || hasManifests({ bytes })
}

export function isRedirect(status: number): boolean {
  return status >= 300 && status < 400
}
