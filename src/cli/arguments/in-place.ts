import { type Address, formatAddress } from '../../config/addresses.ts'
import type { Config, Environment } from '../../config/config.ts'
import { environmentNamed, imagesAt, repositoriesOf } from '../../config/environments.ts'
import { DrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import { addressNamed } from './address-word.ts'
import { isBareName } from '../terminal/ask-images.ts'
import { environmentWord } from './environment-word.ts'
import { layoutRepository } from './route.ts'

/** An image where it is: in all targets of its environment, or in one repository. */
export interface ImageInPlace {
  readonly address: Address
  readonly environment?: string
  /** what the environment says, also of a repository that was named by itself: its rules cannot be walked around */
  readonly rules: Environment | undefined
  readonly targets: readonly [RepositoryName, ...RepositoryName[]]
  readonly tag?: string
  readonly digest?: Digest
}

export interface Whereabouts {
  /** an environment's name, with or without `@`: it may be left out of the words then */
  readonly env: string | undefined
  /** where relative folders of layouts begin */
  readonly cwd: string
}

/** The image that a word names. @throws `usage`. */
export function imageInPlace(word: string, { env, cwd }: Whereabouts, config: Config): ImageInPlace {
  const environment = env === undefined ? undefined : environmentWord(env)
  if (environment !== undefined) environmentNamed(config, environment)
  const address = addressNamed(word, config, environment)
  if (address.kind === 'reference' && isBareName(word)) throw nowhere(word, config)
  const found = placeOf(address, cwd, config)
  if (environment === undefined || found.environment === environment) return found
  throw new DrayError('usage', `${formatAddress(address)} is not in ${environment}, which --env names`, {
    hint: 'Leave --env away, or name an image of that environment.',
  })
}

function nowhere(word: string, config: Config): DrayError {
  const [environment = 'ENV'] = config.environments.keys()
  return new DrayError('usage', `${JSON.stringify(word)} says nothing of where the image is`, {
    hint: `Say --env ${environment}, or the whole address: @${environment}/${word}, registry.example.com/team/${word}.`,
  })
}

function placeOf(address: Address, cwd: string, config: Config): ImageInPlace {
  switch (address.kind) {
    case 'environment':
      throw new DrayError('usage', `${formatAddress(address)} is an environment, not an image`, {
        hint: `Name an image in it: ${formatAddress(address)}/NAME.`,
      })
    case 'image': {
      const { environment, image, tag, digest } = address
      const [first, ...more] = repositoriesOf(config, environment, image)
      if (first === undefined) throw new DrayError('internal', `${environment} has no target`)
      const rules = config.environments.get(environment)
      return { address, environment, rules, targets: [first, ...more], ...at(tag, digest) }
    }
    case 'reference': {
      const { registry, path, tag, digest } = address.reference
      const [place] = imagesAt(config, { registry, path })
      return {
        address,
        ...(place !== undefined && { environment: place.environment }),
        rules: place === undefined ? undefined : config.environments.get(place.environment),
        targets: [{ registry, path }],
        ...at(tag, digest),
      }
    }
    case 'layout':
      return {
        address,
        rules: undefined,
        targets: [layoutRepository(address.folder, cwd)],
        ...at(address.tag, address.digest),
      }
  }
}

function at(tag: string | undefined, digest: Digest | undefined): Pick<ImageInPlace, 'tag' | 'digest'> {
  return { ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) }
}
