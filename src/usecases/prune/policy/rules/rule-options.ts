import type { Rule } from '../../../../config/retention/policy.ts'
import type { Digest } from '../../../../oci/digest.ts'
import type { VersionReading } from '../../../../semver/version.ts'
import type { ImageTime } from '../times.ts'

/** The input of the rules of a repository. */
export interface RuleOptions {
  readonly rules: readonly Rule[]
  readonly times: { of(digest: Digest): ImageTime }
  /** milliseconds since 1970 */
  readonly now: number
  /** digests that are protected or in use: they take no slot of `keepNewest` */
  readonly kept: { has(digest: Digest): boolean }
  /** how tags are read as versions */
  readonly reading: VersionReading
  /** broken indexes; none by default */
  readonly broken?: ReadonlyMap<Digest, BrokenIndex>
}

export interface BrokenIndex {
  /** the first sighting, in milliseconds since 1970 */
  readonly since: number
  /** `missing child linux/arm64` */
  readonly text: string
}
