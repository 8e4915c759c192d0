import { DrayError } from '../../lib/errors.ts'
import { didYouMean } from '../../lib/nearest.ts'
import { formatRepository, type RepositoryName } from '../../oci/reference.ts'
import type { Config } from '../config.ts'

/** An option that selects the environment of a name. */
export type EnvironmentOption = '--from' | '--env'

export function environmentInsteadOfImage(environment: string): DrayError {
  return new DrayError('usage', `@${environment} is an environment, not an image`, {
    hint: `Name an image in it: @${environment}/NAME.`,
  })
}

export function layoutInsteadOfRepository(text: string): DrayError {
  return new DrayError('usage', `${text} is an image layout, and a repository of a registry is needed`, {
    hint: 'Name an image in a registry: @staging/api:1.4.2 or registry.example.com/team/api:1.4.2.',
  })
}

export function imageInsteadOfRepository(text: string, repository: string): DrayError {
  return new DrayError('usage', `${text} names one image, and a repository is needed`, {
    hint: `Omit the tag or digest: ${repository}. "dray inspect" shows one image, "dray history" where it was.`,
  })
}

export function digestInsteadOfTag(text: string): DrayError {
  return new DrayError('usage', `${text} is no destination: a digest cannot be chosen`, {
    hint: 'Name the tag that the image gets, or the repository alone.',
  })
}

export function unknownImage(image: string, config: Config): DrayError {
  const known = [...(config.images?.keys() ?? [])]
  const environment = config.environments.has(image) ? `To name the environment, write @${image}.` : undefined
  const hints = [environment ?? didYouMean(image, known), `The images are ${known.join(', ')}.`]
  return new DrayError('usage', `there is no image ${JSON.stringify(image)} in dray.yaml`, {
    hint: hints.filter(Boolean).join(' '),
  })
}

export function unknownEnvironment(name: string, environments: Iterable<string>): DrayError {
  const known = [...environments]
  const hint =
    known.length === 0
      ? 'No environments are configured: write them into dray.yaml, or use complete references.'
      : [didYouMean(name, known), `The environments are ${known.join(', ')}.`].filter(Boolean).join(' ')
  return new DrayError('usage', `there is no environment ${JSON.stringify(name)}`, {
    subject: `@${name}`,
    hint,
  })
}

/** For a bare name whose environment nothing selects. It never falls back to Docker Hub. */
export function missingEnvironment(
  text: string,
  option: EnvironmentOption | undefined,
  config: Pick<Config, 'environments'>,
): DrayError {
  const [first = 'ENV'] = config.environments.keys()
  const forms = config.environments.has(text)
    ? [`@${text} if you mean the environment`, `@${first}/${text} if you mean the image`]
    : [`@${first}/${text} for the image in ${first}`]
  const hub = `docker.io/${text.includes('/') ? '' : 'library/'}${text} for Docker Hub`
  const add = option === undefined ? '' : `Add ${option} ENV. `
  return new DrayError('usage', `${JSON.stringify(text)} does not say which environment the image is in`, {
    hint: `${add}Or write ${[...forms, hub].join(', ')}.`.replace(/^Or write/, 'Write'),
  })
}

/** For an argument outside of the environments that an option selects. */
export function outsideEnvironment(
  text: string,
  environments: readonly string[],
  option: EnvironmentOption,
): DrayError {
  return new DrayError('usage', `${text} is not in ${environments.join(' or ')}, which ${option} names`, {
    hint: `Omit ${option}, or name an image of that environment.`,
  })
}

export function outsideEveryEnvironment(text: string): DrayError {
  return new DrayError('usage', `${text} is in no environment of dray.yaml`, {
    hint: 'Name an image as it is called there, such as api or @staging/api.',
  })
}

export function severalRepositories(text: string, repositories: readonly RepositoryName[]): DrayError {
  return new DrayError('usage', `${text} is in several repositories`, {
    hint: `Name one: ${repositories.map(formatRepository).join(', ')}.`,
  })
}
