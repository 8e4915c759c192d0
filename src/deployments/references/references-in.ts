import { DrayError, isDrayError } from '../../lib/errors.ts'
import { interpolate, isCompose, volumeImage } from './formats/compose.ts'
import { documentsOf, isMap, textOf } from './documents.ts'
import type { FoundImages, FoundImage, Remedy, Renaming, UnknownImage } from './found-images.ts'
import { globalRegistryIn, valuesImage, valuesOfApplication } from './formats/helm.ts'
import { isAddress, isSurelyImage, splitImage, withoutTransport } from './formats/image-text.ts'
import { type Transformed, transformOf, transformOfText } from './formats/kustomize.ts'
import { formatDocumentPath, type DocumentPath } from './document-path.ts'

/** An alias can contain itself, so the depth is limited. */
const maxDepth = 200
/** Maps, arrays and scalars of one document; what an alias repeats counts each time. */
const maxNodes = 5_000_000
/** Longer texts are no images. dray searches no variables in them. */
const maxText = 4096

const containerKeys: ReadonlySet<unknown> = new Set(['containers', 'initContainers', 'ephemeralContainers'])
const statusKeys: ReadonlySet<unknown> = new Set([
  'containerStatuses',
  'initContainerStatuses',
  'ephemeralContainerStatuses',
])
/** Values below these keys describe an object. They need not be images under any name. */
const labelKeys: ReadonlySet<unknown> = new Set(['labels', 'matchLabels', 'annotations', 'commonLabels'])
const patchKeys: ReadonlySet<unknown> = new Set(['patches', 'patchesJson6902'])
/** A file in a ConfigMap. Flux and others read Helm values from it. */
const valuesFile = /^values[\w.-]*\.ya?ml$/
/** `image`, `sidecarImage`, `imageName` */
const imageKey = /^(?:image|imageName|\w*Image)$/

/**
 * Finds the images in a document by its structure, at any depth: containers of Kubernetes, services
 * of Compose, `images` of kustomize, values of Helm. Pure.
 * @param value from `documentsOf`
 * @param where the file or object; every `by` begins with it
 * @throws `malformed` for a document that is too deep or too large.
 */
export function findReferences(value: unknown, where: string): FoundImages {
  const walk = new Walk(where, isMap(value) && isCompose(value))
  walk.visit(value, [], undefined)
  return walk
}

class Walk implements FoundImages {
  readonly found: FoundImage[] = []
  readonly renamings: Renaming[] = []
  readonly replaced = new Set<string>()
  readonly unknown: UnknownImage[] = []
  readonly #where: string
  readonly #isCompose: boolean
  #nodes = 0

  constructor(where: string, isComposeFile: boolean) {
    this.#where = where
    this.#isCompose = isComposeFile
  }

  /** @param registry the registry that Helm values around it set for all images */
  visit(value: unknown, place: DocumentPath, registry: string | undefined): void {
    this.#nodes += 1
    if (place.length > maxDepth || this.#nodes > maxNodes)
      throw new DrayError('malformed', `${this.#where} is too deep or too large`, {
        subject: this.#where,
        hint: 'Remove aliases that contain themselves.',
      })
    if (Array.isArray(value)) this.#visitArray(value, place, registry)
    else if (isMap(value)) this.#visitMap(value, place, globalRegistryIn(value) ?? registry)
    else this.#takeText(value, place)
  }

  #visitArray(items: readonly unknown[], place: DocumentPath, registry: string | undefined): void {
    const isStatus = statusKeys.has(place.at(-1))
    for (const [i, item] of items.entries()) {
      const at = [...place, i]
      if (isStatus && isMap(item)) this.#takeImageId(item['imageID'], [...at, 'imageID'])
      else this.visit(item, at, registry)
    }
  }

  #visitMap(map: Readonly<Record<string, unknown>>, place: DocumentPath, registry: string | undefined): void {
    this.#takeValuesImage(map, place, registry)
    this.#takeVolume(map, place)
    this.#visitTransform(map, place)
    this.#visitPatch(map, place)
    this.#takeVariable(map, place)
    for (const [key, child] of Object.entries(map)) {
      const at = [...place, key]
      if (key === 'image' && (child === null || textOf(child) !== undefined)) this.#takeImage(map, at)
      else if (key === 'helm' && isMap(child)) this.#visitHelm(child, at, registry)
      else if (typeof child === 'string' && valuesFile.test(key)) this.#visitText(child, at, registry)
      else this.visit(child, at, registry)
    }
  }

  /** Takes the value of a key `image`, unless its position shows that it is no image. */
  #takeImage(map: Readonly<Record<string, unknown>>, place: DocumentPath): void {
    const text = textOf(map['image'])
    if (labelKeys.has(place.at(-2))) return this.#takeText(text, place)
    if (text === undefined) return this.#addUnknown(place, 'it is empty', 'correct')
    const isContainer = typeof place.at(-2) === 'number' && containerKeys.has(place.at(-3))
    if (!isContainer && isAddress(text)) return
    // Helm values can have `image: team/api` beside `tag: 1.2`.
    const tagKey = ['tag', 'imageTag'].find((key) => key in map)
    if (isContainer || tagKey === undefined || text === '' || splitImage(text).rest !== '')
      return this.#take(text, place)
    const joined = valuesImage({ repository: text, tag: map[tagKey] }, true, undefined)
    if (joined === undefined || 'texts' in joined)
      for (const one of joined?.texts ?? []) this.#take(one, place)
    else this.#addUnknown(place, joined.unknown, 'render')
  }

  /**
   * Takes a text that can only be an image, if its key or that of its parent has the word image.
   */
  #takeText(value: unknown, place: DocumentPath): void {
    const isNear = place.slice(-2).some((step) => typeof step === 'string' && /image/i.test(step))
    if (!isNear || typeof value !== 'string') return
    if (typeof place.at(-1) === 'number' && place.at(-2) === 'images' && place.at(-3) === 'kustomize')
      return this.#takeTransform(transformOfText(value), place)
    if (isSurelyImage(value)) this.#take(value, place)
  }

  #takeValuesImage(
    map: Readonly<Record<string, unknown>>,
    place: DocumentPath,
    registry: string | undefined,
  ): void {
    const key = place.at(-1)
    const image = valuesImage(map, typeof key === 'string' && imageKey.test(key), registry)
    if (image === undefined) return
    if ('texts' in image) for (const text of image.texts) this.#take(text, place)
    else this.#addUnknown(place, image.unknown, 'render')
  }

  /**
   * Takes images that are mounted: `image: { reference }` of Kubernetes, and `type: image` of
   * Compose.
   */
  #takeVolume(map: Readonly<Record<string, unknown>>, place: DocumentPath): void {
    if (typeof place.at(-1) !== 'number' || place.at(-2) !== 'volumes') return
    const { image } = map
    if (isMap(image)) this.#take(textOf(image['reference']) ?? '', [...place, 'image', 'reference'])
    const source = volumeImage(map)
    if (this.#isCompose && source !== undefined) this.#take(source, [...place, 'source'])
  }

  #visitTransform(map: Readonly<Record<string, unknown>>, place: DocumentPath): void {
    if (typeof place.at(-1) !== 'number' || place.at(-2) !== 'images') return
    this.#takeTransform(transformOf(map), place)
  }

  /** Takes the image of a JSON patch, and visits patches of kustomize that are texts. */
  #visitPatch(map: Readonly<Record<string, unknown>>, place: DocumentPath): void {
    const path = textOf(map['path'])
    const value = textOf(map['value'])
    if (path !== undefined && value !== undefined && 'op' in map) {
      if (path.endsWith('/image')) this.#take(value, [...place, 'value'])
      else if (/image\/(?:tag|digest|repository|registry)$/i.test(path))
        this.#addUnknown(place, 'it patches a part of an image', 'render')
    }
    const { patch } = map
    if (typeof patch === 'string' && patchKeys.has(place.at(-2)))
      this.#visitText(patch, [...place, 'patch'], undefined)
    const merges = map['patchesStrategicMerge']
    if (!Array.isArray(merges)) return
    for (const [i, text] of merges.entries()) {
      // A text of one line is the name of a file.
      if (typeof text === 'string' && text.includes('\n'))
        this.#visitText(text, [...place, 'patchesStrategicMerge', i], undefined)
    }
  }

  /** Takes the image in an environment variable of an operator, such as `RELATED_IMAGE_PROXY`. */
  #takeVariable(map: Readonly<Record<string, unknown>>, place: DocumentPath): void {
    const { name, value } = map
    if (typeof name !== 'string' || typeof value !== 'string') return
    if (/image/i.test(name) && isSurelyImage(value)) this.#take(value, [...place, 'value'])
  }

  /** Visits the values of an Argo CD Application: as a text, as a map, and single parameters. */
  #visitHelm(
    helm: Readonly<Record<string, unknown>>,
    place: DocumentPath,
    registry: string | undefined,
  ): void {
    const { values } = helm
    const at = [...place, 'values']
    const parsed = typeof values === 'string' ? this.#parse(values, at) : [values]
    // Values that Argo CD ignores are visited too: rather too many images are kept than too few.
    if (isMap(helm['valuesObject'])) for (const one of parsed) this.visit(one, at, registry)
    this.visit(valuesOfApplication(helm, parsed), at, registry)
    const known: ReadonlySet<string> = new Set(['values', 'valuesObject', 'parameters'])
    for (const [key, child] of Object.entries(helm))
      if (!known.has(key)) this.visit(child, [...place, key], registry)
  }

  #visitText(text: string, place: DocumentPath, registry: string | undefined): void {
    for (const value of this.#parse(text, place)) this.visit(value, place, registry)
  }

  /** Parses the documents in a text. */
  #parse(text: string, place: DocumentPath): readonly unknown[] {
    try {
      return [...documentsOf(text, this.#by(place))].map(({ value }) => value)
    } catch (error) {
      if (!isDrayError(error)) throw error
      this.#addUnknown(place, `its text is not YAML (${error.why ?? error.message})`, 'render')
      return []
    }
  }

  /**
   * The image that a node reports as running (`ContainerStatus`): by digest; or the digest of a
   * config, which no registry knows.
   */
  #takeImageId(value: unknown, place: DocumentPath): void {
    const id = (textOf(value) ?? '').replace(/^[a-z-]+:\/\//, '')
    if (id !== '' && !/^(?:sha256:)?[a-f0-9]{64}$/.test(id)) this.#take(id, place)
  }

  #takeTransform(transformed: Transformed | undefined, place: DocumentPath): void {
    if (transformed === undefined) return
    const { name } = transformed
    if ('text' in transformed) {
      this.#take(transformed.text, place)
      if (splitImage(transformed.text).name !== name) this.replaced.add(name)
    } else if ('newName' in transformed) {
      this.renamings.push({ name, newName: transformed.newName, by: this.#by(place) })
      this.replaced.add(name)
    } else {
      this.#addUnknown(place, `the tag gets the suffix ${JSON.stringify(transformed.suffix)}`, 'render')
    }
  }

  /** Adds a text that has to be an image. */
  #take(text: string, place: DocumentPath): void {
    const known = this.#isCompose && text.length <= maxText ? interpolate(text) : { text }
    if ('text' in known) this.found.push({ text: withoutTransport(known.text), by: this.#by(place) })
    else this.#addUnknown(place, `the variable ${known.variable} has no default`, 'compose')
  }

  #addUnknown(place: DocumentPath, what: string, remedy: Remedy): void {
    this.unknown.push({ by: this.#by(place), what, remedy })
  }

  #by(place: DocumentPath): string {
    return place.length === 0 ? this.#where : `${this.#where}: ${formatDocumentPath(place)}`
  }
}
