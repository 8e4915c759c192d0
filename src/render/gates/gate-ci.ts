import type { GateResult } from '../../plan/gates/gate-result.ts'
import type { RunOutcome } from '../../plan/outcome.ts'
import type { Plan } from '../../plan/plan.ts'
import { formatRow } from '../text/markdown.ts'
import { escapeText } from '../text/escape.ts'
import { formatGateVerdict, gateLines, gateNames } from './gate-rows.ts'

/** The gates of one image at one target. */
export interface GatedImage {
  readonly image: string
  readonly gates?: readonly GateResult[]
}

/** A table of gates in Markdown; empty if no image has gates. Several targets can share a row. */
export function gateSummary(images: readonly GatedImage[]): string {
  const rows = images.flatMap(({ image, gates = [] }) => {
    const nameOf = gateNames(gates)
    return gates.map((gate) =>
      formatRow([image, nameOf(gate), gate.kind, formatGateVerdict(gate), gateLines(gate).join('; ')]),
    )
  })
  if (rows.length === 0) return ''
  return `| Image | Gate | Kind | Result | Reason |\n| --- | --- | --- | --- | --- |\n${[...new Set(rows)].join('')}\n`
}

/**
 * Formats the workflow commands that show gates beside a run (GitHub, Workflow commands): a warning
 * for each gate that failed and did not refuse, an error for each that refused.
 */
export function gateAnnotations(images: readonly GatedImage[]): readonly string[] {
  const commands = images.flatMap(({ image, gates = [] }) => {
    const nameOf = gateNames(gates)
    return gates.flatMap((gate) => {
      if (gate.result === 'pass' || gate.result === 'skipped') return []
      const command = gate.effect === 'warned' || gate.effect === 'overridden' ? 'warning' : 'error'
      const text = [`${image}: gate ${nameOf(gate)}`, formatGateVerdict(gate), ...gateLines(gate)]
        .map(escapeText)
        .join(' — ')
      return [`::${command} title=dray::${text.replaceAll('%', '%25')}`]
    })
  })
  return [...new Set(commands)]
}

/** The images of a run with their gates; those just before the tags if they decided then. */
export function gatedImages({ placements }: Plan, outcome: RunOutcome | undefined): readonly GatedImage[] {
  const byId = new Map(outcome?.placements.map(({ placement, gates }) => [placement, gates]))
  return placements.map(({ id, image, gates: planned }) => {
    const gates = byId.get(id) ?? planned
    return { image, ...(gates !== undefined && { gates }) }
  })
}
