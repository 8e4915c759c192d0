import type { Path } from '../key-path.ts'

/** Where image content and attached artifacts may be written. */
export interface ResidencyPolicy {
  /** for a repository that no rule is about */
  readonly default: 'allow' | 'deny'
  readonly rules: readonly ResidencyRule[]
}

/**
 * A rule for the writes that it selects: all of its selectors must match. Every matching rule must
 * allow the target, and `deny` wins.
 */
export interface ResidencyRule {
  readonly path: Path
  /** globs of image names */
  readonly images?: readonly string[]
  /** patterns of source repositories, such as `registry.example.com/team/**` */
  readonly from?: readonly string[]
  /** labels that one image config of the image must have, with exact values */
  readonly labels?: Readonly<Record<string, string>>
  /** patterns of repositories; `oci:**` is every image layout */
  readonly allow?: readonly string[]
  readonly deny?: readonly string[]
}
