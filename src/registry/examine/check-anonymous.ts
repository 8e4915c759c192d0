import type { Call } from '../../lib/call.ts'
import type { InventoryKind } from '../../images/inventory/inventory.ts'
import type { Oddity } from '../../images/registry-facts.ts'
import type { Fetch, RegistryRequest } from '../http/fetch.ts'
import { parseChallenges } from '../http/auth/challenge.ts'
import type { RegistryClient } from '../client/client.ts'
import { vendorOfChallenges } from './vendor-signs.ts'

/** The schemes that dray has credentials for. */
const readableSchemes: ReadonlySet<string> = new Set(['basic', 'bearer'])

/** The answer to a request without credentials. */
export interface AnonymousAnswer {
  readonly status: number
  /** it has a challenge that dray can answer */
  readonly isChallenge: boolean
  /** the vendor that the challenge shows */
  readonly vendor?: InventoryKind
}

/** Sends requests without authentication. */
export interface AnonymousClient {
  readonly client: RegistryClient
  readonly fetch: Fetch
}

/** Requests `GET /v2/` without credentials. @throws what the request throws. */
export async function requestRoot(anonymous: AnonymousClient, call: Call): Promise<AnonymousAnswer> {
  return await request(anonymous, anonymous.client.url(''), call)
}

/**
 * Compares the answer of `/v2/` with that of the tag list of a repository, if there is one and
 * `/v2/` challenges. @throws what the request throws.
 */
export async function checkChallenge(
  anonymous: AnonymousClient,
  root: AnonymousAnswer,
  repository: string | undefined,
  call: Call,
): Promise<readonly Oddity[]> {
  if (root.status !== 401) return []
  if (!root.isChallenge)
    return [{ kind: 'challenge', saw: 'GET /v2/ answered 401 without a challenge that dray supports' }]
  if (repository === undefined) return []
  const { status } = await request(anonymous, anonymous.client.url(`${repository}/tags/list`, 'n=1'), call)
  if (status !== 403 && status !== 404) return []
  const saw = `the tag list answered ${status} without a challenge to a request without credentials; GET /v2/ has a challenge`
  return [{ kind: 'anonymous', saw }]
}

async function request({ client, fetch }: AnonymousClient, url: URL, call: Call): Promise<AnonymousAnswer> {
  const { registry } = client
  const headers = { 'accept-encoding': 'identity' }
  const sent: RegistryRequest = {
    registry,
    method: 'GET',
    url,
    headers,
    scopes: [],
    replay: 'always',
    lane: 'small',
  }
  const response = await fetch(sent, call)
  await response.discard()
  const challenges = parseChallenges(response.headers.get('www-authenticate') ?? '')
  const vendor = vendorOfChallenges(challenges)
  return {
    status: response.status,
    isChallenge: challenges.some(({ scheme }) => readableSchemes.has(scheme)),
    ...(vendor !== undefined && { vendor }),
  }
}
