import { DrayError } from '../lib/errors.ts'
import { didYouMean } from '../lib/nearest.ts'
import { defaultRegistry, parseRepository, type RepositoryName } from '../oci/reference.ts'
import { type Config, type Environment, imagePlaceholder, type TargetConfig } from './config.ts'
import { RegistryNames } from './registry-names.ts'

/** An image of an environment, by the name that people give it. */
export interface PlacedImage {
  readonly environment: string
  readonly image: string
}

interface NamedPlace extends PlacedImage {
  /** false: a loopback name or a name of Docker Hub led to it, which may be served by another process */
  readonly isNamed: boolean
  /** the length of the environment's path */
  readonly own: number
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
 * The environments and images that a repository belongs to, under whichever of its names it was given (`RegistryNames`).
 * If several environments could hold it, the one with the longest path of its own comes first. Empty if it is in none.
 */
export function imagesAt(config: Config, repository: RepositoryName): readonly PlacedImage[] {
  return placesOf(config, repository).map(({ environment, image }) => ({ environment, image }))
}

/**
 * The environment whose rules hold for a repository; undefined if the repository is in none. If
 * several environments hold it with paths of the same length, `named` chooses among them. No other
 * name counts: a saved plan can claim any.
 */
export function environmentAt(
  config: Config,
  repository: RepositoryName,
  named: string | undefined,
): string | undefined {
  return oneOf(bestOf(placesOf(config, repository)), named)
}

/**
 * As `environmentAt`, for the source of a promotion. `promoteFrom` admits images of an environment: another loopback
 * name may be another registry, so that only the name and the aliases in dray.yaml count.
 */
export function sourceEnvironmentAt(
  config: Config,
  repository: RepositoryName,
  named: string | undefined,
): string | undefined {
  return oneOf(
    bestOf(placesOf(config, repository)).filter(({ isNamed }) => isNamed),
    named,
  )
}

function bestOf(places: readonly NamedPlace[]): readonly NamedPlace[] {
  return places.filter(({ own }) => own === places[0]?.own)
}

function oneOf(places: readonly NamedPlace[], named: string | undefined): string | undefined {
  return (places.find(({ environment }) => environment === named) ?? places[0])?.environment
}

/** As `imagesAt`, and whether the repository was named by the registry of the environment or by an alias of dray.yaml. */
export function placesOf(config: Config, repository: RepositoryName): readonly NamedPlace[] {
  const names = new RegistryNames(config.registries)
  const found = [...config.environments].flatMap(([environment, { targets }]) => {
    const fits = targets.flatMap((target) =>
      names.pathsAt(target.registry, repository).flatMap(({ path, isNamed }) => {
        const name = match(target, path)
        return name === undefined ? [] : [{ name, own: target.path.length, isNamed }]
      }),
    )
    const [best] = fits.sort(mostSpecificFirst)
    const image = best === undefined ? undefined : imageCalled(config, best.name)
    return best === undefined || image === undefined ? [] : [{ ...best, environment, image }]
  })
  return found.sort(mostSpecificFirst)
}

type Fit = Pick<NamedPlace, 'own' | 'isNamed'>

function mostSpecificFirst(a: Fit, b: Fit): number {
  return b.own - a.own || Number(b.isNamed) - Number(a.isNamed)
}

function expand(target: TargetConfig, name: string): RepositoryName {
  const path = target.path.replace(imagePlaceholder, () => name)
  return parseRepository(`${target.registry}/${path}`)
}

/** What stands for `{image}` in the path of a repository at this target's registry; undefined if it is none of its own. */
function match(target: TargetConfig, path: string): string | undefined {
  const [before = '', after = ''] = target.path.split(imagePlaceholder)
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
