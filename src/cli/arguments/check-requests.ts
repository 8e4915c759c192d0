import type { Config } from '../../config/config.ts'
import { repositoriesOf } from '../../config/environments.ts'
import {
  namesOf,
  resolve,
  resolveEnvironmentOption,
  resolveImage,
  type ResolvedEnvironment,
  type ResolvedImage,
} from '../../config/resolver/resolve.ts'
import { DrayError } from '../../lib/errors.ts'
import { type RepositoryName, tagOrDigest } from '../../oci/reference.ts'
import type { ApplicableGate } from '../../gates/gate-request.ts'
import type { CheckRequest } from '../../usecases/check/request.ts'
import { resolveImageNames } from './named-images.ts'
import { imageNameOf, withinSources } from './promote-requests.ts'

/** The arguments and options of `check`. */
export interface CheckArguments {
  readonly references: readonly string[]
  readonly from?: string | undefined
  readonly to?: string | undefined
  /** the folder that relative paths of layouts start at */
  readonly cwd: string
}

type GatesOf = (repository: RepositoryName) => readonly ApplicableGate[]

/**
 * Resolves the arguments of `check`: images for the environment of `--to`, or environments and
 * images of environments, which stay in their place. @throws `usage`.
 */
export function checkRequests(
  { references, from, to, cwd }: CheckArguments,
  config: Config,
  gatesOf: GatesOf,
): readonly CheckRequest[] {
  if (references.length === 0) {
    throw new DrayError('usage', 'an image or an environment is missing', {
      hint: 'Pass images with --to (dray check api:1.4.2 --to prod), or an environment (dray check @prod).',
    })
  }
  if (to === undefined) return references.flatMap((text) => requestsInPlace(text, cwd, config, gatesOf))
  const destination = resolveEnvironmentOption(to, config)
  const images = resolveImagesFor(references, { destination, from, cwd }, config)
  const names = namesOf(images)
  return images.map((image, i) => ({
    image: names[i] ?? image.text,
    from: endOf(image, image.repositories[0]),
    at: tagOrDigest(image),
    targets: repositoriesOf(config, destination.environment, imageNameOf(image, destination)).map(
      (repository) => ({
        to: { environment: destination.environment, repository },
        gates: gatesOf(repository),
      }),
    ),
  }))
}

export interface ImagesForOptions {
  readonly destination: ResolvedEnvironment
  /** the value of `--from`; by default the only environment of `promoteFrom` */
  readonly from?: string | undefined
  readonly cwd: string
}

/** Resolves images that are to be written to an environment, each once. @throws `usage`. */
export function resolveImagesFor(
  references: readonly string[],
  { destination, from, cwd }: ImagesForOptions,
  config: Config,
): readonly ResolvedImage[] {
  const within = withinSources(destination.environment, from, config)
  const images = references.map((text) => resolveImage(text, { accepts: ['image'], within, cwd }, config))
  return [...new Map(images.map((image) => [image.text, image])).values()]
}

/** Requests for what is in an environment: all images of `@prod`, one image of `@prod/api`. */
function requestsInPlace(
  text: string,
  cwd: string,
  config: Config,
  gatesOf: GatesOf,
): readonly CheckRequest[] {
  const resolved = resolve(text, { accepts: ['image', 'environment'], cwd }, config)
  if (resolved.kind === 'environment') {
    const { environment } = resolved
    const within = { environments: [environment] }
    return resolveImageNames([], within, config).flatMap((image) =>
      repositoriesOf(config, environment, image).map((repository) =>
        inPlace({ image, environment, repository, at: undefined }, gatesOf),
      ),
    )
  }
  const { environment, image, shortText, tag, digest } = resolved
  const isWhole = tag === undefined && digest === undefined
  return resolved.repositories.map((repository) =>
    inPlace(
      {
        image: isWhole ? (image ?? shortText) : shortText,
        environment,
        repository,
        at: isWhole ? undefined : tagOrDigest(resolved),
        isNamed: true,
      },
      gatesOf,
    ),
  )
}

function inPlace(
  {
    image,
    environment,
    repository,
    ...more
  }: Pick<CheckRequest, 'image' | 'at' | 'isNamed'> & {
    readonly environment: string | undefined
    readonly repository: RepositoryName
  },
  gatesOf: GatesOf,
): CheckRequest {
  const end = { ...(environment !== undefined && { environment }), repository }
  return { image, from: end, ...more, targets: [{ to: end, gates: gatesOf(repository) }] }
}

function endOf({ isNamed, environment }: ResolvedImage, repository: RepositoryName): CheckRequest['from'] {
  return { ...(isNamed && environment !== undefined && { environment }), repository }
}
