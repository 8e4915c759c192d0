import { ChainedLog } from '../../src/audit/log/chained-log.ts'
import type { Call, ProgressEvent } from '../../src/lib/call.ts'
import { type Clock, systemClock } from '../../src/lib/clock.ts'
import { execute } from '../../src/execute/execute.ts'
import type { Bandwidth } from '../../src/registry/http/bodies/bandwidth.ts'
import type { Credential } from '../../src/registry/credential.ts'
import type { ExecutePorts } from '../../src/execute/ports.ts'
import type { TagLocks } from '../../src/execute/tags/tag-locks.ts'
import { createFetch } from '../../src/registry/http/stack.ts'
import { parsePlatformName } from '../../src/oci/platform.ts'
import type { RepositoryName, TagOrDigest } from '../../src/oci/reference.ts'
import { type RunOutcome, type StepOutcome, summarise } from '../../src/plan/outcome.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { decide, type PromotePolicy } from '../../src/usecases/promote/decide.ts'
import { gather, type PromoteGatherOptions } from '../../src/usecases/promote/gather.ts'
import type { PromoteRequest, TagMaintenance } from '../../src/usecases/promote/request.ts'
import { plainReading, type VersionReading } from '../../src/semver/version.ts'
import type { RegistryClientOptions } from '../../src/registry/client/client.ts'
import { openRepositories } from '../../src/registry/open-repositories.ts'
import type { Repositories } from '../../src/images/ports.ts'
import { tagLocksIn } from './tag-locks.ts'
import { makeFolder, removeFolder } from './temp.ts'

/** The parts of a promotion in this process, composed like in the program. */
export interface Bench extends AsyncDisposable {
  readonly stores: Repositories
  /** opens stores without any content in memory */
  freshStores(): Repositories
  readonly auditFile: string
  readonly log: ChainedLog
  readonly tagLocks: TagLocks
  readonly events: ProgressEvent[]
  readonly call: Call
}

export interface BenchOptions extends Partial<Pick<RegistryClientOptions, 'uploads' | 'known'>> {
  /** the system clock by default */
  readonly clock?: Clock
  /** measures stalled transfers; the system clock by default */
  readonly transferClock?: Clock
  /** the limit of all bodies; none by default */
  readonly bandwidth?: Bandwidth
  /** for every registry; none by default */
  readonly credential?: Credential
}

export async function bench({
  clock = systemClock,
  transferClock = systemClock,
  credential,
  bandwidth,
  ...rest
}: BenchOptions = {}): Promise<Bench> {
  const folder = await makeFolder()
  const stack = createFetch({
    settings: new Map(),
    credentials: async () => credential,
    userAgent: 'dray/test',
    clock,
    transferClock,
    ...(bandwidth !== undefined && { bandwidth }),
  })
  const events: ProgressEvent[] = []
  const auditFile = `${folder}/audit.jsonl`
  const log = new ChainedLog(auditFile, { clock: systemClock, newId: () => crypto.randomUUID() })
  const open = (): Repositories =>
    openRepositories({
      fetch: stack.fetch,
      origin: (registry) => stack.origin(registry),
      clock,
      random: Math.random,
      takeRetry: (registry) => stack.takeRetry(registry),
      ...rest,
    })
  return {
    stores: open(),
    freshStores: open,
    auditFile,
    log,
    tagLocks: tagLocksIn(folder),
    events,
    call: { signal: new AbortController().signal, notify: (event) => events.push(event) },
    [Symbol.asyncDispose]: async () => {
      await log.close()
      await stack.close()
      await removeFolder(folder)
    },
  }
}

export interface Promotion {
  readonly from: RepositoryName
  readonly at?: TagOrDigest
  readonly to: readonly RepositoryName[]
  readonly tags?: readonly string[]
  readonly tagMaintenance?: TagMaintenance
  /** of the source, and of the destination without `tagMaintenance` */
  readonly reading?: VersionReading
  /** `linux/amd64`; by default all */
  readonly platforms?: readonly string[]
  readonly mayBeSparse?: true
  readonly policy?: Partial<PromotePolicy>
  readonly options?: Partial<PromoteGatherOptions>
}

export function repository(registry: { readonly host: string }, path: string): RepositoryName {
  return { registry: registry.host, path }
}

export async function planOf(run: Bench, ...promotions: readonly Promotion[]): Promise<Plan> {
  const [first] = promotions
  const requests = promotions.map(
    ({
      from,
      at = { tag: '1.4.2' },
      to,
      tags,
      tagMaintenance,
      reading = plainReading,
      platforms,
      mayBeSparse,
    }): PromoteRequest => ({
      image: `${from.path}:${'tag' in at ? at.tag : at.digest}`,
      from: { repository: from, at, reading },
      to: { targets: to, reading: tagMaintenance?.policy ?? reading },
      tags: tags ?? ('tag' in at ? [at.tag] : []),
      ...(tagMaintenance !== undefined && { tagMaintenance }),
      ...(platforms !== undefined && { platforms: platforms.map(parsePlatformName) }),
      ...(mayBeSparse !== undefined && { mayBeSparse }),
    }),
  )
  const gathered = await gather(
    requests,
    run.stores,
    { clock: systemClock, evidence: true, dangling: 'fail', ...first?.options },
    run.call,
  )
  const policy = {
    operation: 'promote',
    moveTags: false,
    evidenceConflict: 'refuse',
    partial: false,
    hash: '',
    tool: '0',
  } as const
  return decide(gathered, { ...policy, ...first?.policy }, new Date('2026-01-02T03:04:05.000Z'))
}

export interface ExecutedPlan extends RunOutcome {
  readonly plan: Plan
  readonly steps: readonly StepOutcome[]
}

export interface ExecuteOptions extends Partial<
  Pick<ExecutePorts, 'sink' | 'stop' | 'readAt' | 'clock' | 'gates'>
> {
  /** whether the plan comes from a file; by default it counts as made just now */
  readonly isSaved?: boolean
}

export async function executePlan(
  run: Bench,
  plan: Plan,
  options: ExecuteOptions = {},
): Promise<ExecutedPlan> {
  const steps = await execute(
    plan,
    {
      stores: run.stores,
      tagLocks: run.tagLocks,
      sink: options.sink ?? run.log,
      clock: options.clock ?? systemClock,
      actor: { user: 'tester', host: 'here' },
      tool: '0',
      newId: () => crypto.randomUUID(),
      runId: crypto.randomUUID(),
      stop: options.stop ?? new AbortController().signal,
      gates: options.gates,
      ...(options.isSaved !== true && { readAt: options.readAt ?? (options.clock ?? systemClock).now() }),
    },
    run.call,
  )
  return { plan, steps, ...summarise(plan, steps) }
}

/** Plans and executes like `promote --yes`. */
export async function promote(run: Bench, ...promotions: readonly Promotion[]): Promise<ExecutedPlan> {
  return executePlan(run, await planOf(run, ...promotions))
}
