import type { Call } from '../../lib/call.ts'
import type { Digest } from '../../oci/digest.ts'
import { isRecord } from '../../oci/json.ts'
import { bareMediaType, mediaTypes } from '../../oci/media-types.ts'
import type { AbilityFact } from '../../images/registry-facts.ts'
import type { RegistryResponse } from '../http/fetch.ts'
import type { RepositoryClient } from '../client/client.ts'
import { errorOf, readError } from '../client/errors.ts'
import { isOtherAnswer, isRedirect, missingStatuses } from '../client/lists/referrers-api.ts'

const maxList = 4 * 1024 ** 2

/** The answer of a registry to a request for the referrers of a manifest. */
export interface ReferrersAnswer {
  readonly fact: AbilityFact
  readonly digests: readonly string[]
}

/**
 * Requests a list of referrers and describes the answer, because registries without the API answer
 * in many ways. @throws what the client throws for an answer of another kind.
 */
export async function checkReferrers(
  client: RepositoryClient,
  subject: Digest,
  call: Call,
): Promise<ReferrersAnswer> {
  const purpose = client.describe('list the referrers', `@${subject}`, 'read')
  const response = await client.send(
    {
      method: 'GET',
      url: client.url(`referrers/${subject}`),
      headers: { accept: mediaTypes.index },
      // An answer in this lane may be a web page.
      lane: 'download',
      returnsRedirect: true,
      expect: () => true,
      purpose,
    },
    call,
  )
  const { status } = response
  if (status === 200) return await readAnswer(response, client)
  if (isRedirect(status)) {
    await response.discard()
    return missing(describeRedirect(response))
  }
  const error = await readError(response, client.shared)
  if (!missingStatuses.has(status)) throw errorOf(status, error, purpose, response)
  if (isOtherAnswer(status, error.code)) return { fact: { known: 'unknown', by: 'asking' }, digests: [] }
  return missing(`it answered ${status}`)
}

async function readAnswer(response: RegistryResponse, client: RepositoryClient): Promise<ReferrersAnswer> {
  const text = new TextDecoder().decode(await response.bytes(maxList))
  const digests = digestsIn(text)
  if (digests !== undefined) return { fact: { known: 'yes', by: 'asking' }, digests }
  const type = bareMediaType(response.headers.get('content-type') ?? '') || 'no Content-Type'
  return missing(`it answered 200 with ${client.shared.redact(type).slice(0, 100)}, which is not an index`)
}

function digestsIn(text: string): readonly string[] | undefined {
  let index: unknown
  try {
    index = JSON.parse(text)
  } catch {
    return undefined
  }
  const entries: unknown = isRecord(index) ? index['manifests'] : undefined
  if (entries === null) return []
  if (!Array.isArray(entries)) return undefined
  return entries.flatMap((entry: unknown) => (isRecord(entry) ? String(entry['digest']) : []))
}

function describeRedirect({ status, headers, url }: RegistryResponse): string {
  const location = headers.get('location') ?? ''
  if (location === '' || !URL.canParse(location, url.href)) return `it answered ${status}`
  return `it redirected to ${new URL(location, url).host}`
}

function missing(detail: string): ReferrersAnswer {
  return { fact: { known: 'no', by: 'asking', detail }, digests: [] }
}
