import type { GateOperation } from '../../config/gates/gate.ts'
import { matchesGlob } from '../../oci/tag-glob.ts'
import type { ApplicableGate } from '../gate-request.ts'

/** Returns why a gate does not apply to an image and an operation; undefined if it applies. */
export function whySkipped(
  { gate, image }: ApplicableGate,
  operation: GateOperation | 'check',
): string | undefined {
  const matches = (globs: readonly string[]): boolean => globs.some((glob) => matchesGlob(glob, image))
  if (!matches(gate.images)) return `the gate is not about ${image}: images`
  if (matches(gate.excludeImages)) return `the gate is not about ${image}: excludeImages`
  if (operation !== 'check' && !gate.operations.includes(operation))
    return `the gate is not about ${operation}: operations`
  return undefined
}
