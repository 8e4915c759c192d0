import type { Config } from '../../config/config.ts'
import { findImagesAt, repositoriesOf } from '../../config/environments.ts'
import type { GitOpsConfig } from '../../config/gitops/gitops.ts'
import { RegistryNames } from '../../config/registry-names.ts'
import { resolveImage, withinOption } from '../../config/resolver/resolve.ts'
import { outsideEveryEnvironment } from '../../config/resolver/resolve-errors.ts'
import { inParallel } from '../../images/parallel.ts'
import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatAt, formatRepository, type RepositoryName, tagOrDigest } from '../../oci/reference.ts'
import type { EditedImage } from '../../plan/edits/edit-step.ts'
import { gatherFiles } from '../../usecases/gitops/gather.ts'
import { namedImages } from '../../usecases/gitops/named-images.ts'
import { repositoryByOtherName } from '../../usecases/gitops/other-names.ts'
import type { StatusCell } from '../../usecases/views/status/status.ts'
import { resolveStatusRequest } from '../arguments/status-request.ts'
import { readDeployedImages } from '../deployed/read-deployed-images.ts'
import type { Context } from '../wiring/context.ts'
import { deploymentFilesIn } from './deployment-files.ts'

/** Images whose tags are read in parallel. */
const imagesAtOnce = 8

/** An image as the arguments name it. */
interface AskedImage {
  readonly image: string
  /** undefined: the deployed version */
  readonly at?: { readonly tag?: string; readonly digest?: Digest }
}

/**
 * Reads from the registries what an environment has of each image: the tag or digest of an
 * argument, and otherwise the deployed version as `dray status` finds it. All targets must have
 * the same image.
 * @param references without any, all images that the files name
 * @throws `usage`; `not-found` for an image that is not there; `conflict` if targets differ; what
 * the registries and files throw.
 */
export async function deployedImages(
  references: readonly string[],
  gitops: GitOpsConfig,
  context: Context,
  call: Call,
): Promise<readonly EditedImage[]> {
  const { config } = await context.config()
  const { environment } = gitops
  const named =
    references.length > 0
      ? references.map((text) => parseNamed(text, environment, config))
      : await allNamed(gitops, config, call)
  checkOnce(named)
  const targets = named.flatMap(({ image }) => repositoriesOf(config, environment, image))
  await context.expectRepositories([], targets, 'read')
  const cells = await readCells(
    named.flatMap(({ image, at }) => (at === undefined ? [image] : [])),
    environment,
    context,
    call,
  )
  return await inParallel(named, imagesAtOnce, call, async ({ image, at }, inner) => {
    const own = cells.get(image) ?? []
    const found =
      at === undefined
        ? await Promise.all(own.map((cell) => deployedAt(cell, context, inner)))
        : await Promise.all(
            repositoriesOf(config, environment, image).map((one) => readAt(one, at, context, inner)),
          )
    const only = onlyImage(image, environment, found)
    const { tag } = only
    const others = found.flatMap((one) => (one.tag === tag ? [] : [one.repository]))
    if (tag !== undefined) await confirmTag({ ...only, tag }, others, context, inner)
    return { ...only, image, environment }
  })
}

/**
 * Checks that a tag is the same image in other repositories: a file may name the tag alone.
 * @throws `conflict` for a repository with another image, or without the tag.
 */
export async function confirmTag(
  { tag, digest }: { readonly tag: string; readonly digest: Digest },
  repositories: readonly RepositoryName[],
  context: Context,
  call: Call,
): Promise<void> {
  const stores = repositories.length === 0 ? undefined : await context.stores()
  for (const repository of repositories) {
    const found = await stores?.source(repository).resolve({ tag }, call)
    if (found?.digest === digest) continue
    const reference = formatAt(repository, { tag })
    throw new DrayError('conflict', `the tag ${tag} is not the same image at all targets`, {
      subject: reference,
      why:
        found === undefined
          ? `${reference} does not exist`
          : `${reference} is ${found.digest}, and the image is ${digest}`,
      hint: 'Promote the version to all targets, and run the command again.',
    })
  }
}

function parseNamed(text: string, environment: string, config: Config): AskedImage {
  const { image, tag, digest } = resolveImage(
    text,
    { accepts: ['image'], within: withinOption('--env', environment) },
    config,
  )
  if (image === undefined) throw outsideEveryEnvironment(text)
  if (tag === undefined && digest === undefined) return { image }
  return { image, at: { ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) } }
}

/** @throws `not-found` if the files name no image. */
async function allNamed(gitops: GitOpsConfig, config: Config, call: Call): Promise<readonly AskedImage[]> {
  const { environment, folder, rules } = gitops
  const names = new RegistryNames(config.registries)
  const files = await gatherFiles({ config: gitops, images: [] }, deploymentFilesIn(folder), call)
  const images = namedImages(files, rules, (repository, as) => {
    const owner = findImagesAt(config, repository).find((one) => one.environment === environment)
    if (owner !== undefined) return owner.image
    const identity = names.identity(repository)
    return as.flatMap((other) => imageNamed(identity, other, config, names) ?? [])[0]
  })
  if (images.length > 0) return images.map((image) => ({ image }))
  throw new DrayError('not-found', `the deployment files of ${environment} name no image of it`, {
    why: `no file of environments.${environment}.gitops has a repository of ${environment}`,
    hint: `Correct environments.${environment}.gitops in dray.yaml: \`as\` has other names of the repositories.`,
  })
}

/** The image of dray.yaml that has this repository by another name (`as`). */
function imageNamed(identity: string, as: string, config: Config, names: RegistryNames): string | undefined {
  for (const [image, { name = image }] of config.images ?? []) {
    const other = repositoryByOtherName(as, name)
    if (names.identity(other) === identity) return image
  }
  return undefined
}

function checkOnce(named: readonly AskedImage[]): void {
  const images = named.map(({ image }) => image)
  const repeated = images.find((image, i) => images.indexOf(image) !== i)
  if (repeated !== undefined) throw new DrayError('usage', `${repeated} is given twice`)
}

/**
 * The deployed versions of images at the targets of an environment, as `dray status` shows them.
 */
async function readCells(
  images: readonly string[],
  environment: string,
  context: Context,
  call: Call,
): Promise<ReadonlyMap<string, readonly StatusCell[]>> {
  if (images.length === 0) return new Map()
  const { targets } = resolveStatusRequest(images, [environment], (await context.config()).config)
  const byImage = Map.groupBy(await readDeployedImages(context, targets, call), ({ target }) => target.image)
  return new Map([...byImage].map(([image, all]) => [image, all.map(({ cell }) => cell)]))
}

interface ImageAtTarget {
  readonly repository: RepositoryName
  readonly digest: Digest
  readonly tag?: string
}

async function deployedAt(cell: StatusCell, context: Context, call: Call): Promise<ImageAtTarget> {
  const { repository, digest, version, highest, currentTag, error, state } = cell
  if (error !== undefined) throw new DrayError(error.code, error.message, error)
  const tag = version ?? highest ?? undefined
  if (digest !== null) return { repository, digest, ...(tag !== undefined && { tag }) }
  if (tag !== undefined) return await readAt(repository, { tag }, context, call)
  throw new DrayError('not-found', `no version is deployed in ${formatRepository(repository)}`, {
    subject: formatRepository(repository),
    why:
      state === 'not-deployed'
        ? 'the repository has no image'
        : `it has no tag ${currentTag} and no version tag`,
    hint: 'Name the tag: dray gitops update --env ENV IMAGE:TAG. Or set currentTag in dray.yaml.',
  })
}

async function readAt(
  repository: RepositoryName,
  at: NonNullable<AskedImage['at']>,
  context: Context,
  call: Call,
): Promise<ImageAtTarget> {
  // A tag beside a digest is written too, so it is what the registry confirms.
  const asked = tagOrDigest(at.tag === undefined ? at : { tag: at.tag })
  const found = await (await context.stores()).source(repository).resolve(asked, call)
  const reference = formatAt(repository, asked)
  if (found === undefined)
    throw new DrayError('not-found', `${reference} does not exist`, {
      subject: reference,
      hint: 'Promote the image first, or correct the tag.',
    })
  if (at.digest !== undefined && at.digest !== found.digest)
    throw new DrayError('conflict', `${reference} is not ${at.digest}`, { subject: reference })
  return { repository, digest: found.digest, ...(at.tag !== undefined && { tag: at.tag }) }
}

/** @throws `conflict` if targets have different images. */
function onlyImage(image: string, environment: string, found: readonly ImageAtTarget[]): ImageAtTarget {
  const [first] = found
  if (first === undefined) throw new DrayError('internal', `${image} has no target`)
  if (found.every(({ digest }) => digest === first.digest)) {
    const tag = found.find((one) => one.tag !== undefined)?.tag
    return { ...first, ...(tag !== undefined && { tag }) }
  }
  throw new DrayError('conflict', `the targets of ${environment} have different images of ${image}`, {
    subject: image,
    details: found.map(({ repository, digest }) => formatAt(repository, { digest })),
    hint: `Promote one version to all targets of ${environment}, or name it: dray gitops update --env ${environment} ${image}:TAG`,
  })
}
