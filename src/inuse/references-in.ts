import { DrayError, isDrayError } from '../lib/errors.ts'
import { interpolate, isCompose, volumeImage } from './formats/compose.ts'
import { documentsOf, isMap, textOf } from './documents.ts'
import type { FoundImages, FoundImage, Remedy, Renaming, UnknownImage } from './found-images.ts'
import { globalRegistryIn, valuesImage, valuesOfApplication } from './formats/helm.ts'
import { isAddress, isSurelyImage, splitImage, withoutTransport } from './formats/image-text.ts'
import { type Transformed, transformOf, transformOfText } from './formats/kustomize.ts'
import { formatDocumentPath, type DocumentPath } from './document-path.ts'

/** Deeper nesting is a trap: an alias may stand for what it is in. */
const maxDepth = 200
/** Maps, arrays and scalars of one document, what aliases repeat counted each time. */
const maxNodes = 5_000_000
/** Longer ones are no images, and not looked at for variables. */
const maxText = 4096

const containerKeys: ReadonlySet<unknown> = new Set(['containers', 'initContainers', 'ephemeralContainers'])
const statusKeys: ReadonlySet<unknown> = new Set([
  'containerStatuses',
  'initContainerStatuses',
  'ephemeralContainerStatuses',
])
/** What stands there is said about an object, and need be no image whatever it is called. */
const labelKeys: ReadonlySet<unknown> = new Set(['labels', 'matchLabels', 'annotations', 'commonLabels'])
const patchKeys: ReadonlySet<unknown> = new Set(['patches', 'patchesJson6902'])
/** A file in a ConfigMap, from which Flux and others take values of Helm. */
const valuesFile = /^values[\w.-]*\.ya?ml$/
/** `image`, `sidecarImage`, `imageName` */
const imageKey = /^(?:image|imageName|\w*Image)$/

/**
 * Finds the images in a document by its structure, at any depth: containers of Kubernetes, services of Compose, `images` of kustomize, values of Helm.
 * Pure.
 * @param value as `documentsOf` gives it
 * @param where the file or object, which begins every `by`
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

  /** @param registry what values of Helm around it set for all images */
  visit(value: unknown, place: DocumentPath, registry: string | undefined): void {
    this.#nodes += 1
    if (place.length > maxDepth || this.#nodes > maxNodes)
      throw new DrayError('malformed', `${this.#where} is too deep or too large to be looked through`, {
        subject: this.#where,
        hint: 'Look for an alias that stands for what it is in.',
      })
    if (Array.isArray(value)) this.#visitArray(value, place, registry)
    else if (isMap(value)) this.#visitMap(value, place, globalRegistryIn(value) ?? registry)
    else this.#lookAtText(value, place)
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
    this.#lookAtValuesImage(map, place, registry)
    this.#lookAtVolume(map, place)
    this.#lookAtTransform(map, place)
    this.#lookAtPatch(map, place)
    this.#lookAtVariable(map, place)
    for (const [key, child] of Object.entries(map)) {
      const at = [...place, key]
      if (key === 'image' && (child === null || textOf(child) !== undefined)) this.#lookAtImage(map, at)
      else if (key === 'helm' && isMap(child)) this.#lookAtHelm(child, at, registry)
      else if (typeof child === 'string' && valuesFile.test(key)) this.#visitText(child, at, registry)
      else this.visit(child, at, registry)
    }
  }

  /** A text that has to be an image, unless something says that it is another thing. */
  #lookAtImage(map: Readonly<Record<string, unknown>>, place: DocumentPath): void {
    const text = textOf(map['image'])
    if (labelKeys.has(place.at(-2))) return this.#lookAtText(text, place)
    if (text === undefined) return this.#tellUnknown(place, 'it is empty', 'correct')
    const isContainer = typeof place.at(-2) === 'number' && containerKeys.has(place.at(-3))
    if (!isContainer && isAddress(text)) return
    // `image: team/api` and `tag: 1.2` side by side, in values of Helm
    const tagKey = ['tag', 'imageTag'].find((key) => key in map)
    if (isContainer || tagKey === undefined || text === '' || splitImage(text).rest !== '')
      return this.#take(text, place)
    const joined = valuesImage({ repository: text, tag: map[tagKey] }, true, undefined)
    if (joined === undefined || 'texts' in joined)
      for (const one of joined?.texts ?? []) this.#take(one, place)
    else this.#tellUnknown(place, joined.unknown, 'render')
  }

  /** A text in whose name or surroundings the word image is, and that can be nothing else. */
  #lookAtText(value: unknown, place: DocumentPath): void {
    const isNear = place.slice(-2).some((step) => typeof step === 'string' && /image/i.test(step))
    if (!isNear || typeof value !== 'string') return
    if (typeof place.at(-1) === 'number' && place.at(-2) === 'images' && place.at(-3) === 'kustomize')
      return this.#takeTransform(transformOfText(value), place)
    if (isSurelyImage(value)) this.#take(value, place)
  }

  #lookAtValuesImage(
    map: Readonly<Record<string, unknown>>,
    place: DocumentPath,
    registry: string | undefined,
  ): void {
    const key = place.at(-1)
    const image = valuesImage(map, typeof key === 'string' && imageKey.test(key), registry)
    if (image === undefined) return
    if ('texts' in image) for (const text of image.texts) this.#take(text, place)
    else this.#tellUnknown(place, image.unknown, 'render')
  }

  /** Images that are mounted: Kubernetes' `image: { reference }`, and `type: image` of Compose. */
  #lookAtVolume(map: Readonly<Record<string, unknown>>, place: DocumentPath): void {
    if (typeof place.at(-1) !== 'number' || place.at(-2) !== 'volumes') return
    const { image } = map
    if (isMap(image)) this.#take(textOf(image['reference']) ?? '', [...place, 'image', 'reference'])
    const source = volumeImage(map)
    if (this.#isCompose && source !== undefined) this.#take(source, [...place, 'source'])
  }

  #lookAtTransform(map: Readonly<Record<string, unknown>>, place: DocumentPath): void {
    if (typeof place.at(-1) !== 'number' || place.at(-2) !== 'images') return
    this.#takeTransform(transformOf(map), place)
  }

  /** A JSON patch that sets an image, and patches of kustomize that are written as a text. */
  #lookAtPatch(map: Readonly<Record<string, unknown>>, place: DocumentPath): void {
    const path = textOf(map['path'])
    const value = textOf(map['value'])
    if (path !== undefined && value !== undefined && 'op' in map) {
      if (path.endsWith('/image')) this.#take(value, [...place, 'value'])
      else if (/image\/(?:tag|digest|repository|registry)$/i.test(path))
        this.#tellUnknown(place, 'it patches a part of an image', 'render')
    }
    const { patch } = map
    if (typeof patch === 'string' && patchKeys.has(place.at(-2)))
      this.#visitText(patch, [...place, 'patch'], undefined)
    const merges = map['patchesStrategicMerge']
    if (!Array.isArray(merges)) return
    for (const [i, text] of merges.entries()) {
      // else it is the name of a file
      if (typeof text === 'string' && text.includes('\n'))
        this.#visitText(text, [...place, 'patchesStrategicMerge', i], undefined)
    }
  }

  /** An environment variable in which an operator finds what it has to run, such as `RELATED_IMAGE_PROXY`. */
  #lookAtVariable(map: Readonly<Record<string, unknown>>, place: DocumentPath): void {
    const { name, value } = map
    if (typeof name !== 'string' || typeof value !== 'string') return
    if (/image/i.test(name) && isSurelyImage(value)) this.#take(value, [...place, 'value'])
  }

  /** An Argo CD Application: values as a text or a map, and single ones. */
  #lookAtHelm(
    helm: Readonly<Record<string, unknown>>,
    place: DocumentPath,
    registry: string | undefined,
  ): void {
    const { values } = helm
    const at = [...place, 'values']
    const parsed = typeof values === 'string' ? this.#parse(values, at) : [values]
    // what is set aside is looked at too: too much is held rather than too little
    if (isMap(helm['valuesObject'])) for (const one of parsed) this.visit(one, at, registry)
    this.visit(valuesOfApplication(helm, parsed), at, registry)
    const known: ReadonlySet<string> = new Set(['values', 'valuesObject', 'parameters'])
    for (const [key, child] of Object.entries(helm))
      if (!known.has(key)) this.visit(child, [...place, key], registry)
  }

  #visitText(text: string, place: DocumentPath, registry: string | undefined): void {
    for (const value of this.#parse(text, place)) this.visit(value, place, registry)
  }

  /** The documents in a text. */
  #parse(text: string, place: DocumentPath): readonly unknown[] {
    try {
      return [...documentsOf(text, this.#by(place))].map(({ value }) => value)
    } catch (error) {
      if (!isDrayError(error)) throw error
      this.#tellUnknown(place, `the text there is no YAML (${error.why ?? error.message})`, 'render')
      return []
    }
  }

  /** What a node says that it runs (`ContainerStatus`): by digest; or the digest of a config, which no registry knows. */
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
      this.#tellUnknown(place, `the tag gets the suffix ${JSON.stringify(transformed.suffix)}`, 'render')
    }
  }

  /** Something that has to be an image. */
  #take(text: string, place: DocumentPath): void {
    const known = this.#isCompose && text.length <= maxText ? interpolate(text) : { text }
    if ('text' in known) this.found.push({ text: withoutTransport(known.text), by: this.#by(place) })
    else this.#tellUnknown(place, `the variable ${known.variable} has no default`, 'compose')
  }

  #tellUnknown(place: DocumentPath, what: string, remedy: Remedy): void {
    this.unknown.push({ by: this.#by(place), what, remedy })
  }

  #by(place: DocumentPath): string {
    return place.length === 0 ? this.#where : `${this.#where}: ${formatDocumentPath(place)}`
  }
}
