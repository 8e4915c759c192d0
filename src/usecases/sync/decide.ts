import type { DrayError } from '../../lib/errors.ts'
import { toErrorInfo } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatRepository } from '../../oci/reference.ts'
import type { DriftState, RepositoryDrift, TagDrift } from '../../plan/sync/drift.ts'
import { compareTag, type TagComparison } from './compare-tag.ts'
import type { ImageDestination, SyncDecision, SyncImage } from './decision.ts'
import { refuseMovesOfUsed } from './deletes/refuse-moves.ts'
import { extraTags } from './extra-tags.ts'
import { nextState } from './next-state.ts'
import type { DestinationSnapshot, SyncSnapshot } from './snapshot.ts'

export interface SyncDecideOptions {
  /** `--overwrite-changed`: tags that another client changed move too */
  readonly overwriteChanged: boolean
}

/**
 * Decides what a run does about one source repository: compares each selected tag with each
 * destination, and groups the tags to write by image. Pure.
 */
export function decide(snapshot: SyncSnapshot, options: SyncDecideOptions): SyncDecision {
  const compared = snapshot.destinations.map((destination) =>
    destination.kind === 'unread'
      ? { destination }
      : {
          destination,
          tags: refuseMovesOfUsed(compareTags(snapshot, destination, options), destination.target),
        },
  )
  const { request, selection, unread } = snapshot
  const name = formatRepository(request.source.repository)
  return {
    drift: compared.map(({ destination, tags = [] }) => driftOf(snapshot, destination, tags)),
    images: imagesOf(snapshot, compared),
    states: compared.map(({ destination, tags = [] }) =>
      destination.kind === 'unread' ? destination.target.state : nextState(snapshot, destination, tags),
    ),
    unread: [...unread].map(([tag, error]) => ({ name: `${request.path}:${tag}`, error })),
    warnings: selection.warnings.map((warning) => `${name}: ${warning}`),
  }
}

function compareTags(
  { request: { rule }, source }: SyncSnapshot,
  { target, digests, evidenceMissing, incomplete }: DestinationSnapshot,
  { overwriteChanged }: SyncDecideOptions,
): readonly TagComparison[] {
  return [...source].map(([tag, digest]) =>
    compareTag({
      tag,
      source: digest,
      destination: digests.get(tag) ?? null,
      isIncomplete: incomplete.has(digest),
      evidenceMissing: evidenceMissing.get(digest) ?? 0,
      rule,
      target,
      overwriteChanged,
    }),
  )
}

interface ComparedDestination {
  readonly destination: SyncSnapshot['destinations'][number]
  readonly tags?: readonly TagComparison[]
}

function driftOf(
  snapshot: SyncSnapshot,
  destination: SyncSnapshot['destinations'][number],
  compared: readonly TagComparison[],
): RepositoryDrift {
  const { request, selection } = snapshot
  const { environment, repository } = destination.target
  const tags = compared.flatMap((one): readonly TagDrift[] => {
    const { tag, state, source, destination: at, reason, written } = one
    if (state === 'upToDate') return []
    return [
      {
        tag,
        state,
        source,
        destination: at,
        ...(written !== undefined && { written }),
        ...(reason !== undefined && { reason }),
      },
    ]
  })
  return {
    rule: request.rule.name,
    from: request.source.repository,
    to: repository,
    ...(environment !== undefined && { environment }),
    selected: selection.tags.length,
    tags: destination.kind === 'unread' ? [] : [...tags, ...extraTags(snapshot, destination)],
    ...(destination.kind === 'unread' && { error: toErrorInfo(destination.error) }),
  }
}

/** The states of a tag whose image is copied, or gets attached artifacts. */
const statesToWrite: ReadonlySet<DriftState | 'upToDate'> = new Set(['missing', 'moved'])

function imagesOf(
  { request, source }: SyncSnapshot,
  compared: readonly ComparedDestination[],
): readonly SyncImage[] {
  const byRoot = Map.groupBy(source.keys(), (tag) => source.get(tag) as Digest)
  const ofRoots = compared.map(({ tags = [] }) => Map.groupBy(tags, (one) => one.source))
  return [...byRoot].flatMap(([root, tags]): readonly SyncImage[] => {
    const destinations = compared.flatMap(({ destination }, i) =>
      destinationOf(destination.target, ofRoots[i]?.get(root) ?? []),
    )
    if (destinations.length === 0) return []
    return [{ name: `${request.path}:${tags[0]}`, root, tags, destinations }]
  })
}

function destinationOf(
  target: ImageDestination['target'],
  compared: readonly TagComparison[],
): readonly ImageDestination[] {
  const tags = compared.flatMap(({ tag, state }) => (statesToWrite.has(state) ? [tag] : []))
  const refusals = compared.flatMap(({ refusal }): readonly DrayError[] =>
    refusal === undefined ? [] : [refusal],
  )
  const lacksEvidence = compared.some(({ state }) => state === 'evidenceMissing')
  const isIncomplete = compared.some(({ state }) => state === 'damaged')
  if (tags.length === 0 && refusals.length === 0 && !lacksEvidence && !isIncomplete) return []
  return [{ target, tags, refusals, ...(isIncomplete && { isIncomplete }) }]
}
