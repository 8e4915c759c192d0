import { DrayError } from '../errors.ts'
import { didYouMean } from '../nearest.ts'
import { defaultRegistry, parseRepository, type RepositoryName } from '../oci/reference.ts'
import { type Config, type Environment, imagePlaceholder, type TargetConfig } from './config.ts'

/** An image of an environment, by the name that people give it. */
export interface PlacedImage {
  readonly environment: string
  readonly image: string
}

/** @throws `usage` with the nearest name where there is no such environment. */
export function environmentNamed(config: Config, name: string): Environment {
  const environment = config.environments.get(name)
  if (environment !== undefined) return environment
  const known = [...config.environments.keys()]
  const hint =
    known.length === 0
      ? 'No environments are configured: write them into dray.yaml, or use whole references.'
      : [didYouMean(name, known), `The environments are ${known.join(', ')}.`].filter(Boolean).join(' ')
  throw new DrayError('usage', `there is no environment ${JSON.stringify(name)}`, {
    subject: `@${name}`,
    hint,
  })
}

/** The repositories of an image in an environment: one for each target, in the order of the file. @throws `usage`, `malformed`. */
export function repositoriesOf(
  config: Config,
  environment: string,
  image: string,
): readonly RepositoryName[] {
  const { targets } = environmentNamed(config, environment)
  const name = config.images?.get(image)?.name ?? image
  return targets.map((target) => expand(target, name))
}

/**
 * The environments and images that a repository belongs to; where several environments could hold it, the one with the
 * longest path of its own first. Empty where it is in none.
 */
export function imagesAt(config: Config, repository: RepositoryName): readonly PlacedImage[] {
  const found = [...config.environments].flatMap(([environment, { targets }]) => {
    const fits = targets.flatMap((target) => {
      const name = match(target, repository)
      return name === undefined ? [] : [{ name, own: target.path.length }]
    })
    const [best] = fits.sort((a, b) => b.own - a.own)
    const image = best === undefined ? undefined : imageCalled(config, best.name)
    return best === undefined || image === undefined ? [] : [{ environment, image, own: best.own }]
  })
  return found.sort((a, b) => b.own - a.own).map(({ environment, image }) => ({ environment, image }))
}

function expand(target: TargetConfig, name: string): RepositoryName {
  const path = target.path.replace(imagePlaceholder, () => name)
  return parseRepository(`${target.registry}/${path}`)
}

/** What stands for `{image}` in a repository of this target; undefined where it is not one. */
function match(target: TargetConfig, repository: RepositoryName): string | undefined {
  if (target.registry !== repository.registry) return undefined
  const [before = '', after = ''] = target.path.split(imagePlaceholder)
  const { path } = repository
  if (!path.startsWith(before) || !path.endsWith(after)) return undefined
  const name = path.slice(before.length, path.length - after.length)
  if (name === '' || path.length < before.length + after.length) return undefined
  // docker.io/api is docker.io/library/api (distribution/reference, normalize.go)
  const official = target.registry === defaultRegistry && before === '' && /^library\/[^/]+$/.test(name)
  return official ? name.slice(name.indexOf('/') + 1) : name
}

/** The image whose name in repositories this is; undefined where an image of this name has another one there. */
function imageCalled(config: Config, name: string): string | undefined {
  for (const [image, settings] of config.images ?? []) if ((settings.name ?? image) === name) return image
  return config.images?.has(name) === true ? undefined : name
}
