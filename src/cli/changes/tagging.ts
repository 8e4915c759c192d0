import type { Call } from '../../lib/call.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import type { Repositories } from '../../images/ports.ts'
import type { Hash, Plan } from '../../plan/plan.ts'
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
import { type RollbackOptions, rollbackRequest } from '../arguments/rollback-request.ts'
import { warnAboutMissingSuffix, warnAboutVersionFlags } from '../arguments/tagging-policy.ts'
import { type TagArguments, tagRequests } from '../arguments/tag-requests.ts'

export interface TaggingFlags extends WriteFlags {
  readonly 'move-tag': boolean
  readonly partial: boolean
}

/** Reads and decides what `tag` does. */
export async function planTagging(
  args: Omit<TagArguments, 'cwd'>,
  flags: TaggingFlags,
  context: Context,
  call: Call,
): Promise<PlannedChange<PlacementTypes>> {
  const { config } = await context.config()
  const requests = tagRequests({ ...args, cwd: context.cwd }, config)
  const [{ gather, warnedImage }, { warnAboutTargets }, { decide }, { describeIgnoredNext, givenVersion }] =
    await Promise.all([
      import('../../usecases/tag/gather.ts'),
      import('../../usecases/placing/tag-warnings.ts'),
      import('../../usecases/tag/decide.ts'),
      import('../../usecases/tag/version.ts'),
    ])
  return await planInPlace(
    {
      targets: requests.flatMap(({ targets }) => targets),
      gather: (repositories) => gather(requests, repositories, context, call),
      gatherAgain: (repositories, images) =>
        gatherImages(requests, images, (some) => gather(some, repositories, context, call)),
      decide,
      readAt: (gathered) => earliestReading(gathered, context.clock),
      warnings: (gathered) => {
        const read = gathered.flatMap((one) => (one.kind === 'read' ? [one.snapshot] : []))
        return [
          ...warnAboutVersionFlags(requests, config),
          ...warnAboutMissingSuffix(
            read.flatMap((one) => givenVersion(one) ?? []),
            args.policy,
          ),
          ...read.flatMap(describeIgnoredNext),
          ...warnAboutTargets(read.map(warnedImage)),
        ]
      },
      operation: 'tag',
      hashed: args.policy,
    },
    flags,
    context,
    call,
  )
}

/** Reads and decides what `rollback` does. */
export async function planRollback(
  args: Pick<RollbackOptions, 'image' | 'env' | 'to' | 'variant'>,
  flags: TaggingFlags,
  context: Context,
  call: Call,
): Promise<PlannedChange<PlacementTypes>> {
  const { config } = await context.config()
  const request = rollbackRequest({ ...args, partial: flags.partial, cwd: context.cwd }, config)
  const [{ gather, warnedImage }, { warnAboutTargets }, { decide }] = await Promise.all([
    import('../../usecases/rollback/gather.ts'),
    import('../../usecases/placing/tag-warnings.ts'),
    import('../../usecases/rollback/decide.ts'),
  ])
  return await planInPlace(
    {
      targets: request.targets,
      gather: (repositories) => gather(request, repositories, context, call),
      decide,
      readAt: (snapshot) => snapshot.readAt,
      warnings: (snapshot) => warnAboutTargets([warnedImage(snapshot)]),
      operation: 'rollback',
      hashed: args.variant === undefined ? {} : { variant: args.variant },
    },
    flags,
    context,
    call,
  )
}

/** How an operation that moves tags within repositories reads and decides. */
interface InPlacePlanning<Snapshot> {
  readonly operation: 'tag' | 'rollback'
  readonly targets: readonly RepositoryName[]
  readonly gather: (repositories: Repositories) => Promise<Snapshot>
  /** reads only these images; absent: the operation is not decided again */
  readonly gatherAgain?: (repositories: Repositories, images: ReadonlySet<string>) => Promise<Snapshot>
  readonly decide: (snapshot: Snapshot, policy: InPlacePolicy, now: Date) => Plan
  readonly readAt: (snapshot: Snapshot) => number
  /** what a person should know about the arguments; shown with the plan */
  readonly warnings?: (snapshot: Snapshot) => readonly string[]
  /** covered by the hash of the policy, in addition to the policy and the operation */
  readonly hashed: object
}

interface InPlacePolicy {
  readonly moveTags: boolean
  readonly partial: boolean
  readonly tool: string
  readonly hash: Hash
}

async function planInPlace<Snapshot>(
  { operation, targets, gather, gatherAgain, decide, readAt, warnings, hashed }: InPlacePlanning<Snapshot>,
  flags: TaggingFlags,
  context: Context,
  call: Call,
): Promise<PlannedChange<PlacementTypes>> {
  const { partial } = flags
  await context.expectRepositories(targets, [], expectedAccess(flags))
  const guard = await openGuard({ operation, targets, partial }, flags, context)
  const stores = await context.stores()
  const snapshot = await gather(stores)
  const covered = { operation, ...hashed, ...guard?.hashed }
  const policy = await hashPolicy({ moveTags: flags['move-tag'], partial }, covered, context)
  const planOf = async (read: Snapshot): Promise<NewPlan> => {
    const plan = decide(read, policy, new Date(context.clock.now()))
    const guarded = guard === undefined ? { plan } : await guard.apply(plan, new Map(), call)
    return { ...guarded, readAt: readAt(read) }
  }
  const again = gatherAgain && {
    planAgain: async (images: ReadonlySet<string>) => await planOf(await gatherAgain(stores, images)),
  }
  const texts = [...(guard?.warnings ?? []), ...(warnings?.(snapshot) ?? [])]
  return newChange({ ...(await planOf(snapshot)), warnings: texts }, { ...again })
}
