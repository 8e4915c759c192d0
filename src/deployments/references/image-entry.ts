import type { ValuePlace } from '../edit/value-place.ts'

/** How a file names an image. */
type EntryForm =
  /** an entry of `images` of a kustomization, also within Flux */
  | 'kustomization'
  /** one text: `image: name:tag@digest` */
  | 'image'
  /** Helm values: `repository`, `tag` and perhaps `digest`; also values that a path names */
  | 'values'
  /** an entry of `kustomize.images` of Argo CD: `[name=]image[:tag][@digest]` */
  | 'transform'

/** The parts of an image that have a field of their own. */
interface EntryFields<T> {
  /** the one text of `image` and `transform` */
  readonly image?: T
  readonly tag?: T
  readonly digest?: T
}

/** An image in a file, with the positions of its parts. */
export interface ImageEntry {
  readonly form: EntryForm
  /** the file and the position, for people: `app.yaml: spec.containers[0].image` */
  readonly by: string
  /**
   * The names that the entry can mean, without a scheme, such as `registry.example.com/team/api`;
   * `parseRepository` reads each. Several if a chart may use another registry; none if the entry is
   * found by its path.
   */
  readonly names: readonly string[]
  /** without a digest behind it; absent if it is empty */
  readonly tag?: string
  /** the tag that Helm reads if `tag` is a number without quotes: `1.1` for `1.10` */
  readonly tagOfNumber?: string
  /** with its algorithm */
  readonly digest?: string
  /** whether the field of the digest has no algorithm */
  readonly isHash?: boolean
  /** the text or map of the entry */
  readonly place: ValuePlace
  readonly fields: EntryFields<ValuePlace>
  /** the texts of `fields` as they are written; empty for null */
  readonly written: EntryFields<string>
  /** the key after which a kustomization can get a `digest` */
  readonly addDigestAfter?: ValuePlace
  /** the name that kustomize replaces, as it is written */
  readonly replaces?: string
}

/** A position that seems to name an image, and that dray does not edit. */
export interface SkippedImage {
  readonly by: string
  readonly place: ValuePlace
  /** one line, such as `it contains a variable` */
  readonly what: string
  /** as `ImageEntry.names`; none if the name is unknown */
  readonly names: readonly string[]
}

export interface FoundEntries {
  readonly entries: readonly ImageEntry[]
  readonly skipped: readonly SkippedImage[]
}
