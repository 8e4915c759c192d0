import type { GateDefinition } from '../../../config/gates/gate.ts'
import { DrayError, type ErrorInfo } from '../../../lib/errors.ts'
import { didYouMean } from '../../../lib/nearest.ts'

/**
 * Returns the reason of each `--override-gate`, by the name of the gate: pure.
 * @param known the gates of all repositories that the run may write to
 * @throws `usage` without a reason, and for the name of no gate.
 */
export function gateOverrides(
  names: readonly string[],
  reason: string | undefined,
  known: readonly GateDefinition[],
): ReadonlyMap<string, string> {
  if (names.length === 0) return new Map()
  const all = [...new Set(known.map(({ name }) => name))]
  for (const name of names) if (!all.includes(name)) throw unknownGate(name, all)
  if (reason === undefined || reason.trim() === '') {
    throw new DrayError('usage', '--override-gate requires a reason', {
      why: 'the plan, the audit log and the attestation show why a gate was overridden',
      hint: 'Pass --reason TEXT.',
    })
  }
  return new Map(names.map((name) => [name, reason]))
}

/** Returns why gates that may never be overridden refuse an override; empty if there is none. */
export function forbiddenOverrides(
  overrides: ReadonlyMap<string, unknown>,
  gates: readonly GateDefinition[],
): readonly ErrorInfo[] {
  return gates
    .filter(({ name, override }) => override === 'never' && overrides.has(name))
    .map(({ name, environment }) => ({
      code: 'refused',
      message: `the gate ${name} of ${environment} cannot be overridden`,
      why: 'dray.yaml sets override: never for it',
      hint: `Remove --override-gate ${name}.`,
    }))
}

function unknownGate(name: string, known: readonly string[]): DrayError {
  const hint =
    known.length === 0
      ? 'The destination has no gates. Remove --override-gate.'
      : `${didYouMean(name, known) ?? ''} Gates there: ${known.join(', ')}.`.trim()
  return new DrayError('usage', `there is no gate ${JSON.stringify(name)}`, { hint })
}
