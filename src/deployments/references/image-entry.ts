import type { ValuePlace } from '../edit/value-place.ts'

/** How a file names an image. */
export type EntryForm =
  /** an entry of `images` of a kustomization, also within Argo CD and Flux */
  | 'kustomization'
  /** one text: `image: name:tag@digest` */
  | 'image'
  /** Helm values: `repository`, `tag` and perhaps `digest` */
  | 'values'
  /** an entry of `kustomize.images` of Argo CD: `[name=]image[:tag][@digest]` */
  | 'transform'

/** An image in a file, with the positions of its parts. */
export interface ImageEntry {
  readonly form: EntryForm
  /** the file and the position, for people: `app.yaml: spec.containers[0].image` */
  readonly by: string
  /** the names that the entry can mean, such as `registry.example.com/team/api` */
  readonly names: readonly string[]
  readonly tag?: string
  readonly digest?: string
  /** the text or map of the entry */
  readonly place: ValuePlace
  /** the positions of the parts that have a field of their own, with the name of the field */
  readonly fields: {
    /** the one text of `image` and `transform` */
    readonly image?: ValuePlace
    readonly tag?: ValuePlace
    readonly digest?: ValuePlace
  }
}
