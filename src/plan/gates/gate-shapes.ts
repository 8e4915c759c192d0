import * as v from 'valibot'
import { digest, error, time } from '../shapes.ts'
import { gateEffects, gateKinds, gateVerdicts } from './gate-result.ts'

/** Creates the shape of the result of a gate in a plan file. */
export function createGateResultShape(): v.GenericSchema {
  const verdict = v.picklist(gateVerdicts)

  return v.strictObject({
    name: v.string(),
    environment: v.string(),
    kind: v.picklist(gateKinds),
    result: verdict,
    effect: v.picklist(gateEffects),
    reason: v.string(),
    subjects: v.array(
      v.strictObject({ digest, platform: v.exactOptional(v.string()), result: verdict, reason: v.string() }),
    ),
    evidence: v.array(
      v.strictObject({ digest, signer: v.exactOptional(v.string()), time: v.exactOptional(time) }),
    ),
    definition: v.string(),
    evaluatedAt: time,
    validUntil: v.exactOptional(time),
    passesAfter: v.exactOptional(time),
    override: v.exactOptional(v.strictObject({ reason: v.string() })),
    warnings: v.exactOptional(v.array(v.string())),
    hint: v.exactOptional(v.string()),
    error: v.exactOptional(error),
  })
}
