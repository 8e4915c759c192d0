import type { Route } from '../routes.ts'

/** One answered request, as the registry saw it. */
export interface AccessEntry {
  readonly method: string
  /** as it was sent, without the query */
  readonly path: string
  readonly query: URLSearchParams
  readonly status: number
  readonly kind: Route['kind']
  /** of the path, whether it is there or not */
  readonly repository?: string
  /** the tag, digest or upload id in the path */
  readonly reference?: string
  /** body that was read, bytes */
  readonly requestBytes: number
  /** body that was sent, bytes */
  readonly responseBytes: number
  /** who it was, where the registry has users and the request named one */
  readonly user?: string
  /** the client broke off before it had the whole answer */
  readonly aborted: boolean
  /** what went wrong inside, behind an answer 500 */
  readonly error?: unknown
}
