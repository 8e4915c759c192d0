import type { Config } from '../../config/config.ts'
import { findImagesAt } from '../../config/environments.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatRepository } from '../../oci/reference.ts'
import type { PromoteRequest, TagMaintenance } from '../../usecases/promote/request.ts'
import type { ImageDestination, SyncImage } from '../../usecases/sync/decision.ts'
import type { SyncSnapshot, SyncTarget } from '../../usecases/sync/snapshot.ts'
import { tagPolicyOf } from '../changes/tag-policy.ts'

export interface SyncRequestOptions {
  readonly config: Config
  /** `--attest`: overrides `attest` of the environment */
  readonly attest: boolean | undefined
  /** the name of an image in the plan: rules can have repositories of the same path */
  readonly nameOf: (image: string) => string
}

/**
 * Returns the promotions of a source repository. An image has one for each group of destinations
 * that get the same tags by the same rules.
 */
export function promoteRequestsOf(
  snapshot: SyncSnapshot,
  images: readonly SyncImage[],
  options: SyncRequestOptions,
): readonly PromoteRequest[] {
  const listedAt = new Map(
    snapshot.destinations.map((one) => [
      formatRepository(one.target.repository),
      one.kind === 'read' && one.tags !== undefined ? new Set(one.tags) : undefined,
    ]),
  )
  return images.flatMap((image) => {
    const ready = image.destinations.filter(({ refusals }) => refusals.length === 0)
    const groups = Map.groupBy(ready, ({ target, tags, isIncomplete }) =>
      JSON.stringify([target.environment ?? null, tags, target.reading, isIncomplete ?? false]),
    )
    return [...groups.values()].map((group) => requestOf(snapshot, image, group, { ...options, listedAt }))
  })
}

interface ListedDestinations {
  /** by the formatted name of the destination */
  readonly listedAt: ReadonlyMap<string, ReadonlySet<string> | undefined>
}

function requestOf(
  snapshot: SyncSnapshot,
  image: SyncImage,
  group: readonly ImageDestination[],
  { config, attest, nameOf, listedAt }: SyncRequestOptions & ListedDestinations,
): PromoteRequest {
  const { rule, source } = snapshot.request
  const [{ target, tags } = { target: undefined, tags: [] }] = group
  const environment = config.environments.get(target?.environment ?? '')
  const [sourceTag = ''] = tags.length > 0 ? tags : image.tags
  const maintenance = target === undefined ? undefined : tagMaintenanceAt(target, config)
  return {
    image: nameOf(image.name),
    from: {
      ...(source.environment !== undefined && { environment: source.environment }),
      repository: source.repository,
      at: { tag: sourceTag },
      reading: source.reading,
    },
    to: {
      ...(target?.environment !== undefined && { environment: target.environment }),
      ...(environment?.promoteFrom !== undefined && { accepts: environment.promoteFrom }),
      targets: group.map((one) => one.target.repository),
      ...((attest ?? environment?.attest) === true && { attest: true }),
      ...(environment?.tags?.immutable !== undefined && { immutable: environment.tags.immutable }),
      reading: target?.reading ?? source.reading,
      followsSource: true,
    },
    tags,
    ...(maintenance !== undefined && tags.length > 0 && { tagMaintenance: maintenance }),
    ...(rule.platforms !== undefined && { platforms: rule.platforms }),
    ...(group.some(({ isIncomplete }) => isIncomplete) && { mayBeSparse: true }),
    known: {
      readAt: snapshot.readAt,
      root: image.root,
      listed: snapshot.sourceTags,
      targets: new Map(
        group.map((one) => {
          const name = formatRepository(one.target.repository)
          return [name, { tags: knownTags(snapshot, image, one), listed: listedAt.get(name) }]
        }),
      ),
    },
  }
}

/** The floating tags of the environment follow its versions, also if the source has them. */
function tagMaintenanceAt(
  { environment, repository, reading }: SyncTarget,
  config: Config,
): TagMaintenance | undefined {
  if (config.environments.get(environment ?? '')?.tags?.semver === undefined) return undefined
  const image = findImagesAt(config, repository).find((one) => one.environment === environment)?.image
  const policy = { ...tagPolicyOf({ environment, image }, config, false), ...reading }
  return { policy, mayDerive: false, isForwardOnly: true }
}

/** The digests that the comparison read of the image's tags at a destination. */
function knownTags(
  { destinations }: SyncSnapshot,
  { tags: ofImage }: SyncImage,
  { target, tags }: ImageDestination,
): ReadonlyMap<string, Digest | null> {
  const name = formatRepository(target.repository)
  const read = destinations.find((one) => formatRepository(one.target.repository) === name)
  const digests = read?.kind === 'read' ? read.digests : new Map<string, Digest>()
  // An image without tags to write has the tags of the rule at the destination.
  const wanted = tags.length > 0 ? tags : ofImage
  return new Map(wanted.map((tag) => [tag, digests.get(tag) ?? null]))
}

/** The images that are in sync, for `--verify`: each at the destinations that have it. */
export function imagesInSync(snapshot: SyncSnapshot, images: readonly SyncImage[]): readonly SyncImage[] {
  const planned = new Map(
    images.map((image) => [
      image.root,
      new Set(image.destinations.map(({ target }) => formatRepository(target.repository))),
    ]),
  )
  const byRoot = Map.groupBy(snapshot.source, ([, digest]) => digest)
  return [...byRoot].flatMap(([root, entries]): readonly SyncImage[] => {
    const tags = entries.map(([tag]) => tag)
    const destinations = snapshot.destinations.flatMap((one): readonly ImageDestination[] => {
      if (one.kind !== 'read') return []
      const isPlanned = planned.get(root)?.has(formatRepository(one.target.repository)) === true
      const present = tags.filter((tag) => one.digests.get(tag) === root)
      return isPlanned || present.length === 0 ? [] : [{ target: one.target, tags: present, refusals: [] }]
    })
    const name = `${snapshot.request.path}:${tags[0]}`
    return destinations.length === 0 ? [] : [{ name, root, tags, destinations }]
  })
}
