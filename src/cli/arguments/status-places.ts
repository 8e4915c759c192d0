import type { Config, Environment } from '../../config/config.ts'
import { environmentNamed, repositoriesOf } from '../../config/environments.ts'
import { DrayError } from '../../lib/errors.ts'
import type { StatusPlace, StatusRoute } from '../../usecases/views/status/status.ts'
import { defaultTag } from '../../oci/reference.ts'
import type { Reading } from '../../semver/version.ts'
import { environmentWord } from './environment-word.ts'
import { imagesNamed } from './named-images.ts'
import { asUsage } from '../command/usage-error.ts'

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

function environmentsOf(only: readonly string[], config: Config): readonly string[] {
  const wanted = only.map(environmentWord)
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
  const settings = environmentNamed(config, environment)
  const { marker = defaultTag } = settings
  const reading = readingIn(settings)
  return asUsage(() => repositoriesOf(config, environment, image)).map((repository) => ({
    image,
    environment,
    repository,
    marker,
    reading,
  }))
}

/** How the tags of an environment are read. */
export function readingIn({ tags }: Environment): Reading {
  return { buildMetadata: tags?.buildMetadata ?? false }
}
