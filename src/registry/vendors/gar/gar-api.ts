import type { Call } from '../../../lib/call.ts'
import { isDrayError } from '../../../lib/errors.ts'
import type { BeforeAttempt } from '../../../lib/freshness.ts'
import { formatRepository, type RepositoryName } from '../../../oci/reference.ts'
import { answerFields, type ApiFields, optionalObjects, optionalText } from '../api/fields.ts'
import type { ListOfPages } from '../paging/page-bounds.ts'
import { type TokenPage, tokenPages } from '../paging/token-pages.ts'
import type { VendorApi, VendorResponse } from '../vendor-api.ts'
import { GoogleTokens } from './google-token.ts'
import { apiPath, locationOf } from './resource-names.ts'

/** The most entries of a page (version.proto, tag.proto, package.proto). */
const pageSize = '1000'

export interface GarRequest {
  readonly method?: 'GET' | 'DELETE'
  /** from `/v1` on */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  /** by default only 200 */
  readonly expect?: readonly number[]
  readonly doing: string
  /** of the credentials, and for errors */
  readonly repository: RepositoryName
  readonly beforeAttempt?: BeforeAttempt | undefined
}

/** The API of Artifact Registry for one registry. */
export class GarApi {
  readonly #api: VendorApi
  readonly #tokens: GoogleTokens
  readonly location: string

  constructor(api: VendorApi) {
    this.#api = api
    this.#tokens = new GoogleTokens(api)
    this.location = locationOf(api.registry, api.base)
  }

  get registry(): string {
    return this.#api.registry
  }

  get base(): URL {
    return this.#api.base
  }

  get clock(): VendorApi['clock'] {
    return this.#api.clock
  }

  /**
   * Sends a request. An access token lasts an hour: if Google refuses it, and the credential helper
   * gives another one, the request is sent again.
   */
  async send(request: GarRequest, call: Call): Promise<VendorResponse> {
    const { path } = request.repository
    const authorization = await this.#tokens.authorization(path, call)
    try {
      return await this.#sendWith(authorization, request, call)
    } catch (error) {
      if (authorization === undefined || !isDrayError(error) || error.status !== 401) throw error
      const renewed = await this.#tokens.authorization(path, call)
      if (renewed === authorization) throw error
      return await this.#sendWith(renewed, request, call)
    }
  }

  #sendWith(
    authorization: string | undefined,
    { method = 'GET', path, expect = [200], ...request }: GarRequest,
    call: Call,
  ): Promise<VendorResponse> {
    const { base } = this.#api
    const url = new URL(`${base.origin}${apiPath(base)}${path}`)
    return this.#api.send({ ...request, method, path: url, expect, authorization }, call)
  }

  /**
   * Lists objects. Google sends no field for an empty list.
   * @throws `protocol` for an invalid answer, and what `send` throws.
   */
  list(
    path: string,
    key: string,
    of: Pick<GarRequest, 'doing' | 'repository'>,
    call: Call,
    more: GarRequest['query'] = {},
  ): GarPages {
    const { doing, repository } = of
    const list = this.listOf(of)
    const send = async (pageToken: string | undefined): Promise<TokenPage<ApiFields>> => {
      const query = { ...more, pageSize, ...(pageToken !== undefined && { pageToken }) }
      const answer = await this.send({ path, query, doing, repository }, call)
      const fields = answerFields(await answer.json(), list.host)
      return {
        items: optionalObjects(fields[key], list.host),
        bytes: answer.bytes,
        next: optionalText(fields['nextPageToken']),
      }
    }
    return tokenPages(list, send)
  }

  listOf({ doing, repository }: Pick<GarRequest, 'doing' | 'repository'>): ListOfPages {
    return { doing, subject: formatRepository(repository), host: this.#api.base.host }
  }
}

export type GarPages = AsyncGenerator<readonly ApiFields[], void>
