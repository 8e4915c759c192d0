import { parseImageId } from '../../../deployments/clusters/image-id.ts'
import type { RunningImage } from '../../../deployments/clusters/running-images.ts'
import type { ErrorInfo } from '../../../lib/errors.ts'
import { isDigest } from '../../../oci/digest.ts'
import { formatAt, formatRepository } from '../../../oci/reference.ts'
import type { DesiredImage } from './desired-image.ts'
import type { ClusterFacts, ComparedFacts, DeclaredEntry, DeclaredFacts } from './facts.ts'
import { isOneOf } from './gather-compared.ts'
import type {
  DeclaredImage,
  DeclaredState,
  GitOpsDiff,
  GitOpsRow,
  GitOpsState,
  RunningContainer,
  RunningState,
} from './gitops-diff.ts'
import type { GitOpsOwner } from './desired-image.ts'
import type { ImageOwners } from './image-owners.ts'

const gravest: readonly GitOpsState[] = [
  'unmanaged',
  'declared-behind',
  'running-behind',
  'unknown',
  'in-sync',
  'unused',
]

export interface Compared {
  readonly environment: string
  readonly desired: readonly DesiredImage[]
  /** undefined: dray.yaml has no files for the environment */
  readonly declared: DeclaredFacts | undefined
  readonly clusters: readonly ClusterFacts[]
  readonly facts: ComparedFacts
}

/** Compares deployment files and clusters with the environment. Pure. */
export function compareGitOps(compared: Compared, owners: ImageOwners): GitOpsDiff {
  const { environment, declared, clusters, facts } = compared
  const desired = compared.desired.map((one) => {
    const error = one.error ?? errorOf(one, facts)
    return error === undefined ? one : { ...one, error }
  })
  const rows = new Map<string, { declared: DeclaredImage[]; running: RunningContainer[] }>()
  const rowOf = (owner: GitOpsOwner): { declared: DeclaredImage[]; running: RunningContainer[] } => {
    const name = owner.kind === 'image' ? owner.image : owner.repository
    const row = rows.get(name) ?? { declared: [], running: [] }
    rows.set(name, row)
    return row
  }
  for (const { image } of desired) rowOf({ kind: 'image', image, desired: [] })
  for (const entry of declared?.entries ?? []) rowOf(entry.owner).declared.push(compareEntry(entry, facts))
  for (const { context, images } of clusters) {
    for (const container of images) {
      const owner = owners.ofContainer(container) ?? mirrorOwner(container, owners, facts)
      if (owner !== undefined) rowOf(owner).running.push(compareContainer(context, container, owner, facts))
    }
  }
  // An image that is found nowhere may be in a file or cluster that dray could not read.
  const isUnread = (declared?.unread.length ?? 0) > 0 || clusters.some(({ error }) => error !== undefined)
  const otherwise = isUnread ? 'unknown' : 'unused'
  const byImage = Map.groupBy(desired, ({ image }) => image)
  const images = [...rows].map(([image, row]): GitOpsRow => {
    const own = byImage.get(image) ?? []
    return { image, state: stateOf(own, row.declared, row.running) ?? otherwise, desired: own, ...row }
  })
  const count = (state: GitOpsState): number => images.filter((one) => one.state === state).length
  return {
    environment,
    images,
    unread: declared?.unread ?? null,
    clusters: clusters.map(({ context, error }) => ({ context, ...(error !== undefined && { error }) })),
    summary: {
      unmanaged: count('unmanaged'),
      'declared-behind': count('declared-behind'),
      'running-behind': count('running-behind'),
      unknown: count('unknown'),
      'in-sync': count('in-sync'),
      unused: count('unused'),
    },
  }
}

/** Undefined if no file and no cluster has the image. */
function stateOf(
  desired: readonly DesiredImage[],
  declared: readonly DeclaredImage[],
  running: readonly RunningContainer[],
): GitOpsState | undefined {
  const states = new Set<GitOpsState>([...declared, ...running].map(({ state }) => state))
  if (desired.some(({ error }) => error !== undefined)) states.add('unknown')
  return gravest.find((state) => states.has(state))
}

/** The targets of an image that were read. */
interface Readable {
  readonly targets: readonly DesiredImage[]
  /** the state of every name of the image, without a comparison */
  readonly settled?: { readonly state: 'unmanaged' | 'unknown'; readonly why?: string }
}

function readableOf(owner: GitOpsOwner): Readable {
  if (owner.kind === 'unmanaged') return { targets: [], settled: { state: 'unmanaged' } }
  const targets = owner.desired.filter(({ digest }) => digest !== null)
  if (targets.length > 0) return { targets }
  const isUnread = owner.desired.some(({ error }) => error !== undefined)
  if (isUnread) return { targets, settled: { state: 'unknown', why: unread } }
  return { targets, settled: { state: 'unmanaged', why: 'it is not deployed in the environment' } }
}

const unread = 'the registry could not be read'

/** Why facts of a target are missing. */
function errorOf({ repository }: DesiredImage, { errors }: ComparedFacts): ErrorInfo | undefined {
  return errors.get(formatRepository(repository))
}

function compareEntry(entry: DeclaredEntry, facts: ComparedFacts): DeclaredImage {
  const { by, owner, tag, digest, unclear } = entry
  const { targets, settled } = readableOf(owner)
  const own = digest !== undefined && isDigest(digest) ? digest : null
  const result = (
    state: DeclaredState,
    why?: string,
    found: DeclaredImage['digest'] = own,
  ): DeclaredImage => ({
    by,
    tag: tag ?? null,
    digest: found,
    isPinned: digest !== undefined,
    state,
    ...(why !== undefined && { why }),
  })
  if (settled !== undefined) return result(settled.state, settled.why)
  if (unclear !== undefined) return result('unknown', unclear)
  if (digest !== undefined)
    return result(targets.some((one) => one.digest === digest) ? 'in-sync' : 'declared-behind')
  const resolved = targets.map((one) => ({
    wanted: one.digest,
    found: facts.tags.get(formatAt(one.repository, { tag: tag ?? '' })) ?? null,
  }))
  const same = resolved.find(({ wanted, found }) => found !== null && found === wanted)
  if (same !== undefined) return result('in-sync', undefined, same.found)
  if (targets.some((one) => errorOf(one, facts) !== undefined)) return result('unknown', unread)
  return result('declared-behind', undefined, resolved.find(({ found }) => found !== null)?.found ?? null)
}

function compareContainer(
  context: string,
  { imageId, ...container }: RunningImage,
  owner: GitOpsOwner,
  facts: ComparedFacts,
): RunningContainer {
  const id = parseImageId(imageId)
  const { targets, settled } = readableOf(owner)
  const result = (state: RunningState, why?: string): RunningContainer => ({
    context,
    ...container,
    digest: id?.digest ?? null,
    state,
    ...(why !== undefined && { why }),
  })
  if (settled !== undefined) return result(settled.state, settled.why)
  if (id === undefined) return result('unknown', 'no node reports the image yet')
  const isSame = targets.some(
    (one) => isOneOf(id.digest, one) || (id.name === undefined && hasConfig(one, id.digest, facts)),
  )
  if (isSame) return result('in-sync')
  const mayHaveConfig = id.name === undefined && targets.some((one) => errorOf(one, facts) !== undefined)
  return mayHaveConfig ? result('unknown', unread) : result('running-behind')
}

function hasConfig(
  { repository, digest }: DesiredImage,
  config: string,
  { configs }: ComparedFacts,
): boolean {
  const own = digest === null ? undefined : configs.get(formatAt(repository, { digest }))
  return own?.some((one) => one === config) === true
}

/** The image of a container under another name, if a target has its digest. */
function mirrorOwner(
  container: RunningImage,
  owners: ImageOwners,
  { known }: ComparedFacts,
): GitOpsOwner | undefined {
  const digest = parseImageId(container.imageId)?.digest
  if (digest === undefined) return undefined
  const target = owners
    .likeContainer(container)
    .find(({ repository }) => known.has(formatAt(repository, { digest })))
  return target === undefined ? undefined : owners.ofImage(target.image)
}
