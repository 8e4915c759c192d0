import { DrayError, isDrayError } from '../../lib/errors.ts'
import { volumeImage } from './formats/compose.ts'
import { documentsOf, isMap, textOf } from './documents.ts'
import type { Remedy } from './found-images.ts'
import { MergedPlaces, type PlacedValue } from './formats/argo.ts'
import { globalRegistryIn, splitValuesImage, type ValuesImage, valuesImage } from './formats/helm.ts'
import { isAddress, isSurelyImage, splitImage } from './formats/image-text.ts'
import type { Occurrence } from './occurrence.ts'
import { formatSteps, WalkPosition } from './walk-position.ts'

type YamlMap = Readonly<Record<string, unknown>>

/** An alias can contain itself, so the depth is limited. */
const maxDepth = 200
/** Maps, arrays and scalars of one document; what an alias repeats counts each time. */
const maxNodes = 5_000_000

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
const helmKeys: ReadonlySet<string> = new Set(['values', 'valuesObject', 'parameters'])

/**
 * Finds the images in a document by its structure, at any depth: containers of Kubernetes, services
 * of Compose, `images` of kustomize, values of Helm. It is the only list of these forms. Pure.
 * @param value from `documentsOf`
 * @param where the file or object, for errors
 * @param isComposeFile whether the document is a Compose file
 * @param take gets each image, in the order of the document
 * @throws `malformed` for a document that is too deep or too large; what `take` throws.
 */
export function findOccurrences(
  value: unknown,
  where: string,
  isComposeFile: boolean,
  take: (occurrence: Occurrence) => void,
): void {
  new Walk(where, isComposeFile, take).visit(value, new WalkPosition([]), undefined)
}

class Walk {
  readonly #where: string
  readonly #isCompose: boolean
  readonly #takeOccurrence: (occurrence: Occurrence) => void
  readonly #merged = new MergedPlaces()
  #nodes = 0
  /** while it visits values that Argo CD ignores */
  #isIgnored = false

  constructor(where: string, isComposeFile: boolean, take: (occurrence: Occurrence) => void) {
    this.#where = where
    this.#isCompose = isComposeFile
    this.#takeOccurrence = take
  }

  /** @param registry the registry that Helm values around it set for all images */
  visit(value: unknown, at: WalkPosition, registry: string | undefined): void {
    this.#nodes += 1
    if (at.keys.length > maxDepth || this.#nodes > maxNodes)
      throw new DrayError('malformed', `${this.#where} is too deep or too large`, {
        subject: this.#where,
        hint: 'Remove aliases that contain themselves.',
      })
    if (Array.isArray(value)) this.#visitArray(value, at, registry)
    else if (isMap(value)) this.#visitMap(value, at, globalRegistryIn(value) ?? registry)
    else this.#takeText(value, at)
  }

  #visitArray(items: readonly unknown[], at: WalkPosition, registry: string | undefined): void {
    const isStatus = statusKeys.has(at.keys.at(-1))
    for (const [i, item] of items.entries()) {
      const child = at.child(i)
      if (isStatus && isMap(item)) this.#takeImageId(item['imageID'], child.child('imageID'))
      else this.visit(item, child, registry)
    }
  }

  #visitMap(map: YamlMap, at: WalkPosition, registry: string | undefined): void {
    this.#takeValuesImage(map, at, registry)
    this.#takeVolume(map, at)
    this.#takeKustomization(map, at)
    this.#visitPatch(map, at)
    this.#takeVariable(map, at)
    for (const [key, child] of Object.entries(map)) {
      const below = this.#child(map, at, key)
      if (key === 'image' && (child === null || textOf(child) !== undefined)) this.#takeImage(map, at, below)
      else if (key === 'helm' && isMap(child)) this.#visitHelm(child, below, registry)
      else if (typeof child === 'string' && valuesFile.test(key)) this.#visitText(child, below, registry)
      else this.visit(child, below, registry)
    }
  }

  #child(map: YamlMap, at: WalkPosition, key: string): WalkPosition {
    return at.child(key, this.#merged.of(map, key))
  }

  /**
   * Takes the value of a key `image`, unless its position shows that it is no image.
   * @param at the position of the map
   * @param below the position of the value
   */
  #takeImage(map: YamlMap, at: WalkPosition, below: WalkPosition): void {
    const { keys } = below
    const text = textOf(map['image'])
    if (labelKeys.has(keys.at(-2))) return this.#takeText(text, below)
    if (text === undefined) return this.#addUnknown(below, 'it is empty', 'correct')
    const isContainer = typeof keys.at(-2) === 'number' && containerKeys.has(keys.at(-3))
    if (!isContainer && isAddress(text)) return
    // Helm values can have `image: team/api` beside `tag: 1.2`.
    const isWhole = isContainer || text === '' || splitImage(text).rest !== ''
    const split = isWhole ? undefined : splitValuesImage(map)
    const isBuilt = this.#isCompose && 'build' in map
    if (split === undefined) this.#add({ kind: 'image', text, isBuilt, at: below })
    else this.#addValues(map, at, split)
  }

  /**
   * Takes a text that can only be an image, if its key or that of its parent has the word image.
   */
  #takeText(value: unknown, at: WalkPosition): void {
    const { keys } = at
    const isNear = keys.slice(-2).some((step) => typeof step === 'string' && /image/i.test(step))
    if (!isNear || typeof value !== 'string') return
    if (typeof keys.at(-1) === 'number' && keys.at(-2) === 'images' && keys.at(-3) === 'kustomize')
      return this.#add({ kind: 'transform', text: value, at })
    if (isSurelyImage(value)) this.#take(value, at)
  }

  #takeValuesImage(map: YamlMap, at: WalkPosition, registry: string | undefined): void {
    const key = at.keys.at(-1)
    const image = valuesImage(map, typeof key === 'string' && imageKey.test(key), registry)
    if (image !== undefined) this.#addValues(map, at, image)
  }

  /**
   * Takes images that are mounted: `image: { reference }` of Kubernetes, and `type: image` of
   * Compose.
   */
  #takeVolume(map: YamlMap, at: WalkPosition): void {
    if (typeof at.keys.at(-1) !== 'number' || at.keys.at(-2) !== 'volumes') return
    const { image } = map
    if (isMap(image)) this.#take(textOf(image['reference']) ?? '', at.child('image').child('reference'))
    const source = volumeImage(map)
    if (this.#isCompose && source !== undefined) this.#take(source, at.child('source'))
  }

  #takeKustomization(map: YamlMap, at: WalkPosition): void {
    if (typeof at.keys.at(-1) !== 'number' || at.keys.at(-2) !== 'images') return
    this.#add({ kind: 'kustomization', entry: map, at })
  }

  /** Takes the image of a JSON patch, and visits patches of kustomize that are texts. */
  #visitPatch(map: YamlMap, at: WalkPosition): void {
    const path = textOf(map['path'])
    const value = textOf(map['value'])
    if (path !== undefined && value !== undefined && 'op' in map) {
      if (path.endsWith('/image')) this.#take(value, at.child('value'))
      else if (/image\/(?:tag|digest|repository|registry)$/i.test(path))
        this.#addUnknown(at, 'it patches a part of an image', 'render')
    }
    const { patch } = map
    if (typeof patch === 'string' && patchKeys.has(at.keys.at(-2)))
      this.#visitText(patch, at.child('patch'), undefined)
    const merges = map['patchesStrategicMerge']
    if (!Array.isArray(merges)) return
    for (const [i, text] of merges.entries()) {
      // A text of one line is the name of a file.
      if (typeof text === 'string' && text.includes('\n'))
        this.#visitText(text, at.child('patchesStrategicMerge').child(i), undefined)
    }
  }

  /** Takes the image in an environment variable of an operator, such as `RELATED_IMAGE_PROXY`. */
  #takeVariable(map: YamlMap, at: WalkPosition): void {
    const { name, value } = map
    if (typeof name !== 'string' || typeof value !== 'string') return
    if (/image/i.test(name) && isSurelyImage(value)) this.#take(value, this.#child(map, at, 'value'))
  }

  /** Visits the values of an Argo CD Application: as a text, as a map, and single parameters. */
  #visitHelm(helm: YamlMap, at: WalkPosition, registry: string | undefined): void {
    const { values } = helm
    const inValues = at.child('values')
    const parsed =
      typeof values === 'string' ? this.#parse(values, inValues) : [{ value: values, steps: inValues.steps }]
    // Values that Argo CD ignores are visited too: rather too many images are kept than too few.
    if (isMap(helm['valuesObject'])) {
      this.#isIgnored = true
      for (const { value, steps } of parsed)
        this.visit(value, new WalkPosition(inValues.keys, steps), registry)
      this.#isIgnored = false
    }
    const { value, steps } = this.#merged.mergeApplication(helm, parsed, at.steps)
    this.visit(value, new WalkPosition(inValues.keys, steps), registry)
    for (const [key, child] of Object.entries(helm))
      if (!helmKeys.has(key)) this.visit(child, at.child(key), registry)
  }

  #visitText(text: string, at: WalkPosition, registry: string | undefined): void {
    for (const { value, steps } of this.#parse(text, at))
      this.visit(value, new WalkPosition(at.keys, steps), registry)
  }

  /** Parses the documents in a text. */
  #parse(text: string, at: WalkPosition): readonly PlacedValue[] {
    try {
      return [...documentsOf(text, this.#by(at))].map(({ value }, i) => ({
        value,
        steps: at.embedded(i).steps,
      }))
    } catch (error) {
      if (!isDrayError(error)) throw error
      this.#addUnknown(at, `its text is not YAML (${error.why ?? error.message})`, 'render')
      return []
    }
  }

  /**
   * The image that a node reports as running (`ContainerStatus`): by digest; or the digest of a
   * config, which no registry knows.
   */
  #takeImageId(value: unknown, at: WalkPosition): void {
    const id = (textOf(value) ?? '').replace(/^[a-z-]+:\/\//, '')
    if (id !== '' && !/^(?:sha256:)?[a-f0-9]{64}$/.test(id)) this.#add({ kind: 'running', text: id, at })
  }

  #addValues(map: YamlMap, at: WalkPosition, image: ValuesImage): void {
    const keys = [image.nameKey, image.tagKey, image.digestKey].filter((key) => key !== undefined)
    const own = keys.filter((key) => key in map && !isMap(map[key]) && !Array.isArray(map[key]))
    const fields = new Map(own.map((key) => [key, this.#child(map, at, key)]))
    this.#add({ kind: 'values', image, fields, at })
  }

  /** Adds a text that has to be an image. */
  #take(text: string, at: WalkPosition): void {
    this.#add({ kind: 'image', text, isBuilt: false, at })
  }

  #addUnknown(at: WalkPosition, what: string, remedy: Remedy): void {
    this.#add({ kind: 'unknown', what, remedy, at })
  }

  #add(occurrence: DistributedOmit<Occurrence, 'isDescription'>): void {
    const isDescription = this.#isIgnored || labelKeys.has(occurrence.at.keys.at(-2))
    this.#takeOccurrence({ ...occurrence, isDescription })
  }

  #by({ steps }: WalkPosition): string {
    return steps.length === 0 ? this.#where : `${this.#where}: ${formatSteps(steps)}`
  }
}

type DistributedOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never
