import { stringify } from 'yaml'
import type { RecordedPut } from '../../../src/audit/query/recorded-puts.ts'
import type { AuditSink } from '../../../src/audit/log/sink.ts'
import type { Call } from '../../../src/lib/call.ts'
import { execute } from '../../../src/execute/execute.ts'
import type { Fetch } from '../../../src/registry/http/fetch.ts'
import { type Digest, digestOf } from '../../../src/oci/digest.ts'
import type { DeleteOutcome } from '../../../src/plan/prune/prune-outcome.ts'
import type { PrunePlan } from '../../../src/plan/prune/prune-plan.ts'
import { decide } from '../../../src/usecases/prune/decide.ts'
import { decideRepository } from '../../../src/usecases/prune/decide-repository.ts'
import { gather } from '../../../src/usecases/prune/gather.ts'
import type { HistorySources } from '../../../src/usecases/prune/records/history.ts'
import { noSources } from '../../../src/usecases/prune/records/history-reader.ts'
import { resolveScope } from '../../../src/cli/prune/prune-scope.ts'
import { parseConfig } from '../../../src/config/parse.ts'
import { findPolicy, retentionOf } from '../../../src/config/retention/retention.ts'
import { isDrayError } from '../../../src/lib/errors.ts'
import type { RepositoryPolicy, ReferenceInUse } from '../../../src/usecases/prune/policy/policy.ts'
import { openRepositories } from '../../../src/registry/open-repositories.ts'
import { RepositoryReader } from '../../../src/images/graph/repository-reader.ts'
import type { Capability, Known, Repositories } from '../../../src/images/ports.ts'
import { leapingClock } from '../manual-clock.ts'
import type { ConfigData, PolicyData } from './policy-data.ts'
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

/** The text of a dray.yaml with one policy and the tag policy of its repository. */
export function configText({ policy, reading, isReadingOfImage }: ConfigData): string {
  const { semver, ...ofImage } = reading
  const onlySemver = semver === undefined ? {} : { semver }
  return stringify({
    version: 1,
    environments: {
      dev: {
        registry: host,
        path: 'dev/{image}',
        tags: isReadingOfImage ? { ...onlySemver, ...otherReading } : reading,
      },
      prod: { registry: host, path: 'prod/{image}' },
    },
    images: { api: isReadingOfImage ? { tags: { ...defaultReading, ...ofImage } } : {}, web: {} },
    retention: policy,
  })
}

/** The tag policy of an image replaces each of these keys. */
const otherReading = { scheme: 'loose', variants: ['other'], ignoreVersions: ['pr-*'], buildMetadata: true }
const defaultReading = { scheme: 'semver', variants: [], ignoreVersions: [], buildMetadata: false }

/**
 * Reads the part of a dray.yaml that applies to the repository. Undefined if dray refuses the
 * policy, because a rule has no effect.
 * @throws if dray refuses it for another reason
 */
export async function policyOf(config: ConfigData): Promise<RepositoryPolicy | undefined> {
  try {
    const loaded = parseConfig({ file: '/dray.yaml', content: configText(config) }, 'dray.yaml')
    const scope = await resolveScope(
      findPolicy(retentionOf(loaded)),
      { patterns: ['@dev/api'], exclude: [] },
      loaded.config,
      async () => [],
      { signal: new AbortController().signal, notify: () => undefined },
    )
    return scope.repositories[0]?.policy
  } catch (error) {
    if (!isDrayError(error) || error.code !== 'config') throw error
    const details = error.details ?? [error.message]
    if (details.every((text) => withoutEffect.some((known) => text.includes(known)))) return undefined
    throw error
  }
}

/** Random policies have such rules and protections often. */
const withoutEffect = ['it can delete nothing', 'it adds nothing', 'it excludes everything']

/** Plans by a policy as in dray.yaml, with the default reading of tags. */
export async function planPrune(client: PruneClient, data: PolicyData): Promise<PrunePlan> {
  const policy = await policyOf({ policy: data, reading: {}, isReadingOfImage: false })
  if (policy === undefined) throw new Error('a rule or protection of the policy has no effect')
  return await planWith(client, policy, { inUse: [], sources: noSources })
}

/** What a plan depends on beside the repository and the policy. */
export interface PlanFacts {
  /** digests or tags */
  readonly inUse: readonly string[]
  readonly sources: HistorySources
}

export async function planWith(
  { stores, call }: PruneClient,
  policy: RepositoryPolicy,
  { inUse, sources }: PlanFacts,
): Promise<PrunePlan> {
  const used = inUse.map((at): ReferenceInUse => ({
    at: at.startsWith('sha256:') ? { digest: at as Digest } : { tag: at },
    by: 'a test',
    protection: 'in use',
  }))
  const request = { repository: name, image: `${host}/${repository}`, inUse: used, orphaned: [] }
  const gathered = await gather(stores.source(name), request, { policy, now: () => now, sources }, call)
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
