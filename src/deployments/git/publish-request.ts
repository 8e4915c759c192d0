import type { GitRequest } from '../../plan/edits/edit-step.ts'
import type { Hash } from '../../plan/plan.ts'

/** A file to commit. */
export interface FileToPublish {
  /** absolute */
  readonly path: string
  /** of the bytes that the edits wrote: other bytes are not committed */
  readonly hash: Hash
}

/** Edited files to commit, and perhaps to push. */
export interface PublishRequest extends GitRequest {
  /** an absolute path; `editAgain` gets the folder that replaces it */
  readonly folder: string
  /** also those that were up to date: an earlier run may not have committed or pushed them */
  readonly files: readonly FileToPublish[]
  /** such as `Dray-Image` */
  readonly trailers: readonly (readonly [name: string, value: string])[]
  /** the name of the branch of a pull request, from the digests: a repeated run finds its own */
  readonly pullRequestBranch: string
  /**
   * Decides the edits again on the files of another commit, after a push was rejected, and writes
   * them. Returns the paths of the edited files; none if nothing is to change.
   * @param folder the folder in place of `folder`
   */
  readonly editAgain: (folder: string) => Promise<readonly string[]>
}

export interface Published {
  /** absent: there was nothing to commit */
  readonly commit?: string
  readonly branch: string
  /** whether the branch of the remote has the edits */
  readonly isPushed: boolean
  /** the pull request, or the page on which a person can open it */
  readonly pullRequest?: { readonly url: string; readonly isOpen: boolean }
  /** pushes, with those that were rejected */
  readonly attempts: number
}
