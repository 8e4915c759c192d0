import type { Call } from '../../lib/call.ts'
import { findPolicy, retentionOf } from '../../config/retention/retention.ts'
import type { RetentionPolicy } from '../../config/retention/policy.ts'
import { DrayError, isDrayError, toErrorInfo } from '../../lib/errors.ts'
import type { CurrentRepository } from '../../execute/ports.ts'
import type { SettledDelete } from '../../execute/deletes/delete-ledger.ts'
import { formatRepository } from '../../oci/reference.ts'
import type { StepId } from '../../plan/plan.ts'
import type { PrunePlan, RepositoryPlan } from '../../plan/prune/prune-plan.ts'
import { decideFrom } from '../../usecases/prune/decide-repository.ts'
import {
  rejectDeletes,
  checkPlanLimits,
  countImages,
  type ReviewedRepository,
  unknownManifest,
  listUnseen,
} from '../../usecases/prune/review.ts'
import { inParallel } from '../../images/parallel.ts'
import { readOrUnread } from '../../images/graph/unread.ts'
import type { Review } from '../changes/operation.ts'
import type { Context } from '../wiring/context.ts'
import { InUseReader } from './images-in-use.ts'
import { RunInventories } from './inventory/run-inventories.ts'
import { KnownRepositories } from './known-repositories.ts'
import { beginRecordedPuts, readEarlierRuns } from './prune-inputs.ts'
import type { PruneTypes } from './prune-types.ts'
import { evaluateRepository, expectToRead, type PruneInputs, repositoriesAtOnce } from './prune-run.ts'
import { type ScopedRepository, resolveScope } from './prune-scope.ts'

/** Manifests that are checked at once. */
const manifestsAtOnce = 16

const policyChanged =
  'the policy changed since the plan was made. dray checks the plan against the current policy.'

export interface PruneReviewOptions {
  /** files of `--in-use` */
  readonly lists: readonly string[]
  readonly auditFile: string | undefined
}

/**
 * Decides a saved plan to delete again: by the current policy of its name, for the repositories
 * that it deletes in, with what is in use now.
 * @throws `refused` if there is no such policy, or the plan names other repositories than
 * `dray.yaml` or passes a limit; what the sources throw.
 */
export async function reviewPrune(
  plan: PrunePlan,
  { lists, auditFile }: PruneReviewOptions,
  context: Context,
  call: Call,
): Promise<Review<PruneTypes>> {
  const loaded = await context.config()
  const retention = policyOf(plan, () => findPolicy(retentionOf(loaded), plan.policyName), loaded.file)
  const inUseReader = new InUseReader(retention.protect, lists, context)
  const inUse = await inUseReader.read(call)
  checkSources(plan, lists, inUse.sources)
  const saved = plan.repositories.filter(({ steps }) => steps.length > 0)
  const names = saved.map(({ repository }) => formatRepository(repository))
  const scope = await resolveScope(
    retention,
    { patterns: names, exclude: [] },
    loaded.config,
    (...of) => context.repositories(...of),
    call,
  )
  // Without patterns, the scope is everything that the policy is for.
  const repositories = names.length === 0 ? [] : scope.repositories
  const known = new KnownRepositories(
    loaded.config,
    retention,
    plan.repositories.map(({ repository }) => repository),
  )
  const cache = await context.pruneCache(call)
  const inputs: PruneInputs = {
    retention,
    warnings: [],
    known,
    scope: { ...scope, repositories },
    inUse,
    inUseReader,
    ...(await readEarlierRuns(
      auditFile,
      repositories.map(({ repository }) => repository),
      context,
    )),
    inventories: new RunInventories(context),
    // Referrers are read again, so that this reading counts as the one before the first delete.
    cache: cache === undefined ? undefined : { ...cache, last: async () => undefined },
  }
  const { reviewed, review } = await reviewDeletes(plan, inputs, { auditFile }, context, call)
  const breach = checkPlanLimits(reviewed, retention.limits)
  if (breach !== undefined) throw withoutPlanLimits(breach)
  return { ...review, warnings: plan.policy === retention.hash ? [] : [policyChanged] }
}

/** The error of a saved plan that passes a limit. */
export function withoutPlanLimits(breach: DrayError): DrayError {
  return breach.with({
    hint: 'To see the deletes, run: dray plan show FILE. To allow them, raise the limit in dray.yaml.',
  })
}

export interface DeleteReviewOptions extends Pick<PruneReviewOptions, 'auditFile'> {
  /** the command for a new plan; by default `dray prune` */
  readonly planAgain?: string | undefined
}

export interface ReviewedDeletes {
  readonly reviewed: readonly ReviewedRepository[]
  /** without warnings about the policy */
  readonly review: Review<PruneTypes>
}

/**
 * Decides the deletes of a saved plan again, in the repositories that it deletes in.
 * @param inputs their scope has these repositories, with the policies that apply now
 * @throws `refused` if the plan names other repositories than the scope.
 */
export async function reviewDeletes(
  plan: PrunePlan,
  inputs: PruneInputs,
  { auditFile, planAgain }: DeleteReviewOptions,
  context: Context,
  call: Call,
): Promise<ReviewedDeletes> {
  const { scope, cache, inUse, inUseReader, known } = inputs
  const recordedPuts = await beginRecordedPuts(auditFile, context)
  const readAt = context.clock.now()
  await expectToRead(scope, context)
  const scoped = new Map(scope.repositories.map((one) => [formatRepository(one.repository), one]))
  const saved = plan.repositories.filter(({ steps }) => steps.length > 0)
  const reviews = await inParallel(saved, repositoriesAtOnce, call, async (one, c) =>
    reviewRepository(one, scopedAs(one, scoped), { inputs, planAgain }, context, c),
  )
  const reviewed = reviews.flatMap(({ review }) => review ?? [])
  const current = new Map(reviews.map((one) => [one.name, one.current]))
  const findings: PruneTypes['findings'] = {
    readAt,
    contents: cache?.contents,
    recordedPuts,
    readInUse: () => inUseReader.readUsed(known, call),
    usedNow: (repository) => inUse.in(repository, known).map(({ at }) => at),
    current: (repository) => current.get(formatRepository(repository)),
    resumed: [],
  }
  return {
    reviewed,
    review: { findings, startedAt: readAt, warnings: [], omissions: omissionsOf(reviewed) },
  }
}

interface RepositoryReview {
  readonly name: string
  readonly current: CurrentRepository
  readonly review?: ReviewedRepository
}

/** Reviews one repository. If it cannot be read, dray deletes nothing in it. */
async function reviewRepository(
  saved: RepositoryPlan,
  scoped: ScopedRepository,
  { inputs, planAgain }: { readonly inputs: PruneInputs } & Pick<DeleteReviewOptions, 'planAgain'>,
  context: Context,
  call: Call,
): Promise<RepositoryReview> {
  const { repository } = saved
  const name = formatRepository(repository)
  const found = await readOrUnread(repository, call, async () => {
    const evaluation = await evaluateRepository(scoped, inputs, context, call)
    const { plan: now } = decideFrom(evaluation)
    const isKnown = (digest: RepositoryPlan['roots'][number]): boolean =>
      evaluation.snapshot.graph.nodes.has(digest)
    const rejected = new Map(rejectDeletes(saved, now, isKnown, planAgain))
    const gone = new Set<StepId>()
    const store = (await context.stores()).source(repository)
    await inParallel(listUnseen(saved, isKnown), manifestsAtOnce, call, async (step, c) => {
      if ((await store.resolve({ digest: step.target.digest }, c)) === undefined) gone.add(step.id)
      else rejected.set(step.id, unknownManifest(step, planAgain))
    })
    return { kind: 'reviewed' as const, now, rejected, gone }
  })
  if (found.kind === 'unread') {
    const error = toErrorInfo(found.error)
    const settled = new Map(saved.steps.map(({ id }) => [id, { result: 'failed', error } as const]))
    return { name, current: { settled, referrers: 'remembered' } }
  }
  const { now, rejected, gone } = found
  const settled = new Map<StepId, SettledDelete>([
    ...[...rejected].map(([id, error]) => [id, { result: 'conflict', error }] as const),
    ...[...gone].map((id) => [id, { result: 'unchanged' }] as const),
  ])
  return {
    name,
    review: { repository, count: countImages(saved, now, rejected), rejected },
    current: { settled, referrers: now.referrers },
  }
}

/** @throws `refused` with the fix: without its policy, nothing defines what a plan may delete. */
function policyOf(plan: PrunePlan, find: () => RetentionPolicy, file: string | undefined): RetentionPolicy {
  try {
    return find()
  } catch (error) {
    if (!isDrayError(error) || error.code !== 'usage') throw error
    const { policyName } = plan
    const policy = policyName === undefined ? 'the policy' : `the policy ${JSON.stringify(policyName)}`
    throw new DrayError('refused', `dray.yaml does not have ${policy} of this plan`, {
      subject: file ?? 'no dray.yaml was found',
      why: error.message,
      hint: 'Pass the dray.yaml that the plan was made with: --config FILE. If it changed, make a new plan.',
      cause: error,
    })
  }
}

/** @throws `refused` if a list of images in use was given for the plan, and none is given now. */
function checkSources(
  plan: PrunePlan,
  lists: readonly string[],
  asked: readonly { readonly name: string }[],
): void {
  const names = new Set(asked.map(({ name }) => name))
  const missing = plan.inUse.find(({ name }) => !names.has(name))
  if (missing === undefined || lists.length > 0) return
  throw new DrayError('refused', 'cannot compare the images in use with those of the plan', {
    subject: missing.name,
    why: `the plan used the images of ${missing.name}, and dray.yaml does not name this source`,
    hint: 'Pass the list again: --in-use FILE. If dray.yaml changed, make a new plan.',
  })
}

/** @throws `refused` if the plan calls a repository otherwise than `dray.yaml` does. */
function scopedAs(saved: RepositoryPlan, scoped: ReadonlyMap<string, ScopedRepository>): ScopedRepository {
  const name = formatRepository(saved.repository)
  const found = scoped.get(name)
  if (found !== undefined && found.image === saved.image && found.environment === saved.environment) {
    if (found.policy.rules.length > 0) return found
    throw new DrayError('refused', `the policy has no rule for ${name}`, {
      why: 'a plan deletes only in repositories that a rule of its policy names',
      hint: 'Make a new plan.',
    })
  }
  throw new DrayError('refused', `the plan has the name ${saved.image} for ${name}`, {
    why: `its name in dray.yaml is ${found?.image ?? 'unknown'}`,
    hint: 'Make a new plan with this dray.yaml.',
  })
}

function omissionsOf(reviewed: readonly ReviewedRepository[]): readonly string[] {
  const errors = reviewed.flatMap(({ rejected }) => [...rejected.values()])
  const [first] = errors
  if (first === undefined) return []
  const deletes = errors.length === 1 ? 'delete' : 'deletes'
  return [
    `dray does not execute ${errors.length} ${deletes} of the plan. ${first.message}: ${first.why ?? 'unknown'}`,
  ]
}
