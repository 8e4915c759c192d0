import type { Config } from '../../config/config.ts'
import { repositoriesOf } from '../../config/environments.ts'
import { everyEnvironment, resolve, resolveImage, withinOption } from '../../config/resolver/resolve.ts'
import { endOfDay } from '../../lib/day.ts'
import { DrayError } from '../../lib/errors.ts'
import { formatRepository, tagOrDigest } from '../../oci/reference.ts'
import type { ListedRepository } from '../../usecases/hold/list.ts'
import type { HoldRequest } from '../../usecases/hold/request.ts'
import { resolveImageNames } from '../arguments/named-images.ts'

/** Resolves the arguments of `hold`, each image once. @throws `usage`. */
export function holdRequests(
  references: readonly string[],
  env: string | undefined,
  config: Config,
): readonly HoldRequest[] {
  if (references.length === 0) {
    throw new DrayError('usage', 'an image is missing', {
      hint: 'Name the images: dray hold @prod/api:1.4.2 --reason TEXT. To list holds, run: dray hold --list.',
    })
  }
  const images = references.map((text) =>
    resolveImage(text, { accepts: ['image'], within: withinOption('--env', env) }, config),
  )
  return [...new Map(images.map((image) => [image.text, image])).values()].map((image): HoldRequest => {
    const { environment, shortText, repositories } = image
    return {
      image: shortText,
      ...(environment !== undefined && { environment }),
      targets: repositories,
      at: tagOrDigest(image),
    }
  })
}

/**
 * Resolves the arguments of `hold --list`: environments, images and repositories; by default all
 * images of `dray.yaml`. @throws `usage`.
 */
export function listedRepositories(
  references: readonly string[],
  env: string | undefined,
  config: Config,
): readonly ListedRepository[] {
  const within = env === undefined ? everyEnvironment(config) : withinOption('--env', env)
  const names = references.length > 0 ? references : within.environments.map((one) => `@${one}`)
  if (names.length === 0) {
    throw new DrayError('usage', 'an environment or repository is missing', {
      hint: 'Name it: dray hold --list registry.example.com/prod/api.',
    })
  }
  const listed = names.flatMap((text): readonly ListedRepository[] => {
    const resolved = resolve(text, { accepts: ['repository', 'environment'], within }, config)
    if (resolved.kind === 'environment') return inEnvironment(resolved.environment, config)
    const { environment, shortText: image, repositories } = resolved
    const base = { image, ...(environment !== undefined && { environment }) }
    return repositories.map((repository) => ({ ...base, repository }))
  })
  return [...new Map(listed.map((one) => [formatRepository(one.repository), one])).values()]
}

function inEnvironment(environment: string, config: Config): readonly ListedRepository[] {
  return resolveImageNames([], { environments: [environment] }, config).flatMap((image) =>
    repositoriesOf(config, environment, image).map((repository) => ({ image, environment, repository })),
  )
}

/** Checks the value of `--expires`, the last day of a hold. @throws `usage`, also for the past. */
export function checkExpiry(expires: string, now: number): string {
  const end = endOfDay(expires)
  if (end !== undefined && end > now) return expires
  throw new DrayError('usage', `${JSON.stringify(expires)} is no value of --expires`, {
    why: end === undefined ? 'it is no date' : 'it is in the past',
    hint: 'Pass the last day of the hold: --expires 2027-01-31.',
  })
}
