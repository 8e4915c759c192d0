import type { Call } from '../../lib/call.ts'
import type { RepositoryName } from '../../oci/reference.ts'

export type Action = 'pull' | 'push' | 'delete'

/** What a request needs to be allowed to do (distribution, token scope documentation). */
export type Scope = RepositoryScope | CatalogScope

/** `repository:PATH:ACTIONS` in a token's scope. */
interface RepositoryScope {
  readonly repository: RepositoryName
  readonly actions: readonly Action[]
}

/** `registry:catalog:*`: to list the repositories. */
interface CatalogScope {
  readonly catalog: '*'
}

/** A body that can be had again from its start, so that a request can be sent again. */
export type RequestBody =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | {
      readonly kind: 'stream'
      readonly size: number /* bytes */
      readonly open: () => Promise<AsyncIterable<Uint8Array>>
    }

export interface RegistryRequest {
  /** the registry as references name it: limits, credentials and retry budgets hang on it */
  readonly registry: string
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body?: RequestBody
  readonly scopes: readonly Scope[]
  /**
   * How it may be sent again by `retry`: `always` (the same request twice has the effect of one), or `never` (an upload's PATCH or PUT,
   * whose session must be looked at first: `registry/` does that). A request that `never` replays is still sent again where it certainly had no
   * effect: it was answered 401 (once) or 429, or no connection was made; its body is opened anew then.
   */
  readonly replay: 'always' | 'never'
  /**
   * Once it is sent, its answer is waited for a moment also where the call is aborted: it names something that has to be taken away again. The caller
   * looks at the signal when it has the answer.
   */
  readonly settles?: boolean
  /** which limit it waits for: `small` exchanges hold a slot until the headers are there; `download` and `upload` have a body to be held up by the other side */
  readonly lane: 'small' | 'download' | 'upload'
}

export interface RegistryResponse {
  readonly status: number
  /** lower-case names; a header that came several times is joined by `, ` */
  readonly headers: ReadonlyMap<string, string>
  /** where it came from, after redirects */
  readonly url: URL
  /** how often it was asked for before this answer was taken for the last word; absent: once */
  readonly tries?: number
  /** The body, once. Whoever does not read it to its end must `discard` it. */
  readonly body: AsyncIterable<Uint8Array>
  /** The whole body. @throws `protocol` over `limit` bytes. */
  bytes(limit: number): Promise<Uint8Array>
  /** Drains a short body and closes a long one, so that the connection or its slot is free again. */
  discard(): Promise<void>
}

export type Fetch = (request: RegistryRequest, call: Call) => Promise<RegistryResponse>
export type Middleware = (next: Fetch) => Fetch
