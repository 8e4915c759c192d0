import { DrayError } from '../errors.ts'
import { parseDocuments } from './documents.ts'
import { addImage, addPerhaps, inside, isMapping, type References, type Spot, textOf, byOf } from './found.ts'
import { addImageBesideTag, addImageMap } from './helm-values.ts'
import { interpolate } from './interpolate.ts'
import { addKustomizeImage, addKustomizeWord, isKustomizeImage, isKustomizeImages } from './kustomize.ts'
import { addStatus } from './pod-status.ts'

/** Real objects have under forty levels. */
const maxDepth = 200
/** Kubernetes' lists of containers, wherever they stand: in a pod, a template of pods, a template of a custom resource. */
const containerKeys: ReadonlySet<string> = new Set(['containers', 'initContainers', 'ephemeralContainers'])
/** What holds words about things and runs nothing. */
const wordKeys: ReadonlySet<string> = new Set(['labels', 'annotations', 'matchLabels', 'nodeSelector'])
/** Objects of Kubernetes that hold no image: a schema, and bytes in base64. */
const silentKinds: ReadonlySet<string> = new Set(['CustomResourceDefinition', 'Secret', 'SealedSecret'])
/** `sidecarImage`, `image_name`, `RELATED_IMAGE_PROXY`: where operators and charts keep images under other names. */
const imageKey = /^(?:\w*(?:Image|_image)|image[-_]?[nN]ame|image[-_]?[rR]ef|RELATED_IMAGE_\w+)$/

interface Walk {
  readonly found: References
  /** what an anchor or alias gave twice is the same a second time, and a circle has no end */
  readonly seen: Set<object>
}

/**
 * Finds the images that a document names, by its structure: Kubernetes objects of any kind and lists of them, Compose, kustomize, values of Helm charts
 * and what holds such values. Nothing found is no error. Pure.
 * @param value of `parseDocuments` or of JSON
 * @param where the file or cluster, for errors
 * @throws `refused` where an image is meant that cannot be known; `malformed`.
 */
export function referencesIn(value: unknown, where: string): References {
  const found: References = { images: [], renames: [] }
  const spot: Spot = {
    where,
    place: [],
    isLoose: false,
    isCompose: isMapping(value) && isMapping(value['services']) && !isObject(value),
    globalRegistry: undefined,
  }
  walk(value, '', spot, { found, seen: new Set() })
  return found
}

/** @param key under which it stands, or `` */
function walk(value: unknown, key: string, spot: Spot, on: Walk): void {
  if (spot.place.length > maxDepth)
    throw new DrayError('malformed', `${spot.where} is nested deeper than ${maxDepth} levels`, {
      subject: spot.where,
    })
  if (typeof value !== 'object' || value === null || on.seen.has(value)) return
  on.seen.add(value)
  if (Array.isArray(value)) walkList(value, key, spot, on)
  else if (isMapping(value)) walkMap(value, key, spot, on)
}

function walkList(list: readonly unknown[], key: string, spot: Spot, on: Walk): void {
  for (const [i, entry] of list.entries()) {
    if (key === 'env' && isMapping(entry)) addVariable(entry, inside(spot, i), on)
    if (key === 'patchesStrategicMerge' && typeof entry === 'string' && entry.includes('\n'))
      addYaml(entry, inside(spot, i), on)
    walk(entry, '', inside(spot, i), on)
  }
}

function walkMap(map: Record<string, unknown>, key: string, outer: Spot, on: Walk): void {
  const object = isObject(map)
  if (object && silentKinds.has(String(map['kind']))) return
  const spot = withGlobals(map, object && map['kind'] === 'ConfigMap' ? { ...outer, isLoose: true } : outer)
  addImageMap(on.found, map, isImageKey(key), spot)
  addPatch(map, spot, on)
  addVolume(map, spot, on)
  const isPaired = addImageBesideTag(on.found, map, spot)
  for (const [name, value] of Object.entries(map)) {
    const at = inside(spot, name)
    if (wordKeys.has(name) || (object && name === 'metadata')) continue
    if (object && name === 'status') addStatus(on.found, value, at, (v, s) => walk(v, '', s, on))
    else if (name === 'image' && isPaired) continue
    else if (!addKnown(name, value, key, at, on)) walk(value, name, at, on)
  }
}

/** What a key says by its name; false where it says nothing, or the value has more in it. */
function addKnown(name: string, value: unknown, parent: string, spot: Spot, on: Walk): boolean {
  const { found } = on
  if (name === 'image') return addImageValue(value, spot, on)
  if (imageKey.test(name) && typeof value === 'string') {
    if (isFull(value)) addPerhaps(found, value, spot)
    return true
  }
  if (name === 'images' && isKustomizeImages(value)) {
    for (const [i, entry] of value.entries()) addKustomizeImage(found, entry, inside(spot, i))
    return true
  }
  if (name === 'imageTag' && isKustomizeImage(value)) {
    addKustomizeImage(found, value, spot)
    return true
  }
  if (name === 'images' && parent === 'kustomize' && Array.isArray(value)) {
    for (const [i, entry] of value.entries())
      addKustomizeWord(found, textOf(entry, spot) ?? '', inside(spot, i))
    return true
  }
  if (name === 'parameters' && parent === 'helm' && Array.isArray(value)) {
    walk(nested(value), '', spot, on)
    return true
  }
  return addEmbedded(name, value, parent, spot, on)
}

/** An image as one text, or a map that says it in parts or by `reference` (a volume of Kubernetes). False for what has more in it. */
function addImageValue(value: unknown, spot: Spot, { found }: Walk): boolean {
  if (isMapping(value)) {
    if (typeof value['reference'] === 'string') addImage(found, value['reference'], inside(spot, 'reference'))
    return false
  }
  const text = textOf(value, spot)
  if (text === undefined) return false
  const isContainer = spot.place.some((step) => typeof step === 'string' && containerKeys.has(step))
  // a picture, in what is no container
  if (!isContainer && /^(?:https?:\/\/|data:)/.test(text)) return true
  addImage(found, spot.isCompose ? interpolate(text, spot) : text, spot)
  return true
}

/** YAML within YAML: values that Argo CD hands on, patches of kustomize, a ConfigMap that Flux reads values from. */
function addEmbedded(name: string, value: unknown, parent: string, spot: Spot, on: Walk): boolean {
  const isYaml =
    (name === 'values' && parent === 'helm') ||
    (name === 'patch' && typeof value === 'string' && value.includes(':')) ||
    (parent === 'data' && /^values[\w.-]*\.ya?ml$/.test(name))
  if (!isYaml || typeof value !== 'string' || value.trim() === '') return false
  addYaml(value, spot, on)
  return true
}

function addYaml(value: string, spot: Spot, on: Walk): void {
  for (const document of parseDocuments(value, byOf(spot))) {
    const inner = referencesIn(document.value, document.where)
    on.found.images.push(...inner.images)
    on.found.renames.push(...inner.renames)
  }
}

/** `{ op, path, value }` of a JSON patch (RFC 6902) that sets an image. */
function addPatch({ op, path, value }: Record<string, unknown>, spot: Spot, { found }: Walk): void {
  if (typeof op !== 'string' || typeof path !== 'string' || !path.endsWith('/image')) return
  if (op === 'test' || op === 'remove') return
  const text = textOf(value ?? null, spot)
  if (text !== undefined) addImage(found, text, inside(spot, 'value'))
}

/** A volume of Compose that is an image. */
function addVolume({ type, source }: Record<string, unknown>, spot: Spot, { found }: Walk): void {
  if (!spot.isCompose || type !== 'image' || typeof source !== 'string') return
  addImage(found, interpolate(source, spot), inside(spot, 'source'))
}

/** An operator is told in its environment which images it will run. */
function addVariable({ name, value }: Record<string, unknown>, spot: Spot, { found }: Walk): void {
  if (typeof name !== 'string' || typeof value !== 'string' || !/IMAGE/i.test(name) || !isFull(value)) return
  addPerhaps(found, value, { ...inside(spot, 'value'), isLoose: true })
}

/** `{ name: image.tag, value: "1.2" }` of Argo CD as the map that it stands for. */
function nested(parameters: readonly unknown[]): Record<string, unknown> {
  const root = emptyMap()
  for (const parameter of parameters) {
    if (!isMapping(parameter) || typeof parameter['name'] !== 'string') continue
    const steps = parameter['name'].split('.')
    const last = steps.pop() ?? ''
    let map = root
    for (const step of steps) {
      const next = map[step]
      const inner = isMapping(next) ? next : emptyMap()
      map[step] = inner
      map = inner
    }
    map[last] = parameter['value']
  }
  return root
}

/** Without a prototype: a name such as `__proto__` is a name like others. */
function emptyMap(): Record<string, unknown> {
  return Object.create(null) as Record<string, unknown>
}

function withGlobals(map: Record<string, unknown>, spot: Spot): Spot {
  const { global } = map
  if (!isMapping(global) || typeof global['imageRegistry'] !== 'string') return spot
  return global['imageRegistry'] === '' ? spot : { ...spot, globalRegistry: global['imageRegistry'] }
}

function isImageKey(key: string): boolean {
  return key === 'image' || /\w(?:Image|_image)$/.test(key)
}

/** With a tag or digest behind the name: less may be any word. */
function isFull(text: string): boolean {
  return text.includes('@') || /:[^/]+$/.test(text)
}

function isObject(map: Record<string, unknown>): boolean {
  return typeof map['apiVersion'] === 'string' && typeof map['kind'] === 'string'
}
