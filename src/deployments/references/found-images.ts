/** A text in the position of an image, not parsed yet. */
export interface FoundImage {
  /** as in the field `image` of a container */
  readonly text: string
  /** the file and the position in it, such as `gitops/api.yaml: spec.containers[0].image` */
  readonly by: string
}

/** kustomize renames the images of this name and keeps their tags. */
export interface Renaming {
  readonly name: string
  readonly newName: string
  readonly by: string
}

/** An image in use that cannot be determined from the source. */
export interface UnknownImage {
  readonly by: string
  /** one line, such as `the tag is empty` */
  readonly what: string
  readonly remedy: Remedy
}

export type Remedy =
  /** render the template first */
  | 'render'
  /** let Compose replace its variables */
  | 'compose'
  /** correct the file */
  | 'correct'

/** The images that a source names. */
export interface FoundImages {
  readonly found: readonly FoundImage[]
  readonly renamings: readonly Renaming[]
  /** names that kustomize replaces: a text with such a name need not be a reference */
  readonly replaced: ReadonlySet<string>
  readonly unknown: readonly UnknownImage[]
}

export const noImages: FoundImages = { found: [], renamings: [], replaced: new Set(), unknown: [] }

export function mergeImages(all: readonly FoundImages[]): FoundImages {
  return {
    found: all.flatMap(({ found }) => found),
    renamings: all.flatMap(({ renamings }) => renamings),
    replaced: new Set(all.flatMap(({ replaced }) => [...replaced])),
    unknown: all.flatMap(({ unknown }) => unknown),
  }
}
