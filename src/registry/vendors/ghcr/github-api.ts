import type { Call } from '../../../lib/call.ts'
import { DrayError } from '../../../lib/errors.ts'
import { isRecord } from '../../../oci/json.ts'
import { formatRepository, type RepositoryName } from '../../../oci/reference.ts'
import { SharedWork } from '../../http/shared-work.ts'
import type { VendorApi, VendorRequest, VendorResponse } from '../vendor-api.ts'

/** docs.github.com/rest/about-the-rest-api/api-versions */
const headers = { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' }

/** The token of a workflow or an app, which is no user's (docs.github.com, token formats). */
const installationToken = /^ghs_/

/** A request of the packages API for one repository, or for all packages of an owner. */
export type GitHubRequest = Pick<VendorRequest, 'method' | 'query' | 'expect' | 'doing' | 'beforeAttempt'> & {
  /** of a repository, whose first segment is the owner; or of the owner with a slash */
  readonly repository: RepositoryName
  /** below the path of the owner, encoded */
  readonly path: string
  /** the `ETag` of an answer that is known */
  readonly etag?: string | undefined
}

/** The paths of owners in GitHub's API (docs.github.com/rest/packages/packages). */
export class GitHubApi {
  readonly #api: VendorApi
  readonly #owners = new Map<string, SharedWork<string>>()

  constructor(api: VendorApi) {
    this.#api = api
  }

  /** The host of the API, for errors. */
  get host(): string {
    return this.#api.base.host
  }

  /**
   * Sends a request below the path of the owner.
   * @throws `not-found` if there is no such owner; what `VendorApi.send` throws.
   */
  async send(request: GitHubRequest, call: Call): Promise<VendorResponse> {
    const { repository, path, etag, ...of } = request
    const owner = await this.#ownerPath(repository, call)
    return await this.#api.send(
      {
        ...of,
        path: owner + path,
        repository,
        headers: { ...headers, ...(etag !== undefined && { 'if-none-match': etag }) },
        authorization: await this.#authorization(repository, call),
      },
      call,
    )
  }

  /** Whether the token belongs to no user. Such a token lists no packages of an owner. */
  async isInstallation(repository: RepositoryName, call: Call): Promise<boolean> {
    const found = await this.#api.secret(repository.path, call)
    return found !== undefined && installationToken.test(found.secret)
  }

  async #authorization({ path }: RepositoryName, call: Call): Promise<string | undefined> {
    const found = await this.#api.secret(path, call)
    return found === undefined ? undefined : `Bearer ${found.secret}`
  }

  /** Each owner is looked up once in a run. */
  async #ownerPath(repository: RepositoryName, call: Call): Promise<string> {
    const [owner = ''] = repository.path.split('/')
    const known = this.#owners.get(owner)
    const lookup = known ?? new SharedWork((first) => this.#findOwner(repository, owner, first))
    this.#owners.set(owner, lookup)
    return await lookup.result(call)
  }

  /**
   * `/orgs/NAME`, `/users/NAME`, or `/user` for the user of the token, whose private packages are
   * only there.
   */
  async #findOwner(repository: RepositoryName, owner: string, call: Call): Promise<string> {
    const name = encodeURIComponent(owner)
    const account = await this.#account(`/users/${name}`, [200, 404], repository, call)
    if (account === undefined) throw noOwner(repository, owner, this.host)
    if (account.type === 'Organization') return `/orgs/${name}`
    const authorization = await this.#authorization(repository, call)
    if (authorization === undefined || (await this.isInstallation(repository, call))) return `/users/${name}`
    const self = await this.#account('/user', [200, 403, 404], repository, call)
    return self?.login.toLowerCase() === owner.toLowerCase() ? '/user' : `/users/${name}`
  }

  /** Undefined for an expected status other than 200. */
  async #account(
    path: string,
    expect: readonly number[],
    repository: RepositoryName,
    call: Call,
  ): Promise<{ readonly login: string; readonly type: string } | undefined> {
    const doing = `look up the owner of ${formatRepository(repository)}`
    const authorization = await this.#authorization(repository, call)
    const request = { method: 'GET', path, headers, authorization, expect, doing, repository } as const
    const response = await this.#api.send(request, call)
    if (response.status !== 200) return undefined
    const body = await response.json()
    if (isRecord(body) && typeof body['login'] === 'string' && typeof body['type'] === 'string')
      return { login: body['login'], type: body['type'] }
    throw unexpected(repository, doing, `${this.host} sent an account without a login and a type`)
  }
}

function noOwner(repository: RepositoryName, owner: string, host: string): DrayError {
  const subject = formatRepository(repository)
  return new DrayError('not-found', `${subject} does not exist`, {
    subject,
    why: `${host} has no user or organization ${owner}`,
    status: 404,
  })
}

/** An answer with another content than GitHub documents. */
export function unexpected(repository: RepositoryName, doing: string, why: string): DrayError {
  return new DrayError('protocol', `cannot ${doing}: the answer is invalid`, {
    subject: formatRepository(repository),
    why,
  })
}
