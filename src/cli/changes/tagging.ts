import type { Call } from '../../lib/call.ts'
import { digestOf } from '../../oci/digest.ts'
import type { Hash } from '../../plan/plan.ts'
import type { RollbackRequest } from '../../usecases/rollback/request.ts'
import type { Change } from './change-command.ts'
import type { Context } from '../wiring/context.ts'
import { type RollbackOptions, rollbackRequest } from '../arguments/rollback-request.ts'
import { type TagArguments, tagRequests } from '../arguments/tag-requests.ts'

/** What decides whether tags may move that do not, and whether the run goes on to write. */
export interface MovingFlags {
  readonly 'move-tag': boolean
  readonly partial: boolean
  readonly yes: boolean
  readonly 'dry-run': boolean
  readonly out?: string | undefined
}

/** Reads the world and decides: what `tag` is about to do. */
export async function planTagging(
  said: Omit<TagArguments, 'cwd'>,
  flags: MovingFlags,
  context: Context,
  call: Call,
): Promise<Change> {
  const { config } = await context.config()
  const requests = tagRequests({ ...said, cwd: context.cwd }, config)
  const [{ gather, earliestReading }, { decide }] = await Promise.all([
    import('../../usecases/tag/gather.ts'),
    import('../../usecases/tag/decide.ts'),
    expectWrites(
      requests.flatMap(({ targets }) => targets),
      flags,
      context,
    ),
  ])
  const stores = await context.stores()
  const gathered = await gather(requests, stores, context, call)
  const policy = await policyOf({ operation: 'tag', ...said.policy }, flags, context)
  const plan = decide(gathered, policy, new Date(context.clock.now()))
  const readAt = earliestReading(gathered).readSince
  return { plan, ...(readAt !== undefined && { readAt }) }
}

/** Reads the world and decides: what `rollback` is about to do. */
export async function planRollback(
  said: Pick<RollbackOptions, 'image' | 'env' | 'to'>,
  flags: MovingFlags,
  context: Context,
  call: Call,
): Promise<Change> {
  const { config } = await context.config()
  const request = rollbackRequest({ ...said, partial: flags.partial, cwd: context.cwd }, config)
  const [{ gather }, { decide }] = await Promise.all([
    import('../../usecases/rollback/gather.ts'),
    import('../../usecases/rollback/decide.ts'),
    expectWrites(request.targets, flags, context),
  ])
  const stores = await context.stores()
  const snapshot = await gather(request, stores, context, call)
  const policy = await policyOf({ operation: 'rollback' }, flags, context)
  const plan = decide(snapshot, policy, new Date(context.clock.now()))
  return { plan, readAt: snapshot.readSince }
}

/** One token for the whole run; a run that may end after looking asks for no more than looking needs. */
async function expectWrites(
  targets: RollbackRequest['targets'] | readonly RollbackRequest['targets'][0][],
  flags: MovingFlags,
  context: Context,
): Promise<void> {
  await context.expectRepositories(targets, [], willWrite(flags) ? 'write' : 'read')
}

/** Whether the run goes on to write without a question. */
function willWrite(flags: MovingFlags): boolean {
  return flags.yes && !flags['dry-run'] && flags.out === undefined
}

async function policyOf(
  said: object,
  flags: MovingFlags,
  context: Context,
): Promise<{
  readonly moveTags: boolean
  readonly partial: boolean
  readonly tool: string
  readonly hash: Hash
}> {
  const [{ hashOfConfig }, { canonicalJson }, { config }] = await Promise.all([
    import('../../config/hash.ts'),
    import('../../plan/canonical-json.ts'),
    context.config(),
  ])
  const policy = { moveTags: flags['move-tag'], partial: flags.partial, tool: context.version }
  return { ...policy, hash: digestOf(canonicalJson({ ...policy, ...said, config: hashOfConfig(config) })) }
}
