/** The parts of an image that an edit writes. */
export type WriteSetting = 'both' | 'digest' | 'tag'

/** The deployment files of an environment, and how edits of them are committed. */
export interface GitOpsConfig {
  readonly environment: string
  /** of dray.yaml, absolute: all paths are relative to it and stay within it */
  readonly folder: string
  /** in the order of the file */
  readonly rules: readonly GitOpsRule[]
  readonly git: GitConfig
}

export type GitOpsRule = FilesRule | PlaceRule

/** Files in which dray finds images by the names of their repositories. */
export interface FilesRule {
  readonly kind: 'files'
  /** in dray.yaml: `environments.prod.gitops[0]` */
  readonly name: string
  /** globs */
  readonly files: readonly string[]
  readonly write: WriteSetting
  /** other names of the repositories in these files, each with `{image}` once */
  readonly as: readonly string[]
}

/** One image at fixed positions of one file. */
export interface PlaceRule {
  readonly kind: 'place'
  readonly name: string
  readonly file: string
  /** as in dray.yaml */
  readonly image: string
  /** at least one */
  readonly at: { readonly tag?: string; readonly digest?: string }
  readonly write: WriteSetting
}

export interface GitConfig {
  readonly branch?: string
  /** of the commit; by default `Deploy {image} {version} to {env}` */
  readonly message?: string
  readonly pullRequest?: boolean
}
