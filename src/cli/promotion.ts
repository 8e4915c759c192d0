import { boolean, option, string } from '@oclif/core/flags'
import type { Call } from '../call.ts'
import { parseDigest } from '../oci/digest.ts'
import type { Operation, Plan } from '../plan/plan.ts'
import type { Change } from './change-command.ts'
import type { Context } from './context.ts'
import { requestsOf } from './requests.ts'
import { asUsage } from './usage-error.ts'

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
  readonly evidence: boolean
  readonly 'allow-missing-evidence': boolean
  readonly 'evidence-conflict': 'refuse' | 'keep' | 'replace'
  readonly verify: boolean
  readonly 'dry-run': boolean
  readonly out?: string | undefined
  readonly yes: boolean
}

/** Reads the world and decides: what `promote` and `copy` are about to do. */
export async function planPlacing(
  operation: Operation,
  words: readonly string[],
  flags: PlacingFlags,
  context: Context,
  call: Call,
): Promise<Change> {
  const { config } = await context.config()
  const expected = flags['expect-digest']
  const requests = await requestsOf(
    {
      words,
      ...(flags.from !== undefined && { from: flags.from }),
      ...(flags.to !== undefined && { to: flags.to }),
      tags: flags.tag ?? [],
      ...(expected !== undefined && { expect: asUsage(() => parseDigest(expected)) }),
      cwd: context.cwd,
    },
    operation === 'promote' ? 'promotion' : 'copy',
    config,
    async (folder) => context.onlyImageOfLayout(folder, call),
  )
  const [{ gather }, { decide }, { hashOfConfig }, { canonicalJson }, { digestOf }] = await Promise.all([
    import('../promote/gather.ts'),
    import('../promote/decide.ts'),
    import('../config/hash.ts'),
    import('../plan/canonical-json.ts'),
    import('../oci/digest.ts'),
  ])
  const policy = {
    operation,
    moveTags: flags['move-tag'],
    evidenceConflict: flags['evidence-conflict'],
    partial: flags.partial ?? false,
    tool: context.version,
  }
  const hash = digestOf(canonicalJson({ ...policy, config: hashOfConfig(config), evidence: flags.evidence }))
  const stores = await context.stores()
  const readBack = flags.verify ? await context.uncachedStores() : undefined
  const decideNow = async (): Promise<Plan> => {
    const gathered = await gather(
      requests,
      stores,
      {
        evidence: flags.evidence,
        dangling: flags['allow-missing-evidence'] ? 'skip' : 'fail',
        ...(readBack !== undefined && { readBack }),
      },
      call,
    )
    return decide(gathered, { ...policy, hash }, new Date(context.clock.now()))
  }
  // One token for the whole run; a run that may end after looking asks for no more than looking needs.
  const willWrite = flags.yes && !flags['dry-run'] && flags.out === undefined
  await context.expectRepositories(
    requests.flatMap((request) => request.to.targets),
    requests.map((request) => request.from.repository),
    willWrite ? 'write' : 'read',
  )
  return { plan: await decideNow(), isFresh: true, ...(flags.verify && { verify: decideNow }) }
}
