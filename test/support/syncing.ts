import { dirname } from 'node:path'
import type { SyncRule } from '../../src/config/sync/sync-rule.ts'
import { type Clock, systemClock } from '../../src/lib/clock.ts'
import { inParallel } from '../../src/images/parallel.ts'
import { formatRepository, type RepositoryName } from '../../src/oci/reference.ts'
import { plainReading } from '../../src/semver/version.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { decide as decidePromotions } from '../../src/usecases/promote/decide.ts'
import { gather as gatherPromotions } from '../../src/usecases/promote/gather.ts'
import type { PromoteRequest } from '../../src/usecases/promote/request.ts'
import { decide, type SyncDecideOptions } from '../../src/usecases/sync/decide.ts'
import type { SyncDecision } from '../../src/usecases/sync/decision.ts'
import { gather, type SyncGatherOptions } from '../../src/usecases/sync/gather.ts'
import type { SyncPorts } from '../../src/usecases/sync/sync-ports.ts'
import type { SyncRequest, SyncSnapshot, SyncTarget } from '../../src/usecases/sync/snapshot.ts'
import { type DestinationState, emptyState } from '../../src/usecases/sync/sync-state.ts'
import { type Bench, type ExecutedPlan, executePlan } from './promotion.ts'
import { tagLocksIn } from './tag-locks.ts'

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
  readonly options?: Partial<Omit<SyncGatherOptions, 'clock'> & SyncDecideOptions> & {
    readonly clock?: Clock
  }
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

/** The promotions that a decision asks for: one for each image and destination. */
function promotionsOf(
  { request, readAt, sourceTags, destinations }: SyncSnapshot,
  { images }: SyncDecision,
): readonly PromoteRequest[] {
  const targets = new Map(
    destinations.flatMap((one) =>
      one.kind === 'unread'
        ? []
        : [[one.target, { tags: one.digests, listed: one.tags && new Set(one.tags) }] as const],
    ),
  )
  return images.flatMap(({ name, root, tags, destinations: wanted }) =>
    wanted
      .filter(({ refusals }) => refusals.length === 0)
      .map(({ target, tags: toWrite, isIncomplete }): PromoteRequest => {
        const known = targets.get(target)
        const digests = tags.map((tag) => [tag, known?.tags.get(tag) ?? null] as const)
        return {
          image: name,
          from: { ...request.source, at: { tag: tags[0] ?? '' } },
          to: {
            targets: [target.repository],
            immutable: target.immutable,
            reading: target.reading,
            followsSource: true,
          },
          tags: toWrite,
          ...(request.rule.platforms !== undefined && { platforms: request.rule.platforms }),
          ...(isIncomplete && { mayBeSparse: true as const }),
          known: {
            readAt,
            root,
            listed: sourceTags,
            targets: new Map([
              [formatRepository(target.repository), { tags: new Map(digests), listed: known?.listed }],
            ]),
          },
        }
      }),
  )
}

export interface Synced extends ExecutedPlan {
  readonly decisions: readonly SyncDecision[]
}

export interface PlannedSync {
  readonly plan: Plan
  readonly decisions: readonly SyncDecision[]
  /** when the reading began, milliseconds since 1970 */
  readonly readAt: number
}

/** Reads and decides like `dray sync --dry-run`. */
export async function planSync(run: Bench, ...syncings: readonly Syncing[]): Promise<PlannedSync> {
  const clock = syncings[0]?.options?.clock ?? systemClock
  const read = await inParallel(syncings, 8, run.call, (one) => syncOf(run, one))
  const requests = read.flatMap(({ snapshot, decision }) => promotionsOf(snapshot, decision))
  const options = { clock, evidence: true, dangling: 'fail' } as const
  const gathered = await gatherPromotions(requests, run.stores, options, run.call)
  const policy = {
    operation: 'sync',
    moveTags: false,
    evidenceConflict: 'refuse',
    partial: true,
    hash: '',
    tool: '0',
  } as const
  return {
    plan: decidePromotions(gathered, policy, new Date('2026-01-02T03:04:05.000Z')),
    decisions: read.map(({ decision }) => decision),
    readAt: Math.min(...read.map(({ snapshot }) => snapshot.readAt)),
  }
}

/** Reads, decides, copies and writes tags like `dray sync`. */
export async function sync(run: Bench, ...syncings: readonly Syncing[]): Promise<Synced> {
  const clock = syncings[0]?.options?.clock ?? systemClock
  const { plan, decisions, readAt } = await planSync(run, ...syncings)
  // the locks must not age while the clock of the test stands still
  const tagLocks = tagLocksIn(dirname(run.auditFile), clock)
  const executed = await executePlan({ ...run, tagLocks }, plan, { clock, readAt })
  return { ...executed, decisions }
}

/** `latest: moved`, of the first destination. */
export function driftTexts({ drift }: SyncDecision, destination = 0): readonly string[] {
  return (drift[destination]?.tags ?? []).map(({ tag, state }) => `${tag}: ${state}`)
}
