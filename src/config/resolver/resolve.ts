import { resolve as resolvePath } from 'node:path'
import { asUsage } from '../../lib/as-usage.ts'
import { DrayError } from '../../lib/errors.ts'
import {
  formatReference,
  layoutRegistry,
  parseReference,
  type Reference,
  type RepositoryName,
} from '../../oci/reference.ts'
import type { Config } from '../config.ts'
import { checkImage, environmentNamed, mostSpecific, ownersOf, repositoriesOf } from '../environments.ts'
import { RegistryNames } from '../registry-names.ts'
import {
  type Argument,
  formatTagAndDigest,
  parseArgument,
  parseImage,
  parseEnvironmentOption,
  type TagAndDigest,
  tagAndDigest,
} from './argument-grammar.ts'
import {
  digestInsteadOfTag,
  environmentInsteadOfImage,
  type EnvironmentOption,
  imageInsteadOfRepository,
  layoutInsteadOfRepository,
  missingEnvironment,
  outsideEnvironment,
  severalRepositories,
} from './resolve-errors.ts'

/**
 * The kinds of arguments of a command. `image`: a repository, with or without a tag or digest.
 * `tag`: with or without a tag. `repository`: without either. `layout` and `environment` can be
 * added to each.
 */
export type Accepted = 'image' | 'tag' | 'repository' | 'layout' | 'environment'

/** The environments of a bare name. */
export interface Within {
  /** empty: nothing selects one, and a bare name is an error */
  readonly environments: readonly string[]
  /**
   * the option that selects them, if the command has one: then no argument can be outside of them
   */
  readonly option?: EnvironmentOption
}

export interface ResolveOptions {
  readonly accepts: readonly Accepted[]
  readonly within?: Within | undefined
  /** where relative folders of layouts begin; undefined: they stay relative */
  readonly cwd?: string
}

export interface ResolvedEnvironment {
  readonly kind: 'environment'
  readonly environment: string
  /** `@staging` */
  readonly text: string
}

export interface ResolvedImage extends TagAndDigest {
  readonly kind: 'image'
  /** the complete form, which means the same without any option */
  readonly text: string
  /** the form without `@ENV/`, for output that names the environment beside it */
  readonly shortText: string
  /** undefined: the repository is in no environment, or a bare name is in several */
  readonly environment?: string
  /** the name in `dray.yaml`; undefined outside of all environments */
  readonly image?: string
  /**
   * all targets of its environments in the order of `dray.yaml`; of a reference, the one repository
   */
  readonly repositories: readonly [RepositoryName, ...RepositoryName[]]
  /**
   * false if only a loopback or Docker Hub name connects the repository with its environment:
   * another process can serve that name, and `promoteFrom` does not admit it
   */
  readonly isNamed: boolean
  /** whether the argument names an image of `dray.yaml`, a repository or a folder */
  readonly form: 'image' | 'reference' | 'layout'
}

/**
 * Resolves an argument to an environment, or to repositories with a tag and digest. Every command
 * uses it, so an argument means the same everywhere. If `dray.yaml` defines environments, a bare
 * name is one of its images; otherwise it is an image of Docker Hub, as in `docker pull`.
 * @throws `usage`; `unsupported` for a digest algorithm other than sha256 and sha512.
 */
export function resolve(
  text: string,
  options: ResolveOptions,
  config: Config,
): ResolvedImage | ResolvedEnvironment {
  const { within } = options
  for (const name of within?.environments ?? []) environmentNamed(config, name)
  return asUsage(() => {
    const argument = parseArgument(text)
    if (argument.kind === 'environment') return resolveEnvironment(argument.environment, options, config)
    const image = resolveArgument(argument, options, config)
    checkAccepted(image, options)
    if (within !== undefined && argument.kind !== 'bareName') checkWithin(image, within)
    return image
  })
}

/** As `resolve`, for a command that takes no environment. */
export function resolveImage(
  text: string,
  options: ResolveOptions & { readonly accepts: readonly Exclude<Accepted, 'environment'>[] },
  config: Config,
): ResolvedImage {
  const resolved = resolve(text, options, config)
  if (resolved.kind === 'environment') throw environmentInsteadOfImage(resolved.environment)
  return resolved
}

/** The only repository of an image. @throws `usage` if it has several targets. */
export function onlyRepository({ text, repositories }: ResolvedImage): RepositoryName {
  const [first, ...more] = repositories
  if (more.length > 0) throw severalRepositories(text, repositories)
  return first
}

/** The environment that an option gives, with or without `@`. */
export function withinOption(option: EnvironmentOption, value: string | undefined): Within {
  return { option, environments: value === undefined ? [] : [parseEnvironmentOption(value)] }
}

/** For views: a bare name stands for the image in every environment. */
export function everyEnvironment(config: Config): Within {
  return { environments: [...config.environments.keys()] }
}

/** An environment by the value of an option, with or without `@`. @throws `usage`. */
export function resolveEnvironmentOption(value: string, config: Config): ResolvedEnvironment {
  return resolveEnvironment(parseEnvironmentOption(value), { accepts: ['environment'] }, config)
}

/**
 * The names of images in a sentence: without the environment, which is named beside them, unless
 * two images would have the same name.
 */
export function namesOf(images: readonly ResolvedImage[]): readonly string[] {
  const uses = Map.groupBy(images, ({ shortText }) => shortText)
  return images.map(({ text, shortText }) => (uses.get(shortText)?.length === 1 ? shortText : text))
}

function resolveEnvironment(
  environment: string,
  { accepts }: ResolveOptions,
  config: Config,
): ResolvedEnvironment {
  if (!accepts.includes('environment')) throw environmentInsteadOfImage(environment)
  environmentNamed(config, environment)
  return { kind: 'environment', environment, text: `@${environment}` }
}

function resolveArgument(
  argument: Exclude<Argument, { kind: 'environment' }>,
  { within, cwd }: ResolveOptions,
  config: Config,
): ResolvedImage {
  switch (argument.kind) {
    case 'reference':
      return resolveReference(argument.reference, within, config)
    case 'bareName':
      if (config.environments.size > 0) return resolveName(argument.text, within, config)
      return resolveReference(parseReference(argument.text), within, config)
    case 'image':
      environmentNamed(config, argument.environment)
      checkImage(argument.image, config)
      return imageIn([argument.environment], argument, config)
    case 'layout': {
      const { folder, tag, digest } = argument
      const path = cwd === undefined ? folder : resolvePath(cwd, folder)
      const text = `${layoutRegistry}${folder}${formatTagAndDigest(argument)}`
      return {
        kind: 'image',
        form: 'layout',
        text,
        shortText: text,
        isNamed: false,
        repositories: [{ registry: layoutRegistry, path }],
        ...tagAndDigest({ tag, digest }),
      }
    }
  }
}

/** A name without a registry, if `dray.yaml` defines environments. */
function resolveName(text: string, within: Within | undefined, config: Config): ResolvedImage {
  const named = parseImage(text, text)
  checkImage(named.image, config)
  if (within === undefined || within.environments.length === 0)
    throw missingEnvironment(text, within?.option, config)
  return imageIn(within.environments, named, config)
}

function imageIn(
  environments: readonly string[],
  { image, tag, digest }: { readonly image: string } & TagAndDigest,
  config: Config,
): ResolvedImage {
  const shortText = `${image}${formatTagAndDigest({ tag, digest })}`
  const [environment, ...others] = environments
  const [first, ...more] = environments.flatMap((name) => repositoriesOf(config, name, image))
  if (environment === undefined || first === undefined)
    throw new DrayError('internal', `${shortText} has no target`)
  return {
    kind: 'image',
    form: 'image',
    text: others.length > 0 ? shortText : `@${environment}/${shortText}`,
    shortText,
    image,
    isNamed: true,
    ...(others.length === 0 && { environment }),
    repositories: [first, ...more],
    ...tagAndDigest({ tag, digest }),
  }
}

/** The rules of an environment hold for its repositories, whichever name an argument gives them. */
function resolveReference(reference: Reference, within: Within | undefined, config: Config): ResolvedImage {
  const registry = new RegistryNames(config.registries).canonical(reference.registry)
  const { path, tag, digest } = reference
  const owners = mostSpecific(ownersOf(config, { registry, path }))
  const owner = owners.find(({ environment }) => within?.environments.includes(environment)) ?? owners[0]
  const text = formatReference({ ...reference, registry })
  return {
    kind: 'image',
    form: 'reference',
    text,
    shortText: text,
    isNamed: owner?.isNamed ?? false,
    ...(owner !== undefined && { environment: owner.environment, image: owner.image }),
    repositories: [{ registry, path }],
    ...tagAndDigest({ tag, digest }),
  }
}

function checkAccepted({ text, form, tag, digest }: ResolvedImage, { accepts }: ResolveOptions): void {
  if (form === 'layout' && !accepts.includes('layout')) throw layoutInsteadOfRepository(text)
  if (accepts.includes('image') || (tag === undefined && digest === undefined)) return
  const end = formatTagAndDigest({ tag, digest })
  if (!accepts.includes('tag')) throw imageInsteadOfRepository(text, text.slice(0, -end.length))
  if (digest !== undefined) throw digestInsteadOfTag(text)
}

/** A bare name is within the environments that it was resolved with. */
function checkWithin({ text, environment, isNamed }: ResolvedImage, { option, environments }: Within): void {
  if (option === undefined || environments.length === 0) return
  const isInside = environment !== undefined && environments.includes(environment)
  // A promotion takes images only from registries that are named as in dray.yaml.
  if (!isInside || (option === '--from' && !isNamed)) throw outsideEnvironment(text, environments, option)
}
