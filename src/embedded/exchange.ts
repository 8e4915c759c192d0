import type { Clock } from '../lib/clock.ts'
import type { ByteBudget } from './storage/byte-budget.ts'
import type { AccessControl } from './access/permissions.ts'
import type { Abilities } from './profiles.ts'
import type { RegistryStorage } from './storage/storage.ts'
import type { Uploads } from './storage/uploads.ts'

/** One request as an endpoint sees it. */
export interface Exchange {
  readonly method: string
  /** still percent-encoded */
  readonly path: string
  readonly query: URLSearchParams
  /** by lower-case name */
  header(name: string): string | undefined
  /** the body, once; it throws where the client breaks off */
  readonly body: AsyncIterable<Uint8Array>
  /** scheme and host under which the client reached the registry */
  readonly origin: string
  /** who it is, once that is known */
  readonly identity: { user?: string }
}

/** What the endpoints work on. */
export interface RegistryState {
  readonly storage: RegistryStorage
  readonly abilities: Abilities
  readonly uploads: Uploads
  readonly clock: Clock
  /** undefined: everyone may do everything */
  readonly access: AccessControl | undefined
  /** for the manifests that are being received */
  readonly incomingManifests: ByteBudget
}

/** The declared length of a body in bytes; undefined where it is chunked or not given. */
export function declaredLength(exchange: Exchange): number | undefined {
  const text = exchange.header('content-length')
  return text === undefined || !/^[0-9]+$/.test(text) ? undefined : Number(text)
}

/** A path of this registry as `Location` or `Link` gives it. */
export function locate(exchange: Exchange, state: RegistryState, path: string): string {
  return state.abilities.locations === 'absolute' ? exchange.origin + path : path
}
