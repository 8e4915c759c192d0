import type { EndpointRoute } from '../routes.ts'

/** One answered request. */
export interface AccessEntry {
  readonly method: string
  /** as sent, without the query */
  readonly path: string
  readonly query: URLSearchParams
  readonly status: number
  readonly kind: EndpointRoute['kind']
  /** of the path, whether it exists or not */
  readonly repository?: string
  /** the tag, digest or upload id in the path */
  readonly reference?: string
  /** bytes of the body that were read */
  readonly requestBytes: number
  /** bytes of the body that were sent */
  readonly responseBytes: number
  /** the user of the request, if the registry has users */
  readonly user?: string
  /** the client disconnected before it had the whole response */
  readonly aborted: boolean
  /** the internal failure behind a 500 */
  readonly error?: unknown
}
