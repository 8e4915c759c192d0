import { isMap } from './documents.ts'
import type { FoundImage, FoundImages, Remedy, Renaming, UnknownImage } from './found-images.ts'
import { interpolate, isCompose } from './formats/compose.ts'
import { textsOfValues } from './formats/helm.ts'
import { splitImage, withoutTransport } from './formats/image-text.ts'
import { type Transformed, transformOf, transformOfText } from './formats/kustomize.ts'
import type { Occurrence } from './occurrence.ts'
import { formatSteps, type WalkPosition } from './walk-position.ts'
import { findOccurrences } from './walk.ts'

/** Longer texts are no images. dray searches no variables in them. */
const maxText = 4096

/**
 * Finds the images that a document names, as texts. Pure.
 * @param value from `documentsOf`
 * @param where the file or object; every `by` begins with it
 * @throws `malformed` for a document that is too deep or too large.
 * @see findOccurrences
 */
export function findReferences(value: unknown, where: string): FoundImages {
  const isComposeFile = isMap(value) && isCompose(value)
  const images = new DocumentImages(where, isComposeFile)
  findOccurrences(value, where, isComposeFile, (occurrence) => images.add(occurrence))
  return images
}

class DocumentImages implements FoundImages {
  readonly found: FoundImage[] = []
  readonly renamings: Renaming[] = []
  readonly replaced = new Set<string>()
  readonly unknown: UnknownImage[] = []
  readonly #where: string
  readonly #isCompose: boolean

  constructor(where: string, isComposeFile: boolean) {
    this.#where = where
    this.#isCompose = isComposeFile
  }

  add(occurrence: Occurrence): void {
    const { at } = occurrence
    switch (occurrence.kind) {
      case 'image':
      case 'running':
        return this.#take(occurrence.text, at)
      case 'values': {
        const image = textsOfValues(occurrence.image)
        if ('unknown' in image) return this.#addUnknown(at, image.unknown, 'render')
        for (const text of image.texts) this.#take(text, at)
        return
      }
      case 'kustomization':
        return this.#takeTransform(transformOf(occurrence.entry), at)
      case 'transform':
        return this.#takeTransform(transformOfText(occurrence.text), at)
      case 'unknown':
        return this.#addUnknown(at, occurrence.what, occurrence.remedy)
    }
  }

  #takeTransform(transformed: Transformed | undefined, at: WalkPosition): void {
    if (transformed === undefined) return
    const { name } = transformed
    if ('text' in transformed) {
      this.#take(transformed.text, at)
      if (splitImage(transformed.text).name !== name) this.replaced.add(name)
    } else if ('newName' in transformed) {
      this.renamings.push({ name, newName: transformed.newName, by: this.#by(at) })
      this.replaced.add(name)
    } else {
      this.#addUnknown(at, `the tag gets the suffix ${JSON.stringify(transformed.suffix)}`, 'render')
    }
  }

  /** Adds a text that has to be an image. */
  #take(text: string, at: WalkPosition): void {
    const known = this.#isCompose && text.length <= maxText ? interpolate(text) : { text }
    if ('text' in known) this.found.push({ text: withoutTransport(known.text), by: this.#by(at) })
    else this.#addUnknown(at, `the variable ${known.variable} has no default`, 'compose')
  }

  #addUnknown(at: WalkPosition, what: string, remedy: Remedy): void {
    this.unknown.push({ by: this.#by(at), what, remedy })
  }

  #by({ steps }: WalkPosition): string {
    return steps.length === 0 ? this.#where : `${this.#where}: ${formatSteps(steps)}`
  }
}
