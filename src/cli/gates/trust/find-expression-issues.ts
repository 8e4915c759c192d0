import type { GateDefinition } from '../../../config/gates/gate.ts'
import type { Config } from '../../../config/config.ts'
import type { Issue } from '../../../config/shape.ts'
import { isDrayError } from '../../../lib/errors.ts'
import { mistakeOf } from './mistake-of.ts'

/**
 * Compiles the expressions of gates, and returns the mistakes. It loads the engine only if there is
 * an expression.
 */
export async function findExpressionIssues(
  gates: readonly GateDefinition[],
  config: Config,
): Promise<readonly Issue[]> {
  const found = gates.flatMap((gate) => {
    const expression = gate.kind === 'attestation' || gate.kind === 'cel' ? gate.expression : undefined
    return expression === undefined ? [] : [{ gate, expression }]
  })
  if (found.length === 0) return []
  const { compileCondition } = await import('../../../gates/cel/condition.ts')
  return found.flatMap(({ gate, expression }): readonly Issue[] => {
    try {
      if (gate.kind === 'attestation') compileCondition(expression, 'attestation')
      else compileCondition(expression, 'rule', otherGates(gate, gates, config))
      return []
    } catch (thrown) {
      if (!isDrayError(thrown) || thrown.code !== 'config') throw thrown
      return [mistakeOf(thrown, [...gate.path, gate.kind, 'expression'])]
    }
  })
}

/** The names that a rule can use in `attestations.NAME`. */
function otherGates(
  { environment, name }: GateDefinition,
  given: readonly GateDefinition[],
  config: Config,
): readonly string[] {
  // The gates of a sync rule belong to no environment.
  const gates = config.environments.get(environment)?.gates ?? given
  return gates
    .filter((gate) => gate.environment === environment)
    .map((gate) => gate.name)
    .filter((other) => other !== name)
}
