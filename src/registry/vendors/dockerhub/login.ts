import type { Call } from '../../../lib/call.ts'
import { DrayError, isDrayError } from '../../../lib/errors.ts'
import { isRecord } from '../../../oci/json.ts'
import { SharedWork } from '../../http/shared-work.ts'
import type { VendorApi, VendorRequest, VendorResponse, VendorSecret } from '../vendor-api.ts'

/** A token is valid for ten minutes (`AuthCreateTokenResponse`). */
const usableMs = 9 * 60_000

interface HubToken {
  readonly work: SharedWork<string>
  readonly usableUntil: number
}

/** Sends requests with a token that Docker Hub creates for the credentials, kept for the run. */
export class DockerHubLogin {
  readonly #api: VendorApi
  readonly #tokens = new Map<string, HubToken>()

  constructor(api: VendorApi) {
    this.#api = api
  }

  get host(): string {
    return this.#api.base.host
  }

  /**
   * Sends a request; without credentials it reads public repositories. A token that Docker Hub
   * refuses is created again once.
   * @param path of the repository, for the credentials
   */
  async send(
    request: Omit<VendorRequest, 'authorization'>,
    path: string,
    call: Call,
  ): Promise<VendorResponse> {
    const token = await this.#token(path, call)
    try {
      return await this.#api.send({ ...request, authorization: bearer(token) }, call)
    } catch (error) {
      if (token === undefined || !isDrayError(error) || error.status !== 401) throw error
      this.#tokens.clear()
      const renewed = await this.#token(path, call)
      return await this.#api.send({ ...request, authorization: bearer(renewed) }, call)
    }
  }

  async #token(path: string, call: Call): Promise<string | undefined> {
    const secret = await this.#api.secret(path, call)
    const login = secret === undefined ? undefined : loginOf(secret, this.#api)
    if (login === undefined) return undefined
    const key = JSON.stringify(login)
    const now = this.#api.clock.now()
    const known = this.#tokens.get(key)
    if (known !== undefined && known.usableUntil > now) return await known.work.result(call)
    const work = new SharedWork((first) => this.#create(login, first))
    this.#tokens.set(key, { work, usableUntil: now + usableMs })
    return await work.result(call)
  }

  /** `POST /v2/auth/token` (operation `AuthCreateAccessToken`). */
  async #create(login: DockerHubAccount, call: Call): Promise<string> {
    const doing = `create a token of ${this.host} for ${login.identifier}`
    const request = { method: 'POST', path: '/v2/auth/token', json: login, doing } as const
    const response = await this.#api.send({ ...request, authorization: undefined, expect: [200, 401] }, call)
    if (response.status === 401) throw await this.#refused(response, login, doing)
    const body = await response.json()
    const token = isRecord(body) ? body['access_token'] : undefined
    if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token))
      throw new DrayError('protocol', `cannot ${doing}: the answer is invalid`, {
        subject: this.#api.registry,
        why: `${this.host} sent no access_token`,
      })
    this.#api.keepSecret(token)
    return token
  }

  async #refused(response: VendorResponse, login: DockerHubAccount, doing: string): Promise<DrayError> {
    const { registry } = this.#api
    return new DrayError('unauthorized', `cannot ${doing}`, {
      subject: registry,
      status: 401,
      why: (await response.text()) || `${this.host} refused the credentials of ${login.identifier}`,
      hint: `Log in with a personal access token: dray login ${registry}. For an organization access token, the user is the name of the organization.`,
    })
  }
}

/** The body of a login. */
interface DockerHubAccount {
  readonly identifier: string
  readonly secret: string
}

/**
 * Undefined for a refresh token, which has no identifier. The variable of `tokenEnv` has both.
 * @throws `config` if it has only a token.
 */
function loginOf({ username, secret, from }: VendorSecret, api: VendorApi): DockerHubAccount | undefined {
  if (from === 'registry') return username === undefined ? undefined : { identifier: username, secret }
  const colon = secret.indexOf(':')
  if (colon < 1 || colon === secret.length - 1)
    throw new DrayError('config', `the token for ${api.base.host} has no user`, {
      subject: api.registry,
      why: 'Docker Hub creates its own tokens for a user and a personal access token',
      hint: `Set the variable of registries.${api.registry}.tokenEnv to USER:TOKEN, or remove tokenEnv and run dray login ${api.registry}.`,
    })
  const account = { identifier: secret.slice(0, colon), secret: secret.slice(colon + 1) }
  api.keepSecret(account.secret)
  return account
}

function bearer(token: string | undefined): string | undefined {
  return token === undefined ? undefined : `Bearer ${token}`
}
