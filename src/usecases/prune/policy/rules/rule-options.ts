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
  /** the uses of images by the inventory; without it, a rule by pulls keeps everything */
  readonly uses?: ImageUses
  /** by the name of a rule that dray cannot apply: the reason; it keeps what it selects */
  readonly notApplied?: ReadonlyMap<string, string>
}

/** When images were pulled or pushed last. */
export interface ImageUses {
  /** whether an image was not used for so many milliseconds, and the facts in words */
  judge(digest: Digest, notPulledFor: number): UseVerdict
}

export interface UseVerdict {
  readonly isUnused: boolean
  /** `pulled 3d ago by containerd/2.0` */
  readonly text: string
}

/** The verdict of the condition `notPulledFor`. */
export function judgeUse(
  { uses }: Pick<RuleOptions, 'uses'>,
  digest: Digest,
  notPulledFor: number,
): UseVerdict {
  return uses?.judge(digest, notPulledFor) ?? { isUnused: false, text: 'the last pull is unknown' }
}

export interface BrokenIndex {
  /** the first sighting, in milliseconds since 1970 */
  readonly since: number
  /** `missing child linux/arm64` */
  readonly text: string
}
