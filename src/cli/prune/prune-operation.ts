import type { Call } from '../../lib/call.ts'
import { type ErrorInfo, toErrorInfo } from '../../lib/errors.ts'
import { formatAt, formatRepository } from '../../oci/reference.ts'
import type { StepId } from '../../plan/plan.ts'
import {
  type PruneOutcome,
  type RepositoryOutcome,
  summarisePrune,
  summariseRepository,
} from '../../plan/prune/prune-outcome.ts'
import type { DeleteStep, PrunePlan, RepositoryPlan } from '../../plan/prune/prune-plan.ts'
import { renderPruneOutcome } from '../../render/prune/prune-outcome.ts'
import { deleteQuestion, renderPrunePlan } from '../../render/prune/prune-plan.ts'
import { outcomeTotalsOf, totalsOf } from '../../render/prune/prune-totals.ts'
import { vendorName } from '../../registry/known-vendors.ts'
import { justificationOf } from '../changes/justification.ts'
import type { ChangedImage, ChangePorts, Executed, Operation } from '../changes/operation.ts'
import { isSuccess, problemOf, type RunPart } from '../command/run-exit.ts'
import { beforeFirstDelete } from './before-first-delete.ts'
import { textToConfirm } from './large-delete.ts'
import type { PruneFindings, PruneTypes } from './prune-types.ts'

export const pruneOperation: Operation<PruneTypes> = {
  hasSteps,
  changedTargets: ({ repositories }) => repositories.filter(({ steps }) => steps.length > 0),
  refuseAll,
  review: async (plan, { 'in-use': lists = [] }, ports) => {
    const { reviewPrune } = await import('./review-prune.ts')
    const auditFile = ports.flags['audit-file']
    return await reviewPrune(plan, { lists, auditFile }, ports.context, ports.reading)
  },
  confirmation: { question: deleteQuestion, typedAnswer: textToConfirm },
  execute: executeDeletes,
  withoutExecution: (plan) => summarisePrune(plan, new Map()),
  parts,
  renderPlan: renderPrunePlan,
  renderOutcome: (plan, outcome, page, { durationMs }) =>
    renderPruneOutcome(plan, outcome, page, { durationMs, vendorName }),
  imagesOf,
  hasLocked: ({ repositories }) => repositories.some(({ locked }) => locked > 0),
  failures: (_, { repositories }) =>
    repositories.flatMap(({ image, errors }) => errors.map((error) => ({ image, error }))),
  planDocument,
  outcomeDocument,
  ciReport: async (plan, outcome, hash) => {
    const { listPruneVariables, renderPruneSummary } = await import('../../render/prune/prune-ci.ts')
    return {
      variables: listPruneVariables(plan, hash, outcome),
      summary: renderPruneSummary(plan, outcome),
    }
  },
  writeMetrics: async (file, facts, clock) => {
    const { writeMetrics } = await import('../ci/metrics.ts')
    await writeMetrics(file, facts, clock)
  },
}

function hasSteps({ repositories }: PrunePlan): boolean {
  return repositories.some(({ steps }) => steps.length > 0)
}

function refuseAll(plan: PrunePlan, error: ErrorInfo): PrunePlan {
  const repositories = plan.repositories.map((one) => ({ ...one, steps: [] }))
  return { ...plan, repositories, refusals: [{ error }] }
}

/** A repository without anything to delete does not make a run partly done. */
function parts({ repositories }: PruneOutcome): readonly RunPart[] {
  return repositories.map(({ status, deleted, untagged }) => ({
    problem: problemOf(status),
    countsAsDone: deleted + untagged > 0,
  }))
}

async function executeDeletes(
  plan: PrunePlan,
  findings: PruneFindings | undefined,
  isConfirmed: boolean,
  { flags, context, call, stop }: ChangePorts,
): Promise<Executed<PruneTypes>> {
  const usedNow = hasSteps(plan) && isConfirmed ? await findings?.readInUse() : findings?.usedNow
  const [{ execute }, { readersOf }, { PruneState, leavesOrphans, leavesResumed }, { RegistryMemory }] =
    await Promise.all([
      import('../../execute/execute.ts'),
      import('./prune-run.ts'),
      import('./prune-state.ts'),
      import('./memory/registry-memory.ts'),
    ])
  const auditFile = flags['audit-file']
  const ports = await beforeFirstDelete('cannot write the audit log', () =>
    context.executePorts({ auditFile, isAttesting: false, ...justificationOf(flags) }, call),
  )
  const log = await context.auditPath(auditFile)
  const state = new PruneState(log, context.clock)
  const memory = await RegistryMemory.read(log)
  const current = findings?.current
  const saved = {
    ...plan,
    repositories: plan.repositories.map((one) => ({ ...one, steps: savedSteps(one, findings) })),
  }
  const ended = new Map<RepositoryPlan, RepositoryOutcome>()
  const deleted = new Set<StepId>()
  let hasOrphans = false
  let hasResumed = false
  if (hasSteps(saved))
    await beforeFirstDelete('cannot save the plan', () => state.save(ports.runId, saved, call.signal))
  await execute(
    plan,
    {
      ...ports,
      stop,
      // The reads before a confirmation are too old after it.
      ...(findings !== undefined && !isConfirmed && { readAt: findings.readAt }),
      inventory: (registry) => context.inventory(registry),
      reader: readersOf(plan, ports.stores, findings?.contents),
      ...(usedNow !== undefined && { usedNow }),
      ...(current !== undefined && { current }),
      comesLast: (step) => memory.isLocked(step),
      neverUntag: [...memory.neverUntag],
      findPut: async (repository, digest) => {
        const { findNewestPut } = await import('../../audit/moves/find-newest-put.ts')
        return await findNewestPut(log, repository, digest, call.signal)
      },
      ...(findings !== undefined && { recordedPuts: (one) => findings.recordedPuts.in(one) }),
      ended: (one, outcomes) => {
        for (const { step, result } of outcomes) if (result === 'done') deleted.add(step)
        ended.set(one, summariseRepository(plan, one, outcomes))
        hasOrphans ||= leavesOrphans(savedSteps(one, findings), outcomes)
        hasResumed ||= leavesResumed(one, outcomes)
        memory.note(one, outcomes)
      },
    },
    call,
  )
  const outcome = summarisePrune(plan, ended)
  const isAllDone = isSuccess({ parts: parts(outcome), refusals: outcome.refusals })
  await warnIfFails(call, async () => {
    if (hasSteps(saved) && !hasOrphans) await state.forget(ports.runId)
    if (findings !== undefined && isAllDone && !hasResumed) await state.forgetDead(findings.resumed)
    await memory.save()
  })
  return { outcome, auditLog: ports.sink.path, deleted }
}

/** The next run must not treat the steps that this run omits as those of an interrupted run. */
function savedSteps(
  { repository, steps }: RepositoryPlan,
  findings: PruneFindings | undefined,
): readonly DeleteStep[] {
  const settled = findings?.current?.(repository)?.settled
  return settled === undefined ? steps : steps.filter(({ id }) => !settled.has(id))
}

/** After the deletes, a plan that is not removed only costs the next run a few requests. */
async function warnIfFails({ notify }: Call, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    const { message, why } = toErrorInfo(error)
    notify({ kind: 'warning', text: message, ...(why !== undefined && { from: why }) })
  }
}

/**
 * Returns the images that the plan deletes or an execution deleted: each tag, and manifests without
 * one.
 */
function imagesOf({ repositories }: PrunePlan, executed?: Executed<PruneTypes>): readonly ChangedImage[] {
  const steps = repositories.flatMap((one) => one.steps)
  const lost = new Map(
    executed?.outcome.repositories.flatMap(({ lostImages, repository }) =>
      lostImages.map(({ tag, losesTags }) => [formatAt(repository, { tag }), losesTags]),
    ),
  )
  return steps
    .filter(({ id }) => executed === undefined || executed.deleted?.has(id) === true)
    .flatMap((step) => {
      const { repository } = step
      if (step.kind === 'deleteTag') {
        const tags = lost.get(formatAt(repository, { tag: step.tag })) ?? [step.tag]
        return tags.map((tag) => ({ reference: formatAt(repository, { tag }), digest: step.digest }))
      }
      const { digest } = step.target
      const tags = step.losesTags.map((tag) => formatAt(repository, { tag }))
      const references = tags.length > 0 ? tags : [formatAt(repository, { digest })]
      return references.map((reference) => ({ reference, digest }))
    })
}

function planDocument(plan: PrunePlan): object {
  const { images, deleted, superseded, untaggedManifests, manifests, untagged, freed } = totalsOf(plan)
  const repositories = plan.repositories.length
  return {
    totals: {
      repositories,
      images,
      deletedImages: deleted,
      superseded,
      untaggedManifests,
      deleted: manifests,
      untagged,
      freed,
    },
  }
}

function outcomeDocument(plan: PrunePlan, outcome: PruneOutcome): object {
  const plans = new Map(plan.repositories.map((one) => [formatRepository(one.repository), one]))
  const repositories = outcome.repositories.map((one) => {
    const planned = plans.get(formatRepository(one.repository))
    return { ...one, tags: planned?.tags ?? [], others: planned?.others ?? [] }
  })
  const {
    images,
    deleted,
    superseded,
    untaggedManifests,
    manifests,
    untagged,
    keptByRegistry,
    locked,
    conflicts,
    failed,
    freed,
  } = outcomeTotalsOf(plan, outcome)
  return {
    ...(plan.policyName !== undefined && { policy: plan.policyName }),
    inUse: plan.inUse,
    repositories,
    totals: {
      repositories: repositories.length,
      images,
      deletedImages: deleted,
      superseded,
      untaggedManifests,
      deleted: manifests,
      untagged,
      kept: keptByRegistry,
      locked,
      conflicts,
      failed,
      freed,
    },
  }
}
