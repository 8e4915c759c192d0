import type { GitOpsConfig } from '../../config/gitops/gitops.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import type { EditedImage, EditStep } from '../../plan/edits/edit-step.ts'
import type { VersionReading } from '../../semver/version.ts'

/** An image that the files get. */
export interface WantedImage extends EditedImage {
  /** the text in place of `{image}` in paths */
  readonly name: string
  /** those of all targets of the environment */
  readonly repositories: readonly RepositoryName[]
  readonly reading: VersionReading
}

/** The files of an environment, and the images that are of interest. */
export interface FilesRequest {
  readonly config: GitOpsConfig
  readonly images: readonly { readonly image: string }[]
}

/** Which images the deployment files of an environment get. */
export interface EditRequest extends FilesRequest {
  readonly images: readonly WantedImage[]
  /** one text for all names of a repository: ports, Docker Hub, aliases of dray.yaml */
  readonly identify: (repository: RepositoryName) => string
  /** edits with these images that earlier runs have begun: they are finished */
  readonly begun?: readonly EditStep[]
}
