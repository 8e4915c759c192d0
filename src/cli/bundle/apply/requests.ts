import type { Config } from '../../../config/config.ts'
import { environmentAt, findImagesAt } from '../../../config/environments.ts'
import { parsePlatformName } from '../../../oci/platform.ts'
import { bundleRegistry, formatRepository, originOf, type RepositoryName } from '../../../oci/reference.ts'
import type { BundleDocument, BundleRoot } from '../../../plan/bundle/bundle-document.ts'
import type { PromoteRequest } from '../../../usecases/promote/request.ts'
import { type ImageOwner, readingOfImage, tagPolicyOf } from '../../changes/tag-policy.ts'
import type { BundleDestination } from './destination.ts'

export interface RequestOptions {
  readonly destination: BundleDestination
  readonly config: Config
  /** the signature of the bundle is verified: its sources can be trusted */
  readonly isVerified: boolean
  /** `--attest` and `--no-attest`; undefined: as the environment says */
  readonly attest: boolean | undefined
  /** floating tags can move to a lower version */
  readonly allowBackward: boolean
}

/** The request for one image of a bundle, and the root that it is about. */
export interface BundleRequest {
  readonly request: PromoteRequest
  readonly root: BundleRoot
}

/** Returns a request for each image of a bundle. Attached artifacts come with their images. */
export function bundleRequests({ roots }: BundleDocument, options: RequestOptions): readonly BundleRequest[] {
  return roots
    .filter(({ attached }) => attached === undefined)
    .map((root) => ({ root, request: requestOf(root, options) }))
}

function requestOf(root: BundleRoot, options: RequestOptions): PromoteRequest {
  const { destination, config, isVerified } = options
  const targets = destination.repositoriesAt(root.repository)
  const from = { registry: bundleRegistry, path: root.source }
  const [first] = targets
  const owner = first === undefined ? {} : ownerOf(first, options)
  const source = isVerified ? environmentAt(config, originOf(from), undefined, true) : undefined
  const [tag] = root.tags
  return {
    image: tag === undefined ? `${root.repository}@${root.root.digest}` : `${root.repository}:${tag}`,
    from: {
      ...(source !== undefined && { environment: source }),
      repository: from,
      at: { digest: root.root.digest },
      reading: readingOfImage(owner, config),
    },
    to: {
      ...rulesOf(owner, options),
      targets,
      reading: readingOfImage(owner, config),
      // As in a sync, an environment with rules for tags keeps its version tags.
      ...(root.movedTags === 'follow' &&
        config.environments.get(owner.environment ?? '')?.tags === undefined && { followsSource: true }),
    },
    tags: root.tags,
    ...maintenanceOf(owner, root, options),
    ...(root.platforms !== undefined && { platforms: root.platforms.map(parsePlatformName) }),
  }
}

/** The environment of a repository, and the name of its image there. */
function ownerOf(repository: RepositoryName, { destination, config }: RequestOptions): ImageOwner {
  const environment = destination.environmentOf(repository)
  if (environment === undefined) return {}
  const found = findImagesAt(config, repository).find((one) => one.environment === environment)
  return { environment, ...(found !== undefined && { image: found.image }) }
}

function rulesOf(
  { environment }: ImageOwner,
  { config, attest: given }: RequestOptions,
): Omit<PromoteRequest['to'], 'targets' | 'reading'> {
  if (environment === undefined) return given === true ? { attest: true } : {}
  const { promoteFrom, tags, attest = false } = config.environments.get(environment) ?? {}
  return {
    environment,
    ...(promoteFrom !== undefined && { accepts: promoteFrom }),
    ...(tags?.immutable !== undefined && { immutable: tags.immutable }),
    ...((given ?? attest) && { attest: true }),
  }
}

/** The floating tags of the environment move by its rules, also those that the bundle names. */
function maintenanceOf(
  owner: ImageOwner,
  { tags }: BundleRoot,
  { config, allowBackward }: RequestOptions,
): Pick<PromoteRequest, 'tagMaintenance'> {
  const semver = config.environments.get(owner.environment ?? '')?.tags?.semver
  if (semver === undefined || tags.length === 0) return {}
  const policy = tagPolicyOf(owner, config, allowBackward)
  return { tagMaintenance: { policy, mayDerive: false, isForwardOnly: true } }
}

/** By repository at the destination: the digest that the last bundle put under each tag. */
export function tagsWritten(
  roots: readonly BundleRoot[],
  destination: BundleDestination,
): ReadonlyMap<string, ReadonlyMap<string, BundleRoot['root']['digest']>> {
  const byPath = Map.groupBy(roots, ({ repository }) => repository)
  return new Map(
    [...byPath].flatMap(([path, own]) => {
      const tags = new Map(own.flatMap(({ root, tags: on }) => on.map((tag) => [tag, root.digest] as const)))
      return destination.repositoriesAt(path).map((name) => [formatRepository(name), tags] as const)
    }),
  )
}
