import { DrayError } from '../../lib/errors.ts'
import { didYouMean } from '../../lib/nearest.ts'
import { formatRepository, type RepositoryName } from '../../oci/reference.ts'
import type { Config } from '../config.ts'

/** Names that an error lists. */
const namesShown = 8

/** An option that selects the environment of a name. */
export type EnvironmentOption = '--from' | '--env'

export function environmentInsteadOfImage(environment: string): DrayError {
  return new DrayError('usage', `@${environment} is an environment, not an image`, {
    hint: `Name an image: @${environment}/NAME.`,
  })
}

export function layoutInsteadOfRepository(text: string): DrayError {
  return new DrayError(
    'usage',
    `${text} is an image layout, but the command requires a repository of a registry`,
    {
      hint: 'Write @staging/api:1.4.2 or registry.example.com/team/api:1.4.2.',
    },
  )
}

export function imageInsteadOfRepository(text: string, repository: string): DrayError {
  return new DrayError('usage', `${text} names one image, but the command requires a repository`, {
    hint: `Write ${repository}. To show one image, run "dray inspect ${text}".`,
  })
}

export function digestInsteadOfTag(text: string): DrayError {
  return new DrayError('usage', `${text} cannot be a destination: the content decides the digest`, {
    hint: 'Write a tag or only the repository.',
  })
}

export function unknownImage(image: string, config: Config): DrayError {
  const known = [...(config.images?.keys() ?? [])]
  const environment = config.environments.has(image) ? `To name the environment, write @${image}.` : undefined
  const hints = [environment ?? didYouMean(image, known), listSome('images', known)]
  return new DrayError('usage', `there is no image ${JSON.stringify(image)} in dray.yaml`, {
    hint: hints.filter(Boolean).join(' '),
  })
}

export function unknownEnvironment(name: string, environments: Iterable<string>): DrayError {
  const known = [...environments]
  const hint =
    known.length === 0
      ? 'Write a dray.yaml with "dray config init", or use complete references.'
      : [didYouMean(name, known), listSome('environments', known)].filter(Boolean).join(' ')
  return new DrayError('usage', `there is no environment ${JSON.stringify(name)}`, {
    subject: `@${name}`,
    hint,
  })
}

/** Lists a few names: `The images are api, web and 12 more.` */
function listSome(noun: string, names: readonly string[]): string {
  const shown = names.slice(0, namesShown).join(', ')
  const more = names.length - namesShown
  return more > 0 ? `The ${noun} are ${shown} and ${more} more.` : `The ${noun} are ${shown}.`
}

/** For a bare name whose environment nothing selects. It never falls back to Docker Hub. */
export function missingEnvironment(
  text: string,
  option: EnvironmentOption | undefined,
  config: Pick<Config, 'environments'>,
): DrayError {
  const known = [...config.environments.keys()]
  const images = known.slice(0, namesShown).map((name) => `@${name}/${text}`)
  const more = known.length > namesShown ? ['…'] : []
  const own = config.environments.has(text) ? `@${text} for the environment, ` : ''
  const hub = `docker.io/${text.includes('/') ? '' : 'library/'}${text} for Docker Hub`
  const choices = `${own}${[...images, ...more].join(', ')} for the image, or ${hub}.`
  return new DrayError('usage', `the environment of ${JSON.stringify(text)} is missing`, {
    hint: option === undefined ? `Write ${choices}` : `Add ${option} ENV, or write ${choices}`,
  })
}

/** For an argument outside of the environments that an option selects. */
export function outsideEnvironment(
  text: string,
  environments: readonly string[],
  option: EnvironmentOption,
): DrayError {
  return new DrayError(
    'usage',
    `${text} is not in ${environments.join(' or ')}, the environment of ${option}`,
    {
      hint: `Omit ${option}, or name an image of that environment.`,
    },
  )
}

export function outsideEveryEnvironment(text: string): DrayError {
  return new DrayError('usage', `${text} is in no environment of dray.yaml`, {
    hint: 'Write the name of an image of dray.yaml: api or @staging/api.',
  })
}

export function severalRepositories(text: string, repositories: readonly RepositoryName[]): DrayError {
  return new DrayError('usage', `${text} is in several repositories`, {
    hint: `Write one of them: ${repositories.map(formatRepository).join(', ')}.`,
  })
}
