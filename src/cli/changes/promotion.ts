import { boolean, option, string } from '@oclif/core/flags'
import type { Call } from '../../lib/call.ts'
import { digestOf, parseDigest } from '../../oci/digest.ts'
import type { PlacementId, PlacementOperation, Plan } from '../../plan/plan.ts'
import type { PromoteRequest as Request } from '../../usecases/promote/request.ts'
import type { Change } from './change-command.ts'
import type { Context } from '../wiring/context.ts'
import { type PromoteArguments, promoteRequests } from '../arguments/promote-requests.ts'
import { asUsage } from '../../lib/as-usage.ts'

/** Flags of `promote` and `copy` that say what happens to tags and evidence. */
export const placingFlags = {
  tag: string({
    summary: "The tag to write in place of the source's; may be given several times.",
    helpValue: 'TAG',
    multiple: true,
    multipleNonGreedy: true,
  }),
  'expect-digest': string({
    summary: 'Refuse any other image than this one: what was tested.',
    helpValue: 'DIGEST',
  }),
  'move-tag': boolean({ summary: 'Let an exact version tag (1.4.2) move to another image.' }),
  evidence: boolean({
    summary: 'Look for signatures, SBOMs and attestations, and take them along (the default).',
    allowNo: true,
    default: true,
  }),
  'allow-missing-evidence': boolean({
    summary: 'Go on where evidence is listed whose manifest is not there.',
  }),
  'evidence-conflict': option({ options: ['refuse', 'keep', 'replace'] as const })({
    summary: 'Where a cosign tag holds one thing here and another there.',
    default: 'refuse' as const,
  }),
  attest: boolean({
    summary:
      'Put a statement of this promotion beside each image, before its tags move; else `attest` of the environment decides.',
    allowNo: true,
  }),
  verify: boolean({
    summary:
      'Read back every manifest and a byte of every blob at the destination, and repair what is missing.',
  }),
}

export interface PlacingFlags {
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly partial?: boolean
  readonly tag: readonly string[] | undefined
  readonly 'expect-digest': string | undefined
  readonly 'move-tag': boolean
  readonly 'allow-backward'?: boolean
  readonly evidence: boolean
  readonly 'allow-missing-evidence': boolean
  readonly 'evidence-conflict': 'refuse' | 'keep' | 'replace'
  readonly attest: boolean | undefined
  readonly verify: boolean
  readonly 'dry-run': boolean
  readonly out?: string | undefined
  readonly yes: boolean
}

/**
 * Reads the world and decides: what `promote` and `copy` are about to do. `call` should end with the first Ctrl-C: what only reads has nothing to finish.
 */
export async function planPlacing(
  operation: PromoteArguments['operation'],
  references: readonly string[],
  flags: PlacingFlags,
  context: Context,
  call: Call,
): Promise<Change> {
  const { config } = await context.config()
  const given = argumentsOf(operation, references, flags, context.cwd)
  const requests = await promoteRequests(given, config, async (folder) =>
    context.onlyImageOfLayout(folder, call),
  )
  const planFor = await plannerOf(operation, flags, context, call)
  // One token for the whole run; a run that may end after looking asks for no more than looking needs.
  const willWrite = flags.yes && !flags['dry-run'] && flags.out === undefined
  await context.expectRepositories(
    requests.flatMap((request) => request.to.targets),
    requests.map((request) => request.from.repository),
    willWrite ? 'write' : 'read',
  )
  const readAt = context.clock.now()
  return {
    plan: await planFor(requests),
    readAt,
    ...(flags.verify && { verify: (plan, placed) => planRepair(plan, placed, planFor) }),
  }
}

function argumentsOf(
  operation: PromoteArguments['operation'],
  references: readonly string[],
  flags: PlacingFlags,
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
    allowBackward: flags['allow-backward'] ?? false,
    ...(expected !== undefined && { expect: asUsage(() => parseDigest(expected)) }),
    cwd,
  }
}

type Planner = (requests: readonly Request[]) => Promise<Plan>

/** The use case with its policy: the flags, and the configuration as a hash. */
async function plannerOf(
  operation: PlacementOperation,
  flags: PlacingFlags,
  context: Context,
  call: Call,
): Promise<Planner> {
  const [{ gather }, { decide }, { hashOfConfig }, { canonicalJson }, { config }] = await Promise.all([
    import('../../usecases/promote/gather.ts'),
    import('../../usecases/promote/decide.ts'),
    import('../../config/hash.ts'),
    import('../../plan/canonical-json.ts'),
    context.config(),
  ])
  const policy = {
    operation,
    moveTags: flags['move-tag'],
    evidenceConflict: flags['evidence-conflict'],
    partial: flags.partial ?? false,
    tool: context.version,
  }
  const hash = digestOf(
    canonicalJson({
      ...policy,
      config: hashOfConfig(config),
      evidence: flags.evidence,
      attest: flags.attest ?? null,
      // as above: what was decided without it keeps its hash
      ...(flags['allow-backward'] === true && { allowBackward: true }),
    }),
  )
  return async (requests) => {
    const options = {
      clock: context.clock,
      evidence: flags.evidence,
      dangling: flags['allow-missing-evidence'] ? 'skip' : 'fail',
      ...(flags.verify && { readBack: await context.uncachedStores() }),
    } as const
    const gathered = await gather(requests, await context.stores(), options, call)
    return decide(gathered, { ...policy, hash }, new Date(context.clock.now()))
  }
}

/** What has to be put again of what a plan has placed. @throws `conflict` where a tag was moved by others. */
async function planRepair(plan: Plan, placed: ReadonlySet<PlacementId>, planFor: Planner): Promise<Plan> {
  const { movedByOthers, requestsToVerify } = await import('../../usecases/promote/verify.ts')
  const repair = await planFor(requestsToVerify(plan, placed))
  const moved = movedByOthers(repair)
  if (moved !== undefined) throw moved
  return repair
}
