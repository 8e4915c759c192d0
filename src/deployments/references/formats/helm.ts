import { isDigest } from '../../../oci/digest.ts'
import { isMap, textOf, WrittenNumber } from '../documents.ts'
import { isAddress, splitImage } from './image-text.ts'

/** The image that a map of Helm values names. */
export interface ValuesImage {
  /** with and without a registry that the chart may use; empty: only the chart defines the name */
  readonly names: readonly string[]
  /** the key of the repository, and its text */
  readonly nameKey: string | undefined
  readonly name: string
  readonly tagKey: string | undefined
  readonly digestKey: string | undefined
  /** a text, or a number without quotes */
  readonly tag: unknown
  /** as it is written; empty if there is none */
  readonly digest: string
}

/** The images of values as texts for a container, or why they are unknown. */
export type ValuesTexts = { readonly texts: readonly string[] } | { readonly unknown: string }

const digestKeys = ['digest', 'sha']

/**
 * Reads `{ registry, repository, tag, digest }` and its usual variations (`repo`, `name`, `sha`);
 * undefined for a map that names no image.
 * @param isNamed whether its key names an image; otherwise it needs a repository and a tag or
 * digest
 * @param globalRegistry a registry that many charts use in place of that of the image
 */
export function valuesImage(
  map: Readonly<Record<string, unknown>>,
  isNamed: boolean,
  globalRegistry: string | undefined,
): ValuesImage | undefined {
  // A key that is empty gives way to one with a value.
  const digestKey =
    digestKeys.find((key) => (textOf(map[key]) ?? '') !== '') ?? digestKeys.find((key) => key in map)
  const digest = digestKey === undefined ? '' : (textOf(map[digestKey]) ?? '')
  const isTagged = (textOf(map['tag']) ?? '') !== '' || digest !== ''
  const nameKey = nameKeyIn(map, isNamed && isTagged, isNamed)
  const repository = nameKey === undefined ? undefined : textOf(map[nameKey])
  const found = {
    nameKey,
    name: repository ?? '',
    tagKey: 'tag' in map ? 'tag' : undefined,
    digestKey,
    tag: map['tag'],
    digest,
  }
  if (repository === undefined || repository === '') {
    if (!isTagged || (!isNamed && repository === undefined)) return undefined
    return { ...found, names: [] }
  }
  if (isAddress(repository)) return undefined
  if (!isNamed && found.tagKey === undefined && digestKey === undefined) return undefined
  const own = textOf(map['registry']) ?? ''
  const registries = new Set([own, globalRegistry ?? own])
  const names = [...registries].map((registry) =>
    registry === '' ? repository : `${registry}/${repository}`,
  )
  return { ...found, names }
}

/**
 * Reads `image: team/api` beside `tag`, `imageTag` or a digest; undefined if none of them is beside
 * it.
 */
export function splitValuesImage(map: Readonly<Record<string, unknown>>): ValuesImage | undefined {
  const { digest } = map
  const tagKey = ['tag', 'imageTag'].find((key) => key in map)
  const isDigestKey = digest === null || digest === '' || isDigest(textOf(digest) ?? '')
  if (tagKey === undefined && !isDigest(textOf(digest) ?? '')) return undefined
  const parts = { ...(tagKey !== undefined && { tag: map[tagKey] }), ...(isDigestKey && { digest }) }
  const image = valuesImage({ repository: map['image'], ...parts }, true, undefined)
  return image && { ...image, nameKey: 'image', tagKey }
}

/** Returns the image of values as texts. */
export function textsOfValues({ names, tag, digest }: ValuesImage): ValuesTexts {
  if (names.length === 0)
    return { unknown: 'it has a tag or digest without a repository; only the chart defines the repository' }
  if ((textOf(tag) ?? '') !== '' || digest !== '') {
    const at = behindName(tag, digest)
    return { texts: names.flatMap((name) => at.map((one) => `${name}${one}`)) }
  }
  if (names.some((name) => splitImage(name).rest !== '')) return { texts: names }
  return { unknown: 'its tag is empty, and the version of the chart that replaces it is unknown' }
}

function nameKeyIn(
  map: Readonly<Record<string, unknown>>,
  mayBeName: boolean,
  isNamed: boolean,
): string | undefined {
  const isText = (key: string): boolean => textOf(map[key]) !== undefined
  if (isText('repository') || !isNamed) return 'repository'
  return ['repo', ...(mayBeName ? ['name', 'image'] : [])].find(isText)
}

/**
 * Tag and digest after the name. A number without quotes is both the tag as written and the tag
 * that Helm makes of it.
 */
function behindName(tag: unknown, digest: string): readonly string[] {
  const written = textOf(tag) ?? ''
  const tags = tag instanceof WrittenNumber ? [...new Set([written, String(tag.value)])] : [written]
  const at = digest === '' ? '' : `@${isBareHash(digest) ? 'sha256:' : ''}${digest}`
  return tags.map((one) => `${one === '' ? '' : `:${one}`}${at}`)
}

/** Whether a digest is written without its algorithm, as charts with the key `sha` expect it. */
export function isBareHash(digest: string): boolean {
  return /^[a-f0-9]{64}$/.test(digest)
}

/** The registry that a values file sets for all images (Bitnami's convention). */
export function globalRegistryIn(map: Readonly<Record<string, unknown>>): string | undefined {
  const global = map['global']
  if (!isMap(global)) return undefined
  const { imageRegistry, image } = global
  const registry = textOf(imageRegistry) ?? (isMap(image) ? textOf(image['registry']) : undefined)
  return registry === '' ? undefined : registry
}
