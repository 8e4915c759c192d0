import type { RecordedPut } from '../../../src/audit/query/recorded-puts.ts'
import type { AuditSink } from '../../../src/audit/log/sink.ts'
import type { Call } from '../../../src/lib/call.ts'
import { execute } from '../../../src/execute/execute.ts'
import type { Fetch } from '../../../src/registry/http/fetch.ts'
import { LinearRegExp } from '../../../src/lib/linear-regexp.ts'
import { type Digest, digestOf } from '../../../src/oci/digest.ts'
import type { DeleteOutcome } from '../../../src/plan/prune/prune-outcome.ts'
import type { PrunePlan } from '../../../src/plan/prune/prune-plan.ts'
import { decide } from '../../../src/usecases/prune/decide.ts'
import { decideRepository } from '../../../src/usecases/prune/decide-repository.ts'
import { gather } from '../../../src/usecases/prune/gather.ts'
import { parseRange } from '../../../src/semver/range/range.ts'
import type { Rule, TagProtection } from '../../../src/config/retention/policy.ts'
import type { TagSelector } from '../../../src/selectors/tag-selector.ts'
import type { RepositoryPolicy, ReferenceInUse } from '../../../src/usecases/prune/policy/policy.ts'
import { openRepositories } from '../../../src/registry/open-repositories.ts'
import { RepositoryReader } from '../../../src/images/graph/repository-reader.ts'
import { plainReading } from '../../../src/semver/version.ts'
import type { Capability, Known, Repositories } from '../../../src/images/ports.ts'
import { leapingClock } from '../manual-clock.ts'
import { milliseconds, type PolicyData, type TagsData } from './policy-data.ts'
import { now } from './recipes.ts'
import { host, repository } from './simulated-registry.ts'

// The simulation counts rounds of the event loop, so nothing may be loaded while it runs.
await import('../../../src/execute/deletes/execute-deletes.ts')

/** The parts of `dray prune`, in this process and over any `Fetch`. */
export interface PruneClient {
  readonly stores: Repositories
  readonly call: Call
}

const name: { readonly registry: string; readonly path: string } = { registry: host, path: repository }

/** @param known abilities of the registry that are known from its host */
export function pruneClient(
  fetch: Fetch,
  known: Readonly<Partial<Record<Capability, Known>>> = {},
): PruneClient {
  const clock = leapingClock(now)
  const origin = (): URL => new URL(`http://${host}`)
  return {
    stores: openRepositories({
      fetch,
      origin,
      clock,
      random: () => 0.5,
      known: (_, ability) => known[ability] ?? 'unknown',
    }),
    call: { signal: new AbortController().signal, notify: () => undefined },
  }
}

export async function planPrune(
  { stores, call }: PruneClient,
  data: PolicyData,
  inUse: readonly string[] = [],
): Promise<PrunePlan> {
  const policy = policyOf(data)
  const used = inUse.map((at): ReferenceInUse => ({
    at: at.startsWith('sha256:') ? { digest: at as Digest } : { tag: at },
    by: 'a test',
    protection: 'in use',
  }))
  const request = { repository: name, image: `${host}/${repository}`, inUse: used, orphaned: [] }
  const gathered = await gather(stores.source(name), request, { policy, now: () => now }, call)
  const decision = decideRepository(gathered.snapshot, policy)
  const run = {
    hash: digestOf('a policy'),
    tool: '0',
    limits: policy.limits,
    protections: [],
    inUse: [],
    isFullRun: false,
  }
  return decide([{ kind: 'decided', decision }], run, new Date(now)).plan
}

export interface ExecuteOptions {
  /** whether the plan was made just now in this run */
  readonly isImmediate?: boolean
  /** the plan was made in this run, and its reading took a minute */
  readonly isSlow?: boolean
  readonly sink: AuditSink
  /** what other runs put into the repository by the audit log */
  readonly recordedPuts?: () => readonly RecordedPut[]
}

/** Executes a plan, by default like a saved one. */
export async function executePlan(
  { stores, call }: PruneClient,
  made: PrunePlan,
  { isImmediate = false, isSlow = false, sink, recordedPuts }: ExecuteOptions,
): Promise<readonly DeleteOutcome[]> {
  const clock = leapingClock(now)
  let id = 0
  const ended: DeleteOutcome[] = []
  await execute(
    made,
    {
      stores,
      reader: () => new RepositoryReader(stores.source(name)),
      sink,
      clock,
      actor: { user: 'tester', host: 'here' },
      tool: '0',
      newId: () => `id ${id++}`,
      runId: 'run',
      stop: new AbortController().signal,
      ended: (_, outcomes) => void ended.push(...outcomes),
      ...(isImmediate && { readAt: now }),
      ...(recordedPuts !== undefined && { recordedPuts: async () => recordedPuts() }),
      ...(isSlow && { readAt: now - 60_000 }),
    },
    call,
  )
  return ended
}

/** Converts a policy of dray.yaml for one repository. */
function policyOf(data: PolicyData): RepositoryPolicy {
  return {
    protect: (data.protect ?? []).map((one, i): TagProtection => {
      const protection = { kind: 'tags' as const, name: `protection ${i}`, optional: false }
      if (one.semver === undefined) return { ...protection, tags: selectorOf(one.tags ?? [], true) }
      const { range, newestPer, count } = one.semver
      return {
        ...protection,
        tags: selectorOf({ semver: range }, true),
        ...(newestPer !== undefined && count !== undefined && { newest: { per: newestPer, count } }),
      }
    }),
    rules: (data.rules ?? []).map(({ name: called, tags, groupBy, keepNewest, olderThan }): Rule => ({
      name: called,
      kind: 'tags',
      orderBy: { by: 'time' },
      ...(tags !== undefined && { tags: selectorOf(tags, false) }),
      ...(groupBy !== undefined && { groupBy: [groupBy] }),
      ...(keepNewest !== undefined && { keepNewest }),
      ...(olderThan !== undefined && { olderThan: milliseconds(olderThan) }),
    })),
    limits: data.limits ?? {},
    timeFrom: data.timeFrom ?? ['annotation', 'config'],
    reading: plainReading,
  }
}

function selectorOf(tags: TagsData, includePrerelease: boolean): TagSelector {
  if ('semver' in tags)
    return {
      kind: 'semver',
      range: parseRange(tags.semver, { preReleases: includePrerelease }),
      text: tags.semver,
    }
  if ('regex' in tags) return { kind: 'regex', regex: LinearRegExp.parse(tags.regex) }
  return { kind: 'glob', globs: 'glob' in tags ? [tags.glob].flat() : tags }
}
