import { boolean } from '@oclif/core/flags'
import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import type { PlannedChange } from '../changes/operation.ts'
import type { PlacementTypes } from '../changes/placement-types.ts'
import { flagGroups } from '../help/flag-groups.ts'
import type { Context } from '../wiring/context.ts'
import { gitFlags } from './git-flags.ts'
import type { PublishFlags } from './git-request.ts'

/** Flags of the commands that write tags, and then edit deployment files. */
export const gitopsFlags = {
  gitops: boolean({
    summary: 'Also edit the deployment files of the environment.',
    helpGroup: flagGroups.git,
  }),
  ...gitFlags,
}

export interface EditFlags extends PublishFlags {
  readonly gitops?: boolean | undefined
}

/**
 * Adds edits to a plan if the flags ask for them. Otherwise nothing is loaded.
 * @throws `usage` for a commit without edits; what `addEdits` throws.
 */
export async function withEdits(
  change: PlannedChange<PlacementTypes>,
  flags: EditFlags,
  context: Context,
  call: Call,
): Promise<PlannedChange<PlacementTypes>> {
  if (flags.gitops !== true) {
    const given = (['commit', 'push', 'pr'] as const).find((name) => flags[name] === true)
    if (given === undefined) return change
    throw new DrayError('usage', `--${given} needs --gitops`, {
      hint: `Pass --gitops, so that there are edits to commit, or omit --${given}.`,
    })
  }
  const { addEdits } = await import('./add-edits.ts')
  return await addEdits(change, flags, context, call)
}
