import type { Call } from '../../lib/call.ts'
import type { BeforeAttempt } from '../../lib/freshness.ts'
import type { RepositoryName } from '../../oci/reference.ts'

/** `metadata_read` is an action of Azure's token service, for its list of manifests. */
export type Action = 'pull' | 'push' | 'delete' | 'metadata_read'

/** A scope of a token (distribution, Token Scope Documentation). */
export type Scope = RepositoryScope | CatalogScope

/** `repository:PATH:ACTIONS` */
interface RepositoryScope {
  readonly repository: RepositoryName
  readonly actions: readonly Action[]
}

/** `registry:catalog:*`, to list the repositories. */
interface CatalogScope {
  readonly catalog: '*'
}

/** A body that can be read again from its start, so that the request can be repeated. */
export type RequestBody =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | {
      readonly kind: 'stream'
      readonly size: number /* bytes */
      readonly open: () => Promise<AsyncIterable<Uint8Array>>
    }

export interface RegistryRequest {
  /** as in references; limits, credentials and retry budgets belong to it */
  readonly registry: string
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body?: RequestBody | undefined
  readonly scopes: readonly Scope[]
  /**
   * Whether `retry` may repeat it: `always` (twice has the effect of once), or `never` (a PATCH or
   * PUT of an upload, whose session has to be checked first: `client/` does that). A request with
   * `never` is still repeated if it certainly had no effect: after 401 (once), after 429, and if
   * there was no connection. Its body is opened anew then.
   */
  readonly replay: 'always' | 'never'
  /**
   * Waits a moment for the answer even if the call is aborted, because the answer names something
   * that has to be cancelled. The caller checks the signal after the answer.
   */
  readonly settles?: boolean | undefined
  /** statuses after which it is not repeated, because the caller has another way */
  readonly finalStatuses?: readonly number[] | undefined
  /**
   * The limit that it counts for. A `small` request holds its slot until the headers arrive;
   * `download` and `upload` have a body that the other side can delay.
   */
  readonly lane: 'small' | 'download' | 'upload'
  /**
   * The answer to a redirect that leads to another host, unless that host answers 200, is the
   * redirect itself, also if that host cannot be reached: only the registry's own answers count.
   */
  readonly returnsRedirect?: boolean | undefined
  /** is called before each attempt and after each new token, just before it is sent */
  readonly beforeAttempt?: BeforeAttempt | undefined
}

export interface RegistryResponse {
  readonly status: number
  /** names in lower case; the values of a repeated header are joined by `, ` */
  readonly headers: ReadonlyMap<string, string>
  /** after redirects */
  readonly url: URL
  /** number of attempts until this answer; absent: one */
  readonly attempts?: number
  /** The body, once. A caller that does not read it to its end must `discard` it. */
  readonly body: AsyncIterable<Uint8Array>
  /** Takes bytes of the body that no reader needs: the connection reads into their memory again. */
  readonly release?: (bytes: Uint8Array) => void
  /** Reads the whole body. @throws `protocol` if it has more than `limit` bytes. */
  bytes(limit: number): Promise<Uint8Array>
  /** Drains a short body or closes a long one, so that the connection or its slot is free again. */
  discard(): Promise<void>
}

export type Fetch = (request: RegistryRequest, call: Call) => Promise<RegistryResponse>
export type Middleware = (next: Fetch) => Fetch
