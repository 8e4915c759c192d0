import type { SyncRule } from '../../src/config/sync/sync-rule.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { RepositoryName } from '../../src/oci/reference.ts'
import { plainReading } from '../../src/semver/version.ts'
import { decide, type SyncDecideOptions } from '../../src/usecases/sync/decide.ts'
import type { SyncDecision } from '../../src/usecases/sync/decision.ts'
import { gather, type SyncGatherOptions, type SyncPorts } from '../../src/usecases/sync/gather.ts'
import type { SyncRequest, SyncSnapshot, SyncTarget } from '../../src/usecases/sync/snapshot.ts'
import { type DestinationState, emptyState } from '../../src/usecases/sync/sync-state.ts'
import type { Bench } from './promotion.ts'

/** A rule that selects all tags and follows the source, with changes. */
export function syncRule(changes: Partial<SyncRule> = {}): SyncRule {
  return {
    name: 'hub',
    from: { kind: 'registry', registry: 'hub.example.com', prefix: '' },
    repositories: [],
    to: [],
    include: [],
    exclude: [],
    movedTags: 'follow',
    reading: {},
    timeFrom: ['pushed', 'annotation', 'config'],
    gates: [],
    optional: false,
    hash: 'sha256:rule',
    ...changes,
  }
}

export function globs(...tags: readonly string[]): SyncRule['exclude'][number] {
  return { kind: 'glob', globs: tags }
}

export interface Syncing {
  readonly from: RepositoryName
  readonly to: readonly RepositoryName[]
  readonly rule?: Partial<SyncRule>
  /** in the order of `to` */
  readonly states?: readonly DestinationState[]
  /** of every destination */
  readonly target?: Partial<SyncTarget>
  readonly options?: Partial<SyncGatherOptions & SyncDecideOptions>
  readonly ports?: Partial<SyncPorts>
}

export function syncRequest({ from, to, rule, states = [], target }: Syncing): SyncRequest {
  return {
    rule: syncRule(rule),
    source: { repository: from, reading: plainReading },
    path: from.path,
    destinations: to.map((repository, i) => ({
      repository,
      reading: plainReading,
      state: states[i] ?? emptyState,
      immutable: [],
      keepsVersionTags: false,
      ...target,
    })),
  }
}

/** What a run reads and decides about one source repository. */
export async function syncOf(
  run: Bench,
  syncing: Syncing,
): Promise<{ readonly snapshot: SyncSnapshot; readonly decision: SyncDecision }> {
  const { options, ports } = syncing
  const snapshot = await gather(
    syncRequest(syncing),
    { stores: run.stores, ...ports },
    { clock: systemClock, evidence: true, full: false, ...options },
    run.call,
  )
  return { snapshot, decision: decide(snapshot, { overwriteChanged: options?.overwriteChanged ?? false }) }
}

/** `latest: moved`, of the first destination. */
export function driftTexts({ drift }: SyncDecision, destination = 0): readonly string[] {
  return (drift[destination]?.tags ?? []).map(({ tag, state }) => `${tag}: ${state}`)
}
