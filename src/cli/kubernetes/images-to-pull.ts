import type { Config } from '../../config/config.ts'
import { resolveImage, type ResolvedImage, type Within, withinOption } from '../../config/resolver/resolve.ts'
import { inParallel } from '../../images/parallel.ts'
import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatAt, formatRepository, type RepositoryName, tagOrDigest } from '../../oci/reference.ts'
import type { PulledImage } from '../../usecases/kubernetes/prepull.ts'
import { resolveImageNames } from '../arguments/named-images.ts'
import { listTargets } from '../arguments/status-request.ts'
import type { Context } from '../wiring/context.ts'
import { type DeployedImage, readDeployedImages } from '../deployed/read-deployed-images.ts'

/** Tags that are resolved in parallel. */
const atOnce = 16

export interface PrepullRequest {
  /** images of `dray.yaml` or references, with or without a tag or digest */
  readonly images: readonly string[]
  readonly environment: string | undefined
  /** the only registry to pull from; undefined: that of the images */
  readonly registry: string | undefined
}

interface ImagesToPull {
  readonly images: readonly PulledImage[]
  /** whole sentences */
  readonly warnings: readonly string[]
}

/**
 * Returns the images of a request by their digests at the registry. An image of an environment
 * without a tag is the one that is deployed there.
 * @throws `usage`; `not-found` for an image that is not deployed or a tag that does not exist; what
 * the registries throw.
 */
export async function findImagesToPull(
  context: Context,
  request: PrepullRequest,
  call: Call,
): Promise<ImagesToPull> {
  const { config } = await context.config()
  const within = withinOption('--env', request.environment)
  const named = request.images.map((text) => resolveImage(text, { accepts: ['image'], within }, config))
  const all = named.length > 0 ? named : allImages(within, config)
  const chosen = all.map((image) => ({ image, repositories: repositoriesIn(image, request.registry) }))
  const [tagged, bare] = [
    chosen.filter(({ image }) => !isBare(image)),
    chosen.filter(({ image }) => isBare(image)),
  ]
  const [resolved, deployed] = await Promise.all([
    resolveTags(context, tagged, call),
    readDeployedImages(
      context,
      bare.flatMap((one) => targetsOf(one, config)),
      call,
    ),
  ])
  const warnings: string[] = []
  const running = deployed.flatMap(({ target, cell }): readonly PulledImage[] => {
    if (cell.error !== undefined) throw new DrayError(cell.error.code, cell.error.message, cell.error)
    if (cell.digest !== null) return [{ ...target.repository, digest: cell.digest }]
    if (named.length > 0) throw notDeployed(target)
    warnings.push(`${target.image} is not deployed at ${formatRepository(target.repository)}.`)
    return []
  })
  const images = [...resolved, ...running]
  if (images.length > 0) return { images, warnings }
  throw new DrayError('not-found', `no image is deployed in ${request.environment ?? ''}`, {
    hint: 'Show what is deployed: dray status',
  })
}

interface ChosenImage {
  readonly image: ResolvedImage
  readonly repositories: readonly RepositoryName[]
}

function allImages(within: Within, config: Config): readonly ResolvedImage[] {
  if (within.environments.length === 0)
    throw new DrayError('usage', 'an environment or an image is required', {
      hint: 'Pass --env ENV for all images of an environment, or name an image.',
    })
  return resolveImageNames([], within, config).map((name) =>
    resolveImage(name, { accepts: ['image'], within }, config),
  )
}

/** Whether the image is the one that is deployed in its environment. */
function isBare({ tag, digest, image, environment }: ResolvedImage): boolean {
  return tag === undefined && digest === undefined && image !== undefined && environment !== undefined
}

/** Nodes pull from one registry, so a choice between several is the user's. */
function repositoriesIn(
  { text, repositories }: ResolvedImage,
  registry: string | undefined,
): readonly RepositoryName[] {
  const registries = [...new Set(repositories.map((one) => one.registry))]
  if (registry === undefined && registries.length > 1)
    throw new DrayError('usage', `${text} is in several registries`, {
      hint: `Pass the one that the nodes pull from: --registry ${registries.join(' or --registry ')}`,
    })
  const chosen = repositories.filter((one) => registry === undefined || one.registry === registry)
  if (chosen.length > 0) return chosen
  throw new DrayError('usage', `${text} is not in ${registry ?? ''}`, {
    hint: `Pass one of its registries: --registry ${registries.join(' or --registry ')}`,
  })
}

function targetsOf({ image, repositories }: ChosenImage, config: Config): readonly DeployedImage['target'][] {
  if (image.image === undefined || image.environment === undefined) return []
  const wanted = new Set(repositories.map((one) => formatRepository(one)))
  return listTargets(image.image, image.environment, config).filter(({ repository }) =>
    wanted.has(formatRepository(repository)),
  )
}

async function resolveTags(
  context: Context,
  chosen: readonly ChosenImage[],
  call: Call,
): Promise<readonly PulledImage[]> {
  const stores = await context.stores()
  const all = chosen.flatMap(({ image, repositories }) =>
    repositories.map((repository) => ({ repository, at: tagOrDigest(image) })),
  )
  await context.expectRepositories(
    [],
    all.map(({ repository }) => repository),
    'read',
  )
  return await inParallel(all, atOnce, call, async ({ repository, at }, c) => {
    const found = await stores.source(repository).resolve(at, c)
    if (found === undefined) throw doesNotExist(formatAt(repository, at))
    return { ...repository, digest: found.digest satisfies Digest }
  })
}

function doesNotExist(text: string): DrayError {
  return new DrayError('not-found', `${text} does not exist`, {
    subject: text,
    hint: `Show the tags: dray ls ${text.replace(/[:@][^:@/]*$/, '')}`,
  })
}

function notDeployed({ image, environment, repository }: DeployedImage['target']): DrayError {
  return new DrayError('not-found', `${image} is not deployed in ${environment}`, {
    subject: formatRepository(repository),
    hint: `Name a tag: ${image}:TAG`,
  })
}
