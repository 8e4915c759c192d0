import type { ErrorInfo } from '../../../lib/errors.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { RepositoryName } from '../../../oci/reference.ts'

/** An image at one target of the environment. */
export interface DesiredImage {
  /** as in dray.yaml */
  readonly image: string
  readonly repository: RepositoryName
  /** that is deployed, as `dray status` determines it; null: not deployed, or unknown */
  readonly digest: Digest | null
  /** null: none, or unknown */
  readonly version: string | null
  /** the manifests of a multi-platform image: a node can report the one of its platform */
  readonly platforms: readonly Digest[]
  /** why the target could not be read */
  readonly error?: ErrorInfo
}

/** The image of the environment that a name or digest belongs to. */
export type GitOpsOwner =
  /** `desired`: the targets that it can be compared with */
  | { readonly kind: 'image'; readonly image: string; readonly desired: readonly DesiredImage[] }
  /** a repository of the environment whose image dray.yaml does not list */
  | { readonly kind: 'unmanaged'; readonly repository: string }
