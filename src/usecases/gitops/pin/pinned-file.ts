import type { ErrorInfo } from '../../../lib/errors.ts'
import type { Digest } from '../../../oci/digest.ts'

/** An image in a file, and what becomes of it. */
export interface PinnedImage {
  /** such as `spec.template.spec.containers[0].image` */
  readonly place: string
  /** the number of the document in the file, from 1 */
  readonly document: number
  /** from 1; absent if the position is unknown */
  readonly line?: number
  /** `name:tag`; absent if the name is unknown */
  readonly image?: string
  /**
   * - `pinned`: the digest is written, or would be by a dry run
   * - `unchanged`: the file has the digest
   * - `skipped`: the file has no tag to resolve, for `reason`
   * - `failed`: `error`
   * - `notWritten`: another image of the file failed
   */
  readonly status: 'pinned' | 'unchanged' | 'skipped' | 'failed' | 'notWritten'
  /** the digest that the file has, or had */
  readonly before?: Digest
  readonly digest?: Digest
  readonly reason?: string
  readonly error?: ErrorInfo
}

/** A file, and what becomes of it. */
export interface PinnedFile {
  readonly file: string
  /**
   * - `changed`: its new content is written, or would be by a dry run
   * - `skipped`: it is a template, for `reason`
   * - `failed`: nothing of it is written, because of `error` or of an image
   */
  readonly status: 'changed' | 'unchanged' | 'skipped' | 'failed'
  /** in the order of the file */
  readonly images: readonly PinnedImage[]
  readonly reason?: string
  readonly error?: ErrorInfo
}

/** The result of `dray gitops pin`. */
export interface PinResult {
  /** no file was written */
  readonly dryRun: boolean
  readonly files: readonly PinnedFile[]
}
