import type { Clock } from '../../lib/clock.ts'
import type { AccessControl } from '../access/permissions.ts'
import type { Abilities, ProfileName } from '../profiles.ts'
import type { EndpointRequest } from '../request.ts'
import type { EndpointResponse } from '../response.ts'
import type { RegistryStorage } from '../storage/storage.ts'
import type { VendorRecords } from './vendor-records.ts'

/** The vendors whose API the embedded registry imitates. */
export const vendorNames = [
  'ghcr',
  'ecr',
  'harbor',
  'gar',
  'acr',
  'dockerhub',
  'gitlab',
  'quay',
  'gitea',
] as const

export type VendorName = (typeof vendorNames)[number]

/** The API of a vendor, on the same storage as the OCI API. */
export interface VendorImitation {
  /** the OCI API of the vendor */
  readonly profile: ProfileName
  /**
   * Answers a request of the vendor's API; undefined: the path is not of this API. @throws
   * refusals.
   */
  answer(request: EndpointRequest, state: VendorState): Promise<EndpointResponse | undefined>
}

export interface VendorState {
  readonly storage: RegistryStorage
  readonly abilities: Abilities
  readonly clock: Clock
  readonly access: AccessControl | undefined
  readonly records: VendorRecords
  readonly options: VendorOptions
}

/** Behavior that tests and rehearsals choose. */
export interface VendorOptions {
  /** the most entries of a page; by default the vendor's own limit */
  readonly pageLimit?: number
  /** milliseconds until a push or delete shows in lists; by default 0 */
  readonly lagMs?: number
  /** milliseconds: the age of content that is there at the start; by default 0 */
  readonly contentAgeMs?: number
  /** refuses further requests of the API until the hour ends */
  readonly requestsPerHour?: number
  /** tags that the vendor locks or makes immutable, with their manifests */
  readonly lockedTags?: readonly string[]
  /** further behavior of one vendor, by names of its own file */
  readonly traits?: ReadonlySet<string>
}
