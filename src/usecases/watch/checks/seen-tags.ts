import type { Digest } from '../../../oci/digest.ts'

/** The tags of a repository that checks of a rule have seen: they start no run by a check. */
export interface SeenTags {
  readonly rule: string
  /** formatted */
  readonly repository: string
  /** the highest version; absent: none matched */
  readonly highest?: string
  /** the digests of the tags that the rule names without a wildcard */
  readonly tags: ReadonlyMap<string, Digest>
}
