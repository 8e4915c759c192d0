/** A text that stands where an image has to stand; not looked at yet. */
export interface FoundImage {
  /** as a container would name it */
  readonly text: string
  /** the file and the place in it, such as `gitops/api.yaml: spec.containers[0].image` */
  readonly by: string
}

/** kustomize gives the images of this name another one, and leaves them their tag. */
export interface Renaming {
  readonly name: string
  readonly newName: string
  readonly by: string
}

/** An image that runs, and that cannot be known from here. */
export interface UnknownImage {
  readonly by: string
  /** one line, such as `the tag is empty` */
  readonly what: string
  readonly remedy: Remedy
}

export type Remedy =
  /** what it renders to has to be given */
  | 'render'
  /** Compose has to fill in its variables */
  | 'compose'
  /** a person has to look */
  | 'correct'

/** What something says of the images that run. */
export interface FoundImages {
  readonly found: readonly FoundImage[]
  readonly renamings: readonly Renaming[]
  /** names that kustomize replaces: a text under such a name need be no reference */
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
