import {
  addImage,
  addPerhaps,
  cannotBeKnown,
  inside,
  isMapping,
  type References,
  type Spot,
  textOf,
} from './found.ts'
import { WrittenNumber } from './documents.ts'

/** What values call the same thing. */
const tagKeys = ['tag', 'imageTag', 'image_tag'] as const
const nameKeys = ['repository', 'repo', 'name'] as const

/**
 * Reads a map of a chart's values that says an image in parts: `repository` with `tag` or `digest`, and `registry` where it is apart. Pure.
 * @param isImage whether its key says that it is an image: then a part that is missing is an error
 * @throws `refused` where a part is left to the chart: an empty `tag` is its `appVersion`.
 */
export function addImageMap(
  found: References,
  map: Record<string, unknown>,
  isImage: boolean,
  spot: Spot,
): void {
  if (typeof map['image'] === 'string') return
  const names = isImage ? nameKeys : (['repository'] as const)
  const nameKey = names.find((key) => typeof map[key] === 'string' && map[key] !== '')
  const says = 'tag' in map || 'digest' in map
  if (!says && !(isImage && nameKey === 'repository')) {
    if (isImage && nameKey === 'name')
      addPerhaps(found, textOf(map['name'], spot) ?? '', inside(spot, 'name'))
    return
  }
  // a schema of values, and whatever else has these keys: no text there
  if (['tag', 'digest'].some((key) => key in map && isNoScalar(map[key]))) return
  if (nameKey === undefined) {
    const tag = part(map, 'tag', spot) + part(map, 'digest', spot)
    if (!isImage || isNoScalar(map['repository'] ?? null) || tag === '' || spot.isLoose) return
    throw cannotBeKnown(spot, 'it has a tag or digest and no repository: that is left to the chart')
  }
  const repository = part(map, nameKey, spot).replace(/^oci:\/\//, '')
  if (repository.includes('://') || repository.startsWith('git@')) return
  addParts(found, { map, repository, tag: map['tag'], key: 'tag', isSure: isImage }, spot)
}

/** Reads `image: NAME` with the tag beside it: `image: web`, `tag: "1.2"`, and `registry` where it is apart. False where no part stands beside it. */
export function addImageBesideTag(found: References, map: Record<string, unknown>, spot: Spot): boolean {
  const { image } = map
  if (typeof image !== 'string' || image === '' || hasTagOrDigest(image)) return false
  const key = tagKeys.find((one) => one in map && !isNoScalar(map[one]))
  const hasRegistry = typeof map['registry'] === 'string'
  if (key === undefined && !(hasRegistry && 'digest' in map)) return false
  addParts(found, { map, repository: image, tag: map[key ?? 'tag'], key: key ?? 'tag', isSure: true }, spot)
  return true
}

interface Parts {
  readonly map: Record<string, unknown>
  readonly repository: string
  readonly tag: unknown
  /** of the tag */
  readonly key: string
  /** nothing but an image can be meant */
  readonly isSure: boolean
}

function addParts(found: References, { map, repository, tag, key, isSure }: Parts, spot: Spot): void {
  const digest = part(map, 'digest', spot)
  const tags = tagsOf(tag, inside(spot, key))
  if (digest === '' && tags.every((one) => one === '')) {
    if (hasTagOrDigest(repository)) addImage(found, repository, spot)
    else if (!spot.isLoose)
      throw cannotBeKnown(
        inside(spot, key),
        "without a tag it is that of the chart's appVersion, which is not here",
      )
    return
  }
  const registry = typeof map['registry'] === 'string' ? part(map, 'registry', spot) : ''
  const registries = new Set([registry, spot.globalRegistry ?? registry])
  for (const host of registries) {
    for (const one of tags) {
      const text = `${host && `${host.replace(/\/+$/, '')}/`}${repository}${one && `:${one}`}${digest && `@${digest}`}`
      if (isSure) addImage(found, text, spot)
      else addPerhaps(found, text, spot)
    }
  }
}

/** A tag as it is written, and where that is a number (`1.10`) also as Helm hands it on (`1.1`): either may run. */
function tagsOf(tag: unknown, spot: Spot): readonly string[] {
  const written = textOf(tag ?? null, spot) ?? ''
  if (!(tag instanceof WrittenNumber)) return [written]
  const value = Number(written)
  return Number.isFinite(value) ? [...new Set([written, String(value)])] : [written]
}

function part(map: Record<string, unknown>, key: string, spot: Spot): string {
  return textOf(map[key] ?? null, inside(spot, key)) ?? ''
}

function isNoScalar(value: unknown): boolean {
  return isMapping(value) || Array.isArray(value)
}

function hasTagOrDigest(text: string): boolean {
  return text.includes('@') || text.lastIndexOf(':') > text.lastIndexOf('/')
}
