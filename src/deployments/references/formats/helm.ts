import { isMap, textOf, WrittenNumber } from '../documents.ts'
import { isAddress, splitImage } from './image-text.ts'

const maxKeys = 100

/** The image that a map of Helm values names, as texts for a container, or why it is unknown. */
export type ValuesImage = { readonly texts: readonly string[] } | { readonly unknown: string }

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
  const digest = textOf(map['digest']) ?? textOf(map['sha']) ?? ''
  const tag = textOf(map['tag']) ?? ''
  const isTagged = tag !== '' || digest !== ''
  const repository = repositoryIn(map, isNamed && isTagged, isNamed)
  if (repository === undefined || repository === '') {
    if (!isTagged || (!isNamed && repository === undefined)) return undefined
    return { unknown: 'it has a tag or digest without a repository; only the chart defines the repository' }
  }
  if (isAddress(repository)) return undefined
  if (!isNamed && !['tag', 'digest', 'sha'].some((key) => key in map)) return undefined
  const own = textOf(map['registry']) ?? ''
  const registries = new Set([own, globalRegistry ?? own])
  const names = [...registries].map((registry) =>
    registry === '' ? repository : `${registry}/${repository}`,
  )
  if (isTagged) {
    const at = behindName(map['tag'], digest)
    return { texts: names.flatMap((name) => at.map((one) => `${name}${one}`)) }
  }
  if (splitImage(repository).rest !== '') return { texts: names }
  return { unknown: 'its tag is empty, and the version of the chart that replaces it is unknown' }
}

function repositoryIn(
  map: Readonly<Record<string, unknown>>,
  mayBeName: boolean,
  isNamed: boolean,
): string | undefined {
  const repository = textOf(map['repository'])
  if (repository !== undefined || !isNamed) return repository
  const other = textOf(map['repo']) ?? (mayBeName ? textOf(map['name']) : undefined)
  return other ?? (mayBeName ? textOf(map['image']) : undefined)
}

/**
 * Tag and digest after the name. A number without quotes is both the tag as written and the tag
 * that Helm makes of it.
 */
function behindName(tag: unknown, digest: string): readonly string[] {
  const written = textOf(tag) ?? ''
  const tags = tag instanceof WrittenNumber ? [...new Set([written, String(tag.value)])] : [written]
  const at = digest === '' ? '' : `@${/^[a-f0-9]{64}$/.test(digest) ? 'sha256:' : ''}${digest}`
  return tags.map((one) => `${one === '' ? '' : `:${one}`}${at}`)
}

/** The registry that a values file sets for all images (Bitnami's convention). */
export function globalRegistryIn(map: Readonly<Record<string, unknown>>): string | undefined {
  const global = map['global']
  if (!isMap(global)) return undefined
  const { imageRegistry, image } = global
  const registry = textOf(imageRegistry) ?? (isMap(image) ? textOf(image['registry']) : undefined)
  return registry === '' ? undefined : registry
}

/**
 * Merges the values in `helm` of an Argo CD Application: the single `parameters` override the
 * others.
 * @param values the parsed text under `values`; Argo CD ignores it if there is a `valuesObject`
 */
export function valuesOfApplication(
  { valuesObject, parameters }: Readonly<Record<string, unknown>>,
  values: readonly unknown[],
): unknown {
  const single = Array.isArray(parameters) ? parameters.map(parameterValue) : []
  return [...(isMap(valuesObject) ? [valuesObject] : values), ...single].reduce(merged, {})
}

/**
 * `{ name: image.tag, value: 1.2 }` as `{ image: { tag: 1.2 } }`; a dot after a backslash is part
 * of a key.
 */
function parameterValue(parameter: unknown): unknown {
  if (!isMap(parameter)) return {}
  const keys = (textOf(parameter['name']) ?? '').split(/(?<!\\)\./).map((key) => key.replaceAll('\\.', '.'))
  // No values are nested deeper.
  if (keys.length > maxKeys) return {}
  return keys.reduceRight((value, key) => ({ [key]: value }), parameter['value'])
}

function merged(below: unknown, above: unknown): unknown {
  if (above === undefined || above === null) return below
  if (!isMap(below) || !isMap(above)) return above
  const result = new Map(Object.entries(below))
  for (const [key, value] of Object.entries(above)) result.set(key, merged(result.get(key), value))
  return Object.fromEntries(result)
}
