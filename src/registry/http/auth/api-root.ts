import type { Call } from '../../../lib/call.ts'
import { DrayError } from '../../../lib/errors.ts'
import type { Fetch } from '../fetch.ts'

/**
 * Sends `GET /v2/` without credentials (distribution-spec, Determining Support). Returns the
 * `WWW-Authenticate` value of a 401, which is empty if there is none, and undefined for every other
 * answer of the registry.
 * @throws `unavailable` if the registry is busy or fails, which says nothing; as `fetch`.
 */
export async function readRootChallenge(
  fetch: Fetch,
  registry: string,
  origin: URL,
  call: Call,
): Promise<string | undefined> {
  const url = new URL('/v2/', origin)
  const common = { method: 'GET', headers: {}, scopes: [], replay: 'always', lane: 'small' } as const
  const response = await fetch({ ...common, registry, url }, call)
  await response.discard()
  const { status } = response
  if (response.url.origin !== origin.origin) return undefined
  if (status === 401) return response.headers.get('www-authenticate') ?? ''
  if (status !== 408 && status !== 429 && status < 500) return undefined
  throw new DrayError('unavailable', `cannot detect the authentication of ${registry}`, {
    subject: registry,
    status,
    why: `it answered ${status} to GET /v2/`,
    hint: 'Run the command again later.',
  })
}
