import { formatAddress, parseAddress } from '../config/addresses.ts'
import type { Config } from '../config/config.ts'
import { environmentNamed, imagesAt, repositoriesOf } from '../config/environments.ts'
import { DrayError } from '../errors.ts'
import type { StatusPlace, StatusRoute } from '../look/status.ts'
import { defaultTag } from '../oci/reference.ts'
import { asUsage } from './usage-error.ts'

export interface StatusRequest {
  /** in the order of dray.yaml */
  readonly environments: readonly string[]
  readonly routes: readonly StatusRoute[]
  /** image by image, for each every target of every environment */
  readonly places: readonly StatusPlace[]
}

/** What is to be looked at. `only` are the environments to look into, all where it is empty. @throws `usage`. */
export function statusRequest(
  words: readonly string[],
  only: readonly string[],
  config: Config,
): StatusRequest {
  const environments = environmentsOf(only, config)
  const images = imagesNamed(words, config)
  return {
    environments,
    routes: routesBetween(environments, config),
    places: images.flatMap((image) =>
      environments.flatMap((environment) => placesOf(image, environment, config)),
    ),
  }
}

/** The images that are named, by their names in dray.yaml; else all that stand there. @throws `usage`. */
export function imagesNamed(words: readonly string[], config: Config): readonly string[] {
  if (words.length > 0) return [...new Set(words.map((word) => imageNamed(word, config)))]
  const images = [...(config.images?.keys() ?? [])]
  if (images.length > 0) return images
  throw new DrayError('usage', 'no image is named, and dray.yaml lists none', {
    hint: 'Name images (dray status api web), or write them under "images:" in dray.yaml.',
  })
}

function imageNamed(word: string, config: Config): string {
  const [first] = config.environments.keys()
  const address = asUsage(() => parseAddress(word, first))
  switch (address.kind) {
    case 'environment':
      throw new DrayError('usage', `${formatAddress(address)} is an environment, not an image`, {
        hint: `Name an image in it: ${formatAddress(address)}/NAME.`,
      })
    case 'layout':
      throw notPlaced(word)
    case 'image':
      environmentNamed(config, address.environment)
      refuseTag(word, address)
      return address.image
    case 'reference': {
      const { registry, path } = address.reference
      const [place] = imagesAt(config, { registry, path })
      if (place === undefined) throw notPlaced(word)
      refuseTag(word, address.reference)
      return place.image
    }
  }
}

function notPlaced(word: string): DrayError {
  return new DrayError('usage', `${word} is in no environment of dray.yaml`, {
    hint: 'Name an image as it is called there, such as api or @staging/api.',
  })
}

/** One tag is not what is looked at, and leaving it out without a word would show another image than was asked for. */
function refuseTag(word: string, at: { readonly tag?: string; readonly digest?: string }): void {
  if (at.tag === undefined && at.digest === undefined) return
  throw new DrayError('usage', `${word} names one version; this is about the image as a whole`, {
    hint: 'Leave the tag or digest away. "dray history" shows where one version has been.',
  })
}

function environmentsOf(only: readonly string[], config: Config): readonly string[] {
  const wanted = only.map((word) => word.replace(/^@/, ''))
  for (const name of wanted) environmentNamed(config, name)
  if (config.environments.size === 0) {
    throw new DrayError('usage', 'no environments are configured', { hint: 'Write them into dray.yaml.' })
  }
  const all = [...config.environments.keys()]
  return wanted.length === 0 ? all : all.filter((name) => wanted.includes(name))
}

/** Where images go by dray.yaml; where it says so of no environment, from each to the next in the file. */
function routesBetween(environments: readonly string[], config: Config): readonly StatusRoute[] {
  const isSaid = [...config.environments.values()].some(({ promoteFrom }) => promoteFrom !== undefined)
  return environments.flatMap((to, i) => {
    const before = environments.slice(Math.max(0, i - 1), i)
    const from = isSaid ? (config.environments.get(to)?.promoteFrom ?? []) : before
    return from.filter((name) => environments.includes(name)).map((name) => ({ from: name, to }))
  })
}

function placesOf(image: string, environment: string, config: Config): readonly StatusPlace[] {
  const { marker = defaultTag, tags } = environmentNamed(config, environment)
  const reading = { buildMetadata: tags?.buildMetadata ?? false }
  return asUsage(() => repositoriesOf(config, environment, image)).map((repository) => ({
    image,
    environment,
    repository,
    marker,
    reading,
  }))
}
