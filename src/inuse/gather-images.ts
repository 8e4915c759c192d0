import { DrayError } from '../errors.ts'
import { formatReference } from '../oci/reference.ts'
import type { References, Rename } from './found.ts'
import { checkRenames, renamed } from './kustomize.ts'
import { usedReference, type UsedReference, type WrittenImage } from './used-images.ts'

/** Files that belong together, a cluster or a list, and the images that it names: each once, with the first place that names it. */
export interface NamedImages {
  /** as a person knows it: the glob, `kubectl prod`, the name of the list */
  readonly name: string
  readonly images: readonly UsedReference[]
}

/** Collects what the documents of a set name. What many pods run is kept once. */
export class ImageCollection {
  readonly #texts = new Map<string, string>()
  readonly #renames: Rename[] = []

  get written(): readonly WrittenImage[] {
    return [...this.#texts].map(([text, by]) => ({ text, by }))
  }

  get renames(): readonly Rename[] {
    return this.#renames
  }

  add({ images, renames }: References): void {
    for (const { text, by } of images) if (!this.#texts.has(text)) this.#texts.set(text, by)
    this.#renames.push(...renames)
  }

  /** The images of this set alone. @throws `malformed`, `refused` for what is no image or cannot be known. */
  images(): readonly UsedReference[] {
    checkRenames(this.written, this.#renames)
    return this.imagesUnder(this.#renames)
  }

  /** The images under the new names of several sets. @throws as `images`. */
  imagesUnder(renames: readonly Rename[]): readonly UsedReference[] {
    return eachOnce(renamed(this.written, renames).map((image) => usedReference(image)))
  }
}

/** Of equal references the first. */
export function eachOnce(images: readonly UsedReference[]): readonly UsedReference[] {
  const byText = new Map<string, UsedReference>()
  for (const image of images) {
    const text = formatReference(image.reference)
    if (!byText.has(text)) byText.set(text, image)
  }
  return [...byText.values()]
}

/** @throws `refused` where a source names no image: it is more likely the wrong one than that nothing runs. */
export function checkNotEmpty({ name, images }: NamedImages): void {
  if (images.length > 0) return
  throw new DrayError('refused', `${name} names no image`, {
    subject: name,
    why: 'what says which images run should name one at least',
    hint: 'Look whether it is the right one; leave it out where nothing is meant to run.',
  })
}
