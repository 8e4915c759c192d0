import { readFile } from 'node:fs/promises'
import type { AuditRecord } from '../../src/audit/log/record.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { execute } from '../../src/execute/execute.ts'
import type { PrunePorts } from '../../src/execute/ports.ts'
import type { RepositoryName } from '../../src/oci/reference.ts'
import {
  type DeleteOutcome,
  type PruneOutcome,
  type RepositoryOutcome,
  summarisePrune,
  summariseRepository,
} from '../../src/plan/prune/prune-outcome.ts'
import type { PrunePlan, RepositoryPlan } from '../../src/plan/prune/prune-plan.ts'
import { decide } from '../../src/usecases/prune/decide.ts'
import { decideRepository } from '../../src/usecases/prune/decide-repository.ts'
import { gather } from '../../src/usecases/prune/gather.ts'
import type { RepositoryPolicy, ReferenceInUse } from '../../src/usecases/prune/policy/policy.ts'
import { plainReading } from '../../src/semver/version.ts'
import { RepositoryReader } from '../../src/images/graph/repository-reader.ts'
import type { Bench } from './promotion.ts'

export interface PrunePlanOptions {
  /** globs of the tags to delete; `pr-*` by default */
  readonly deleted?: readonly string[]
  readonly inUse?: readonly ReferenceInUse[]
}

/** The plan to delete the selected tags, made like in the program. */
export async function prunePlanOf(
  run: Bench,
  repositories: readonly RepositoryName[],
  { deleted: dying = ['pr-*'], inUse: used = [] }: PrunePlanOptions = {},
): Promise<PrunePlan> {
  const policy: RepositoryPolicy = {
    protect: [],
    rules: [{ name: 'dying', kind: 'tags', orderBy: { by: 'time' }, tags: { kind: 'glob', globs: dying } }],
    limits: {},
    timeFrom: ['annotation', 'config'],
    reading: plainReading,
  }
  const decisions = []
  for (const repository of repositories) {
    const request = { repository, image: repository.path, inUse: used, orphaned: [] }
    const { snapshot } = await gather(
      run.stores.source(repository),
      request,
      { policy, now: Date.now },
      run.call,
    )
    decisions.push({ kind: 'decided' as const, decision: decideRepository(snapshot, policy) })
  }
  const { plan } = decide(
    decisions,
    { hash: '', tool: '0', limits: {}, protections: [], inUse: [], isFullRun: true },
    new Date(),
  )
  return plan
}

export interface ExecutedPrune extends PruneOutcome {
  readonly steps: readonly DeleteOutcome[]
}

/** Executes a plan, by default like one from a file. */
export async function executePrunePlan(
  run: Bench,
  plan: PrunePlan,
  options: Partial<PrunePorts> = {},
): Promise<ExecutedPrune> {
  const { stores } = run
  const steps: DeleteOutcome[] = []
  const ended = new Map<RepositoryPlan, RepositoryOutcome>()
  await execute(
    plan,
    {
      stores,
      reader: (repository) => new RepositoryReader(stores.target(repository)),
      sink: run.log,
      clock: systemClock,
      actor: { user: 'tester', host: 'here' },
      tool: '0',
      newId: () => crypto.randomUUID(),
      runId: crypto.randomUUID(),
      stop: new AbortController().signal,
      ended: (one, outcomes) => {
        steps.push(...outcomes)
        ended.set(one, summariseRepository(plan, one, outcomes))
      },
      ...options,
    },
    run.call,
  )
  return { steps, ...summarisePrune(plan, ended) }
}

export async function recordsOf(run: Bench): Promise<readonly AuditRecord[]> {
  const text = await readFile(run.auditFile, 'utf8').catch(() => '')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AuditRecord)
}
