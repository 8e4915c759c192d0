import type { Digest } from '../../oci/digest.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import type { Hash, PlacementId, StepId } from '../plan.ts'

/** One value that an edit writes. */
export interface ValueEdit {
  /** the number of the document in the file, from 1 */
  readonly document: number
  /** such as `spec.template.spec.containers[0].image` */
  readonly place: string
  /** in the file before the edit, from 1 */
  readonly line: number
  /** null: the key is added */
  readonly before: string | null
  readonly after: string
}

/** The image that an edit writes. */
export interface EditedImage {
  /** as in `dray.yaml` */
  readonly image: string
  readonly environment: string
  readonly repository: RepositoryName
  readonly digest: Digest
  /** absent: only the digest is written */
  readonly tag?: string
  /** the placements whose tags must be confirmed before the edit; absent: the registry had it */
  readonly placements?: readonly PlacementId[]
}

/** Changes values in one file, and no other byte of it. */
export interface EditStep {
  readonly id: StepId
  readonly kind: 'edit'
  /** relative to the folder of `dray.yaml`, with `/` */
  readonly file: string
  /** of the bytes that the plan was made from; other bytes are a conflict */
  readonly fileHash: Hash
  /** of the bytes after the edit; if the file has them already, the step is `unchanged` */
  readonly resultHash: Hash
  readonly edits: readonly ValueEdit[]
  readonly images: readonly EditedImage[]
}

/** The edits of a plan: they come after all tags of all targets. */
export interface EditPlan {
  readonly environment: string
  /** the images that the files get */
  readonly images: readonly EditedImage[]
  /** one for each file that changes, in the order of their names */
  readonly steps: readonly EditStep[]
  /** files that have the images already, as in `EditStep.file` */
  readonly upToDate: readonly string[]
  /** absent: the edits stay uncommitted */
  readonly git?: GitRequest
}

/** `--commit`, `--push` or `--pr`. */
export interface GitRequest {
  readonly mode: 'commit' | 'push' | 'pullRequest'
  /** absent: the branch that is checked out */
  readonly branch?: string
  /** the subject of the commit */
  readonly message: string
}
