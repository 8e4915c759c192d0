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
  const hints = [
    environmentAsImage(image, config) ?? didYouMean(image, known),
    listSome('images', known),
    'To use another image, add it to "images:".',
  ]
  return new DrayError('usage', `there is no image ${JSON.stringify(image)} in dray.yaml`, {
    hint: hints.filter(Boolean).join(' '),
  })
}

/** For the name or the path of an environment in place of an image: `staging`, `staging/api`. */
function environmentAsImage(text: string, { environments, images }: Config): string | undefined {
  if (environments.has(text)) return `To name the environment, write @${text}.`
  const slash = text.indexOf('/')
  const image = text.slice(slash + 1)
  if (!environments.has(text.slice(0, Math.max(slash, 0))) || images?.has(image) !== true) return undefined
  return `Did you mean "@${text}"?`
}

export function unknownEnvironment(name: string, environments: Iterable<string>): DrayError {
  const known = [...environments]
  if (known.length === 0) {
    return new DrayError('usage', `the environment ${JSON.stringify(name)} is not configured`, {
      why: 'there is no dray.yaml in this folder or above it, or it has no environments',
      hint: 'Write a dray.yaml with "dray config init", or use complete references.',
    })
  }
  return new DrayError('usage', `there is no environment ${JSON.stringify(name)}`, {
    hint: [didYouMean(name, known), listSome('environments', known)].filter(Boolean).join(' '),
  })
}

/** Lists a few names: `The images are api, web and 12 more.` */
function listSome(noun: string, names: readonly string[]): string {
  const shown = names.slice(0, namesShown).join(', ')
  const more = names.length - namesShown
  return more > 0 ? `The ${noun} are ${shown} and ${more} more.` : `The ${noun} are ${shown}.`
}

/** Joins alternatives: `a`, `a or b`, `a, b or c`. */
function listAlternatives(names: readonly string[]): string {
  const [last = '', ...others] = names.toReversed()
  return others.length === 0 ? last : `${others.toReversed().join(', ')} or ${last}`
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
  const choices = `${own}${listAlternatives([...images, ...more])} for the image, or ${hub}.`
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
