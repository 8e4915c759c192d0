import { type Address, formatAddress } from '../../config/addresses.ts'
import type { Config } from '../../config/config.ts'
import { environmentNamed, imagesAt, repositoriesOf } from '../../config/environments.ts'
import { DrayError } from '../../lib/errors.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import type { KeepUp, PromoteRequest as Request } from '../../usecases/promote/request.ts'
import { layoutRepository, type Route, type Rules } from './route.ts'
import { tagPolicyOf } from '../changes/tag-policy.ts'

function byDigest(destination: Address): DrayError {
  return new DrayError(
    'usage',
    `${formatAddress(destination)} is no destination: a digest cannot be chosen`,
    {
      hint: 'Name the tag that the image gets, or the repository alone.',
    },
  )
}

interface Destination {
  readonly to: Request['to']
  readonly tag: string | undefined
}

/** Where an image goes, with what its environment says of it. @throws `usage`. */
export function destinationOf(
  destination: Address,
  image: string | undefined,
  route: Route,
  rules: Rules,
  config: Config,
): Destination {
  switch (destination.kind) {
    case 'environment': {
      if (image === undefined) {
        throw new DrayError('usage', `${formatAddress(destination)} needs the name of an image`, {
          hint: `Name it: @${destination.environment}/NAME:TAG.`,
        })
      }
      return { to: inEnvironment(destination.environment, image, rules, config), tag: undefined }
    }
    case 'image':
      return {
        to: inEnvironment(destination.environment, destination.image, rules, config),
        tag: destination.tag,
      }
    case 'reference': {
      const { registry, path, tag, digest } = destination.reference
      if (digest !== undefined) throw byDigest(destination)
      return { to: atRepository({ registry, path }, rules, config), tag }
    }
    case 'layout':
      return { to: { targets: [layoutRepository(destination.folder, route.cwd)] }, tag: destination.tag }
  }
}

/** A repository named by itself is still the environment's that it belongs to: its rules cannot be walked around. */
function atRepository(repository: RepositoryName, rules: Rules, config: Config): Request['to'] {
  const [place] = imagesAt(config, repository)
  if (place === undefined) return { targets: [repository] }
  const { environment, ...to } = inEnvironment(place.environment, place.image, rules, config)
  return { ...(rules === 'promotion' && { environment }), ...to, targets: [repository] }
}

function inEnvironment(
  environment: string,
  image: string,
  rules: Rules,
  config: Config,
): Request['to'] & { readonly environment: string } {
  const { promoteFrom, tags } = environmentNamed(config, environment)
  return {
    environment,
    ...(tags?.immutable !== undefined && { immutable: tags.immutable }),
    ...(tags?.buildMetadata !== undefined && { buildMetadata: tags.buildMetadata }),
    ...(rules === 'promotion' && promoteFrom !== undefined && { accepts: promoteFrom }),
    targets: repositoriesOf(config, environment, image),
  }
}

/** An environment keeps up the tags of versions that are promoted to it, where it says so. */
export function keepUpIn(
  { environment }: Request['to'],
  mayDerive: boolean,
  route: Route,
  rules: Rules,
  config: Config,
): KeepUp | undefined {
  if (rules === 'copy' || environment === undefined) return undefined
  const tags = config.environments.get(environment)?.tags
  if (tags?.semver === undefined) return undefined
  return { policy: tagPolicyOf(tags, route.allowBackward ?? false), mayDerive }
}

/** An environment attests what is promoted to it; a copy is attested only where that is asked for. */
export function isAttested(
  { environment }: Request['to'],
  route: Route,
  rules: Rules,
  config: Config,
): boolean {
  if (route.attest !== undefined) return route.attest
  if (rules === 'copy' || environment === undefined) return false
  return config.environments.get(environment)?.attest ?? false
}
