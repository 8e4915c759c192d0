import type { GateDefinition, TrustConfig } from './gate.ts'
import type { GateContext } from './gate-context.ts'

/**
 * Reports people without `actors`, once each: dray could not
 * recognise that they approve their own promotion. A gate with `allowSelfApproval` needs no actors.
 */
export function checkPeople(
  { approvers }: TrustConfig,
  gates: readonly GateDefinition[],
  { report }: GateContext,
): void {
  const demanding = gates.filter((gate) => gate.kind === 'approvals' && !gate.allowSelfApproval)
  const groups = new Set(demanding.flatMap((gate) => (gate.kind === 'approvals' ? gate.approvers : [])))
  for (const group of groups) {
    for (const [person, { actors, path }] of approvers.get(group) ?? []) {
      if (actors.length > 0) continue
      const why = `dray recognises the approval of the person who promotes by \`actors\``
      report(
        [...path, 'actors'],
        `${person} has no \`actors\`: ${why}; add it, or set \`allowSelfApproval\``,
        'key',
        true,
      )
    }
  }
}
