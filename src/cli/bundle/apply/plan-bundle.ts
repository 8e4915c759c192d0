import type { Call } from '../../../lib/call.ts'
import type { BundleDocument, BundleReceipt } from '../../../plan/bundle/bundle-document.ts'
import { refuseImages } from '../../../plan/gates/refuse-images.ts'
import type { Plan } from '../../../plan/plan.ts'
import { formatRepository } from '../../../oci/reference.ts'
import { refuseChangedTags } from '../../../usecases/bundle/apply/changed-tags.ts'
import type { PromoteRequest } from '../../../usecases/promote/request.ts'
import type { DeletingTypes } from '../../changes/deletes/deleting-operation.ts'
import type { PlannedChange, Review } from '../../changes/operation.ts'
import type { NewPlan, PlacementTypes } from '../../changes/placement-types.ts'
import {
  earliestReading,
  expectedAccess,
  gatherImages,
  hashPolicy,
  newChange,
  openGuard,
} from '../../changes/planning.ts'
import type { Context } from '../../wiring/context.ts'
import type { ApplyBundleFlags } from './apply-flags.ts'
import type { BundleDestination } from './destination.ts'
import { findLost } from './find-lost.ts'
import type { BundleDeletes } from './plan-bundle-deletes.ts'
import { type BundleRequest, bundleRequests, tagsWritten } from './requests.ts'

export interface BundleToPlan {
  readonly document: BundleDocument
  readonly isVerified: boolean
  readonly destination: BundleDestination
  /** the last receipt of the destination; undefined: there is none */
  readonly before: BundleReceipt | undefined
}

export interface PlannedBundle {
  readonly change: PlannedChange<DeletingTypes>
  /** absent: the plan has no deletes */
  readonly deletedBy?: BundleDeletes['deletedBy']
}

/**
 * Plans a bundle whose content is verified: a placement for each of its images at each repository
 * of the destination.
 * @param call should end at the first Ctrl-C: a read has nothing to finish
 */
export async function planBundle(
  bundle: BundleToPlan,
  flags: ApplyBundleFlags,
  context: Context,
  call: Call,
): Promise<PlannedBundle> {
  const { config } = await context.config()
  const requests = bundleRequests(bundle.document, {
    ...bundle,
    config,
    attest: flags.attest,
    allowBackward: flags['allow-backward'],
  })
  const targets = requests.flatMap(({ request }) => request.to.targets)
  await context.expectRepositories(targets, [], expectedAccess(flags))
  const guard = await openGuard({ operation: 'bundle', targets, partial: false }, flags, context)
  const [{ gather, warnedImage }, { warnAboutTargets }, { decide }, { gateSources }, policy] =
    await Promise.all([
      import('../../../usecases/promote/gather.ts'),
      import('../../../usecases/placing/tag-warnings.ts'),
      import('../../../usecases/promote/decide.ts'),
      import('../../../usecases/promote/gate-sources.ts'),
      hashPolicy(
        {
          operation: 'bundle' as const,
          moveTags: flags['move-tag'],
          evidenceConflict: flags['evidence-conflict'],
          partial: false,
        },
        {
          bundle: bundle.document.id,
          attest: flags.attest ?? null,
          overwriteChanged: flags['overwrite-changed'],
          allowBackward: flags['allow-backward'],
          ...guard?.hashed,
        },
        context,
      ),
    ])
  const dangling = flags['allow-missing-evidence'] ? 'skip' : 'fail'
  const options = { clock: context.clock, evidence: true, dangling } as const
  const planFor = async (images?: ReadonlySet<string>): Promise<NewPlan> => {
    const stores = await context.stores()
    const all: readonly PromoteRequest[] = requests.map(({ request }) => request)
    const read = (some: typeof all): ReturnType<typeof gather> => gather(some, stores, options, call)
    const known = await (images === undefined ? read(all) : gatherImages(all, images, read))
    const gathered = await findLost(known, bundle.document, stores, call)
    const decided = decide(gathered, policy, new Date(context.clock.now()))
    const checked = refuseChanged(ofBundle(decided, requests, bundle.document), requests, bundle, flags)
    const sources = gateSources(gathered, { ...options, evidenceConflict: policy.evidenceConflict })
    return {
      ...(guard === undefined ? { plan: checked } : await guard.apply(checked, sources, call)),
      readAt: earliestReading(gathered, context.clock),
      warnings: [
        ...(guard?.warnings ?? []),
        ...warnAboutTargets(
          gathered.flatMap((one) => (one.kind === 'read' ? [warnedImage(one.snapshot)] : [])),
        ),
      ],
    }
  }
  const change = newChange(await planFor(), { planAgain: planFor })
  return await withDeletes(change, bundle, flags, context, call)
}

/** Adds the deletes of the bundle, which are shown also if they are not executed. */
async function withDeletes(
  { plan, review: reviewCopies }: PlannedChange<PlacementTypes>,
  { document, destination }: BundleToPlan,
  flags: ApplyBundleFlags,
  context: Context,
  call: Call,
): Promise<PlannedBundle> {
  const isShown = flags.delete || flags['dry-run'] || !flags.yes
  const review = async (): Promise<Review<DeletingTypes>> => {
    const { findings, startedAt, warnings, omissions } = await reviewCopies()
    return { findings, startedAt, warnings, omissions }
  }
  if (document.deletes.length === 0 || !isShown) return { change: { plan, review } }
  const { planBundleDeletes } = await import('./plan-bundle-deletes.ts')
  const { deletedBy, ...deletes } = await planBundleDeletes(
    document,
    destination,
    flags['audit-file'],
    context,
    call,
  )
  return {
    deletedBy,
    change: {
      plan: { ...plan, deletes: deletes.plan, ...(flags.delete && { executesDeletes: true }) },
      review: async () => {
        const { findings, warnings, ...rest } = await review()
        return {
          ...rest,
          findings: { ...findings, deletes: deletes.findings },
          warnings: [...warnings, ...deletes.warnings],
        }
      },
    },
  }
}

/** Adds what audit records and people need to know of the bundle. */
function ofBundle(plan: Plan, requests: readonly BundleRequest[], { id }: BundleDocument): Plan {
  const roots = new Map(requests.map(({ request, root }) => [request.image, root]))
  return {
    ...plan,
    placements: plan.placements.map((placement) => {
      const { rule, platforms } = roots.get(placement.image) ?? {}
      return {
        ...placement,
        bundle: id,
        ...(rule !== undefined && { rule }),
        ...(platforms !== undefined && { platforms }),
      }
    }),
  }
}

/** Refuses moves of tags that are not where the base put them. */
function refuseChanged(
  plan: Plan,
  requests: readonly BundleRequest[],
  { before, destination }: BundleToPlan,
  { 'overwrite-changed': isOverwriting }: ApplyBundleFlags,
): Plan {
  if (isOverwriting) return plan
  const written = tagsWritten(before?.roots ?? [], destination)
  const replaced = new Map(requests.map(({ request, root }) => [request.image, root.replaces]))
  const refusals = refuseChangedTags(
    plan,
    ({ to, image }, tag) =>
      written.get(formatRepository(to.repository))?.get(tag) ??
      replaced.get(image)?.find((one) => one.tag === tag)?.digest,
  )
  return refuseImages(plan, refusals, { partial: false })
}
