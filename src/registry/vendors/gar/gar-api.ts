import type { Call } from '../../../lib/call.ts'
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

  async send(request: GarRequest, call: Call): Promise<VendorResponse> {
    const { method = 'GET', path, query, expect = [200], doing, repository, beforeAttempt } = request
    const { base } = this.#api
    return await this.#api.send(
      {
        method,
        path: new URL(`${base.origin}${apiPath(base)}${path}`),
        ...(query !== undefined && { query }),
        authorization: await this.#tokens.authorization(repository.path, call),
        expect,
        doing,
        repository,
        beforeAttempt,
      },
      call,
    )
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
