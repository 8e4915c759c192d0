import { defaultRegistry, parseRepository, type RepositoryName } from '../oci/reference.ts'
import { type Config, type Environment, imagePlaceholder, type TargetConfig } from './config.ts'
import { RegistryNames } from './registry-names.ts'
import { unknownEnvironment, unknownImage } from './resolver/resolve-errors.ts'

/** An image of an environment, by its name in `dray.yaml`. */
export interface EnvironmentImage {
  readonly environment: string
  readonly image: string
}

interface Owner extends EnvironmentImage {
  /** false: a loopback or Docker Hub name led to it, which another process can serve */
  readonly isNamed: boolean
  /** the length of the target's path */
  readonly pathLength: number
}

/** @throws `usage` with the nearest name if there is no such environment. */
export function environmentNamed(config: Config, name: string): Environment {
  const environment = config.environments.get(name)
  if (environment === undefined) throw unknownEnvironment(name, config.environments.keys())
  return environment
}

/** @throws `usage` with the nearest name if `dray.yaml` lists images and not this one. */
export function checkImage(image: string, config: Config): void {
  const { images } = config
  if (images !== undefined && images.size > 0 && !images.has(image)) throw unknownImage(image, config)
}

/** Returns the repository of an image at each target. @throws `usage`, `malformed`. */
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
 * The environments and images that a repository belongs to, under any of its names
 * (`RegistryNames`), the environment with the longest path first. Empty if it is in none.
 */
export function findImagesAt(config: Config, repository: RepositoryName): readonly EnvironmentImage[] {
  return ownersOf(config, repository).map(({ environment, image }) => ({ environment, image }))
}

/**
 * As `findImagesAt`, with the name in the path of a repository that no image of the environment
 * has, because the image with this name has another repository.
 */
export function findNamesAt(config: Config, repository: RepositoryName): readonly EnvironmentImage[] {
  return ownersOf(config, repository, (name) => name).map(({ environment, image }) => ({
    environment,
    image,
  }))
}

/**
 * The environment whose rules hold for a repository; undefined if the repository is in none. If
 * several environments hold it with paths of the same length, `named` chooses among them. No other
 * name counts: a saved plan can claim any.
 * @param isSource of a promotion: another loopback name can be another registry, so only the
 * registry's name and aliases in `dray.yaml` count
 */
export function environmentAt(
  config: Config,
  repository: RepositoryName,
  named: string | undefined,
  isSource = false,
): string | undefined {
  const owners = mostSpecific(ownersOf(config, repository)).filter((one) => one.isNamed || !isSource)
  return (owners.find(({ environment }) => environment === named) ?? owners[0])?.environment
}

/** Of the environments that hold a repository, those with the longest path. */
export function mostSpecific(owners: readonly Owner[]): readonly Owner[] {
  return owners.filter(({ pathLength }) => pathLength === owners[0]?.pathLength)
}

/**
 * As `findImagesAt`, with how the repository belongs to each environment.
 * @param otherwise the image for a name that is not the name of the repository of an image
 */
export function ownersOf(
  config: Config,
  repository: RepositoryName,
  otherwise: (name: string) => string | undefined = () => undefined,
): readonly Owner[] {
  const names = new RegistryNames(config.registries)
  const owners = [...config.environments].flatMap(([environment, { targets }]) => {
    const matches = targets.flatMap((target) =>
      names.pathsAt(target.registry, repository).flatMap(({ path, isNamed }) => {
        const name = match(target, path)
        return name === undefined ? [] : [{ name, pathLength: target.path.length, isNamed }]
      }),
    )
    const [best] = matches.sort(mostSpecificFirst)
    const image = best === undefined ? undefined : (imageCalled(config, best.name) ?? otherwise(best.name))
    return best === undefined || image === undefined ? [] : [{ ...best, environment, image }]
  })
  return owners.sort(mostSpecificFirst)
}

type Specificity = Pick<Owner, 'pathLength' | 'isNamed'>

function mostSpecificFirst(a: Specificity, b: Specificity): number {
  return b.pathLength - a.pathLength || Number(b.isNamed) - Number(a.isNamed)
}

function expand(target: TargetConfig, name: string): RepositoryName {
  const path = target.path.replace(imagePlaceholder, () => name)
  return parseRepository(`${target.registry}/${path}`)
}

/** The text in place of `{image}` in a path; undefined if the path does not fit this target. */
function match(target: TargetConfig, path: string): string | undefined {
  const [before = '', after = ''] = target.path.split(imagePlaceholder)
  if (!path.startsWith(before) || !path.endsWith(after)) return undefined
  const name = path.slice(before.length, path.length - after.length)
  if (name === '' || path.length < before.length + after.length) return undefined
  // docker.io/api is docker.io/library/api (distribution/reference, normalize.go)
  const official = target.registry === defaultRegistry && before === '' && /^library\/[^/]+$/.test(name)
  return official ? name.slice(name.indexOf('/') + 1) : name
}

/** Returns the image whose repositories have this name; undefined if there is none. */
function imageCalled(config: Config, name: string): string | undefined {
  for (const [image, settings] of config.images ?? []) if ((settings.name ?? image) === name) return image
  return config.images?.has(name) === true ? undefined : name
}
