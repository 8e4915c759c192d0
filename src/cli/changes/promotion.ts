import { boolean, string } from '@oclif/core/flags'
import type { InferredFlags } from '@oclif/core/interfaces'
import type { Config } from '../../config/config.ts'
import { readingAt } from '../../config/settings/version-reading.ts'
import type { Call } from '../../lib/call.ts'
import { parseDigest } from '../../oci/digest.ts'
import { parsePlatformName } from '../../oci/platform.ts'
import type { PlacementId, PlacementOperation, Plan } from '../../plan/plan.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import type { GateSourceOptions } from '../../usecases/promote/gate-sources.ts'
import type { GatheredPromotion } from '../../usecases/promote/gather.ts'
import type { PromoteRequest } from '../../usecases/promote/request.ts'
import { evidenceConflictFlags, evidenceFlag, moveTagFlag, verifyFlag } from '../command/change-flags.ts'
import { type GateFlags, overrideGateFlag, scanReportFlag } from '../gates/gate-flags.ts'
import type { PlanGuard } from '../gates/changes/plan-guard.ts'
import { flagGroups } from '../help/flag-groups.ts'
import type { PlannedChange } from './operation.ts'
import type { NewPlan, PlacementTypes } from './placement-types.ts'
import {
  earliestReading,
  expectedAccess,
  gatherImages,
  hashPolicy,
  newChange,
  openGuard,
  type WriteFlags,
} from './planning.ts'
import type { Context } from '../wiring/context.ts'
import { onlyImageOfLayout } from '../wiring/only-image.ts'
import { type PromoteArguments, promoteRequests } from '../arguments/promote-requests.ts'
import { asUsage } from '../../lib/as-usage.ts'

/** Flags of `promote` and `copy` about tags and attached artifacts. */
export const promotionFlags = {
  tag: string({
    summary: 'Tag to write instead of the source tag.',
    helpValue: 'TAG',
    multiple: true,
    multipleNonGreedy: true,
    helpGroup: flagGroups.target,
  }),
  platform: string({
    summary: 'Platform of an index to copy (default: all).',
    helpValue: 'PLATFORM',
    multiple: true,
    multipleNonGreedy: true,
    helpGroup: flagGroups.target,
  }),
  'expect-digest': string({
    summary: 'Refuse if the source has another digest.',
    helpValue: 'DIGEST',
    helpGroup: flagGroups.safety,
  }),
  ...moveTagFlag,
  ...evidenceFlag,
  ...evidenceConflictFlags,
  ...overrideGateFlag,
  ...scanReportFlag,
  attest: boolean({
    summary: 'Attest each promotion (default: attest in dray.yaml).',
    allowNo: true,
    helpGroup: flagGroups.evidence,
  }),
  ...verifyFlag,
}

export type PromotionFlags = WriteFlags &
  Omit<InferredFlags<typeof promotionFlags>, 'attest' | 'json' | keyof GateFlags> & {
    readonly attest: boolean | undefined
    readonly from?: string | undefined
    readonly to?: string | undefined
    readonly partial?: boolean
    readonly 'allow-backward'?: boolean
  }

/**
 * Reads and decides what `promote` and `copy` do.
 * @param call should end at the first Ctrl-C: a read has nothing to finish
 */
export async function planPromotion(
  operation: PromoteArguments['operation'],
  references: readonly string[],
  flags: PromotionFlags,
  context: Context,
  call: Call,
): Promise<PlannedChange<PlacementTypes>> {
  const { config } = await context.config()
  const given = argumentsOf(operation, references, flags, context.cwd)
  const requests = await promoteRequests(given, config, async (folder) =>
    onlyImageOfLayout(context, folder, call),
  )
  const targets = requests.flatMap((request) => request.to.targets)
  // The connections are opened while dray loads the parts that plan.
  await context.expectRepositories(
    targets,
    requests.map((request) => request.from.repository),
    expectedAccess(flags),
  )
  const planFor = await plannerOf(operation, targets, flags, context, call)
  return newChange(await planFor(requests), {
    planAgain: (images) => planFor(requests, images),
    ...(flags.verify && { planRepair: (done, placed) => planRepair(done, placed, config, planFor) }),
  })
}

function argumentsOf(
  operation: PromoteArguments['operation'],
  references: readonly string[],
  flags: PromotionFlags,
  cwd: string,
): PromoteArguments {
  const expected = flags['expect-digest']
  return {
    operation,
    references,
    ...(flags.from !== undefined && { from: flags.from }),
    ...(flags.to !== undefined && { to: flags.to }),
    ...(flags.attest !== undefined && { attest: flags.attest }),
    tags: flags.tag ?? [],
    platforms: (flags.platform ?? []).map((text) => asUsage(() => parsePlatformName(text))),
    allowBackward: flags['allow-backward'] ?? false,
    ...(expected !== undefined && { expect: asUsage(() => parseDigest(expected)) }),
    cwd,
  }
}

/** Plans the requests, or only those of some images. */
type Planner = (requests: readonly PromoteRequest[], images?: ReadonlySet<string>) => Promise<NewPlan>

async function plannerOf(
  operation: PlacementOperation,
  targets: readonly RepositoryName[],
  flags: PromotionFlags,
  context: Context,
  call: Call,
): Promise<Planner> {
  const partial = flags.partial ?? false
  const guard = await openGuard({ operation, targets, partial }, flags, context)
  const [{ gather, warnedImage }, { warnAboutTargets }, { decide }, policy] = await Promise.all([
    import('../../usecases/promote/gather.ts'),
    import('../../usecases/placing/tag-warnings.ts'),
    import('../../usecases/promote/decide.ts'),
    hashPolicy(
      {
        operation,
        moveTags: flags['move-tag'],
        evidenceConflict: flags['evidence-conflict'],
        partial,
      },
      {
        evidence: flags.evidence,
        attest: flags.attest ?? null,
        // Absent if it is false: decisions without it keep the hash of earlier versions.
        ...(flags['allow-backward'] === true && { allowBackward: true }),
        ...(flags.platform !== undefined && { platforms: flags.platform }),
        ...guard?.hashed,
      },
      context,
    ),
  ])
  return async (requests, images) => {
    const options = {
      clock: context.clock,
      evidence: flags.evidence,
      dangling: flags['allow-missing-evidence'] ? 'skip' : 'fail',
      ...(flags.verify && { readBack: await context.uncachedStores() }),
    } as const
    const stores = await context.stores()
    const read = (some: typeof requests): ReturnType<typeof gather> => gather(some, stores, options, call)
    const gathered = await (images === undefined ? read(requests) : gatherImages(requests, images, read))
    const readAt = earliestReading(gathered, context.clock)
    const decided = decide(gathered, policy, new Date(context.clock.now()))
    const sourceOptions = { ...options, evidenceConflict: policy.evidenceConflict }
    return {
      ...(await guardPromotion(decided, { guard, gathered, sourceOptions }, call)),
      readAt,
      warnings: [
        ...(guard?.warnings ?? []),
        ...warnAboutTargets(
          gathered.flatMap((one) => (one.kind === 'read' ? [warnedImage(one.snapshot)] : [])),
        ),
      ],
    }
  }
}

/** Applies gates and residency, with what was read for the plan. */
async function guardPromotion(
  plan: Plan,
  {
    guard,
    gathered,
    sourceOptions,
  }: {
    readonly guard: PlanGuard | undefined
    readonly gathered: readonly GatheredPromotion[]
    readonly sourceOptions: GateSourceOptions
  },
  call: Call,
): Promise<Pick<NewPlan, 'plan' | 'judgeAgain'>> {
  if (guard === undefined) return { plan }
  const { gateSources } = await import('../../usecases/promote/gate-sources.ts')
  return await guard.apply(plan, gateSources(gathered, sourceOptions), call)
}

/** Plans the repair of placed images. */
async function planRepair(
  plan: Plan,
  placed: ReadonlySet<PlacementId>,
  config: Config,
  planFor: Planner,
): Promise<NewPlan> {
  const { requestsToVerify } = await import('../../usecases/promote/verify.ts')
  const requests = requestsToVerify(plan, placed, ({ repository, environment }) =>
    readingAt(config, repository, environment),
  )
  return await planFor(requests)
}
