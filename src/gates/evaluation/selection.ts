import type { GateOperation } from '../../config/gates/gate.ts'
import { matchesAnyGlob } from '../../oci/tag-glob.ts'
import type { ApplicableGate } from '../gate-request.ts'

/** Returns why a gate does not apply to an image and an operation; undefined if it applies. */
export function whySkipped(
  { gate, image }: ApplicableGate,
  operation: GateOperation | 'check',
): string | undefined {
  if (!matchesAnyGlob(gate.images, image)) return `the gate is not about ${image}: images`
  if (matchesAnyGlob(gate.excludeImages, image)) return `the gate is not about ${image}: excludeImages`
  if (operation !== 'check' && !gate.operations.includes(operation))
    return `the gate is not about ${operation}: operations`
  return undefined
}
