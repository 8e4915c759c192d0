import { isChanged, type PlacementOutcome, summarise } from '../../plan/outcome.ts'
import type { Plan } from '../../plan/plan.ts'
import { justificationOf } from './justification.ts'
import type { ChangePorts, Executed } from './operation.ts'
import type { PlacementFindings, PlacementTypes } from './placement-types.ts'

/** Whether an image is where it should be. */
export function isPlaced(outcome: PlacementOutcome): boolean {
  return isChanged(outcome) || outcome.status === 'unchanged'
}

export async function executePlacements(
  plan: Plan,
  findings: PlacementFindings | undefined,
  isConfirmed: boolean,
  { flags, context, call, stop, terminal }: ChangePorts,
): Promise<Executed<PlacementTypes>> {
  const { execute } = await import('../../execute/execute.ts')
  const ports = await context.executePorts(
    {
      auditFile: flags['audit-file'],
      isAttesting: plan.steps.some(({ kind }) => kind === 'attest'),
      ...justificationOf(flags),
    },
    call,
  )
  const tagLocks = await context.tagLocks(call)
  terminal.expectBytes(bytesToMove(plan))
  const freshness = {
    // What was read before a question is too old after it.
    ...(findings !== undefined && !isConfirmed && { readAt: findings.readAt }),
    ...(findings?.reviewed !== undefined && { reviewed: findings.reviewed }),
  }
  const steps = await execute(plan, { ...ports, tagLocks, stop, ...freshness }, call)
  return { outcome: summarise(plan, steps), record: ports.sink.place }
}

/**
 * The bytes of the images that are copied. Within one registry, blobs are mounted and nothing
 * moves.
 */
function bytesToMove({ steps, placements }: Plan): number {
  const copied = new Set(steps.flatMap((step) => (step.kind === 'copy' ? [step.placement] : [])))
  const moving = placements.filter(
    ({ id, from, to }) => copied.has(id) && from.repository.registry !== to.repository.registry,
  )
  return moving.reduce((sum, { size }) => sum + (size ?? 0), 0)
}
