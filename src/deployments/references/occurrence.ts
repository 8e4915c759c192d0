import type { Remedy } from './found-images.ts'
import type { ValuesImage } from './formats/helm.ts'
import type { WalkPosition } from './walk-position.ts'

/** An image in a document, as the structure of the document shows it. */
export type Occurrence = {
  readonly at: WalkPosition
  /** in labels, annotations or values that their reader ignores */
  readonly isDescription: boolean
} & OccurrenceKind

type OccurrenceKind =
  /** a text that has to be an image; Compose can build it */
  | { readonly kind: 'image'; readonly text: string; readonly isBuilt: boolean }
  /** the image that a node runs */
  | { readonly kind: 'running'; readonly text: string }
  /** a map with the parts of an image */
  | {
      readonly kind: 'values'
      readonly image: ValuesImage
      readonly fields: ReadonlyMap<string, WalkPosition>
    }
  /** an entry of `images` of kustomize */
  | { readonly kind: 'kustomization'; readonly entry: Readonly<Record<string, unknown>> }
  /** an entry of `kustomize.images` of Argo CD */
  | { readonly kind: 'transform'; readonly text: string }
  | { readonly kind: 'unknown'; readonly what: string; readonly remedy: Remedy }
