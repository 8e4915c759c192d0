import type { Call } from '../../lib/call.ts'
import type { Clock } from '../../lib/clock.ts'
import type { BeforeAttempt } from '../../lib/freshness.ts'
import type { Digest } from '../../oci/digest.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import type { Fetch, RegistryRequest, Scope } from '../http/fetch.ts'

/** The API of a vendor for one registry: sends requests to its origin and to no other one. */
export interface VendorApi {
  /** the registry as in references */
  readonly registry: string
  /** scheme, host, port and base path of the API, without a slash at the end */
  readonly base: URL
  readonly clock: Clock
  /**
   * Returns the secret that the API may get: of `tokenEnv`, or the registry's credentials if the
   * API has the registry's origin or is a known pair. Undefined: dray has none. After a 401, the
   * next call searches again.
   * @throws `config` if the variable of `tokenEnv` is empty.
   */
  secret(path: string | undefined, call: Call): Promise<VendorSecret | undefined>
  /** Adds a secret that the vendor's API gave, before it is used, so that no text shows it. */
  keepSecret(text: string): void
  /**
   * Sends a request, with retries, limits, proxies and certificates of the stack, and reads the
   * whole answer. A request of any method can be sent twice.
   * @throws the error of the status if `expect` does not have it (`unauthorized` with the token's
   * purpose and where to create it, `forbidden`, `not-found`, `unavailable`, `protocol`). A missing
   * token is the same error object for all requests of the run, so that it is reported once.
   */
  send(request: VendorRequest, call: Call): Promise<VendorResponse>
  /**
   * Resolves a tag by HEAD through the OCI API, which is no pull. Undefined: it does not exist.
   */
  resolveTag(repository: RepositoryName, tag: string, call: Call): Promise<Digest | undefined>
  /**
   * The stack without authentication, for a client of the vendor. It sends to any origin, and the
   * caller adds credentials.
   */
  readonly fetch: Fetch
}

/** A secret and its source. */
export interface VendorSecret {
  /** absent for a token of `tokenEnv` */
  readonly username?: string
  readonly secret: string
  readonly from: 'tokenEnv' | 'registry'
}

export interface VendorRequest {
  readonly method: RegistryRequest['method']
  /** encoded and appended to `base`; or a URL of a `Link` or `next`, which must have its origin */
  readonly path: string | URL
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  /** sent as JSON */
  readonly json?: unknown
  /**
   * the value of `Authorization`; undefined: none; scopes: as the registry's own challenge demands,
   * only if the API has the registry's origin
   */
  readonly authorization: string | undefined | { readonly scopes: readonly Scope[] }
  /** A status that it has is not retried, except for a limit of requests. */
  readonly expect: readonly number[]
  /** for errors: `list the versions of` and the reference */
  readonly doing: string
  readonly repository?: RepositoryName
  readonly beforeAttempt?: BeforeAttempt | undefined
}

export interface VendorResponse {
  readonly status: number
  /** names in lower case */
  readonly headers: ReadonlyMap<string, string>
  readonly url: URL
  /** the size of the body */
  readonly bytes: number
  /** Parses the body, bounded. @throws `protocol` if it is not JSON. */
  json(): Promise<unknown>
  /** The text of an error, bounded, redacted and on one line. */
  text(): Promise<string>
  discard(): Promise<void>
}
