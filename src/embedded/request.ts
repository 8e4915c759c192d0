import type { Clock } from '../lib/clock.ts'
import type { ByteBudget } from './storage/byte-budget.ts'
import type { EndpointResponse } from './response.ts'
import type { AccessControl } from './access/permissions.ts'
import type { Abilities } from './profiles.ts'
import type { RegistryStorage } from './storage/storage.ts'
import type { Uploads } from './storage/uploads.ts'
import type { Turns } from './turns.ts'

/** One request as an endpoint sees it. */
export interface EndpointRequest {
  readonly method: string
  /** still percent-encoded */
  readonly path: string
  readonly query: URLSearchParams
  /** by lower-case name */
  header(name: string): string | undefined
  /** the body, to be read once; throws if the client disconnects */
  readonly body: AsyncIterable<Uint8Array>
  /** scheme and host of the registry as the client reached it */
  readonly origin: string
  /** the user, once it is known */
  readonly identity: { user?: string }
}

/** The state that the endpoints work on. */
export interface RegistryState {
  readonly storage: RegistryStorage
  readonly abilities: Abilities
  readonly uploads: Uploads
  readonly clock: Clock
  /** undefined: everyone may do everything */
  readonly access: AccessControl | undefined
  /** for manifests that are being received */
  readonly incomingManifests: ByteBudget
  /** puts that delete what their tags were on, by repository */
  readonly tagMoves: Turns
}

/** Handles a request. `reference` is empty if the path has none. @throws refusals. */
export type Endpoint = (
  request: EndpointRequest,
  state: RegistryState,
  repository: string,
  reference: string,
) => Promise<EndpointResponse>

/** The declared length of a body in bytes; undefined if it is chunked or missing. */
export function declaredLength(request: EndpointRequest): number | undefined {
  const text = request.header('content-length')
  return text === undefined || !/^[0-9]+$/.test(text) ? undefined : Number(text)
}

/** Formats a path of this registry for `Location` and `Link`. */
export function locate(request: EndpointRequest, state: RegistryState, path: string): string {
  return state.abilities.locations === 'absolute' ? request.origin + path : path
}
