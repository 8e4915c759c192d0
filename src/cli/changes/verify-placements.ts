import { DrayError } from '../../lib/errors.ts'
import { formatAt } from '../../oci/reference.ts'
import type { RunOutcome } from '../../plan/outcome.ts'
import type { Plan } from '../../plan/plan.ts'
import type { ChangePorts, Executed } from './operation.ts'
import { findingsOf, type PlacementFindings, type PlacementTypes } from './placement-types.ts'
import {
  movedAfterwards,
  movedByOthers,
  type TagMovedAway,
  withoutTags,
} from '../../usecases/promote/verify.ts'
import { executePlacements, isPlaced } from './execute-placements.ts'

/** Repairs that are attempted before `--verify` fails. */
const maxRepairs = 2

/**
 * Reads back what a plan has placed, and repairs what is missing.
 * @throws `corrupt` if something is still missing after the repairs; the reason if it cannot be
 * read or repaired.
 */
export async function verifyPlacements(
  plan: Plan,
  executed: Executed<PlacementTypes>,
  planRepair: NonNullable<PlacementFindings['planRepair']>,
  ports: ChangePorts,
): Promise<Executed<PlacementTypes>> {
  const placed = new Set(executed.outcome.placements.filter(isPlaced).map(({ placement }) => placement))
  if (placed.size === 0) return executed
  let expected = plan
  // A plan without steps was made from what was read back just now.
  for (let repairs = 0; plan.steps.length > 0;) {
    const planned = await planRepair(expected, placed)
    const { plan: repair } = planned
    const moved = await tagsMovedAfterwards(repair, plan, executed.auditLog, ports)
    if (moved.length > 0) {
      expected = withoutTags(expected, moved)
      continue
    }
    const [refusal] = repair.refusals
    if (refusal !== undefined) throw new DrayError(refusal.error.code, refusal.error.message, refusal.error)
    if (repair.steps.length === 0) break
    if (repairs++ === maxRepairs) throw stillMissing(repair)
    ports.terminal.warn(`content is missing at ${referencesOf(repair)}: dray copies it again`)
    const { outcome } = await executePlacements(repair, findingsOf(planned), false, ports)
    if (outcome.refusals.length > 0 || !outcome.placements.every(isPlaced))
      throw reasonOf(outcome, ports.stop)
  }
  return { ...executed, verified: true }
}

/**
 * Returns the tags that later runs of the same audit log have moved, and reports them.
 * @throws `conflict` if the log has no record of a move.
 */
async function tagsMovedAfterwards(
  repair: Plan,
  plan: Plan,
  auditLog: string,
  { context, call, terminal }: ChangePorts,
): Promise<readonly TagMovedAway[]> {
  const moved = movedByOthers(repair)
  if (moved.length === 0) return []
  const [{ conflictPorts }, { findTagMover }, { formatTagMover }] = await Promise.all([
    import('./conflicts/conflict-ports.ts'),
    import('../../execute/records/explain-conflict.ts'),
    import('../../plan/attempts/tag-mover.ts'),
  ])
  const ports = await conflictPorts({ auditLog, plan, findings: undefined }, context, call)
  for (const tag of moved) {
    const mover = await findTagMover(tag, ports)
    if (mover === null) throw movedAfterwards(tag, formatTagMover(mover))
    const name = formatAt(tag.repository, { tag: tag.tag })
    terminal.warn(`${name} was moved after this run wrote it. ${formatTagMover(mover)}`)
  }
  return moved
}

/** Why a repair failed. */
function reasonOf({ placements }: RunOutcome, stop: AbortSignal): unknown {
  const [error] = placements.flatMap(({ errors }) => errors)
  return error === undefined || stop.aborted ? stop.reason : new DrayError(error.code, error.message, error)
}

function stillMissing(repair: Plan): DrayError {
  return new DrayError(
    'corrupt',
    `content is missing at ${referencesOf(repair)} although dray copied it again`,
    {
      why: 'the registry accepted the content and does not return it',
      hint: 'Ask the administrator of the registry to check its storage and to clear its cache.',
    },
  )
}

function referencesOf({ steps, placements }: Plan): string {
  const damaged = new Set(steps.map(({ placement }) => placement))
  return placements
    .filter(({ id }) => damaged.has(id))
    .map(({ to, root }) => formatAt(to.repository, { digest: root.digest }))
    .join(', ')
}
