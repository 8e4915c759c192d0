import { DrayError, isDrayError } from '../../lib/errors.ts'
import { canonicalJson } from '../../plan/canonical-json.ts'
import type { Plan } from '../../plan/plan.ts'
import type { PrunePlan } from '../../plan/prune/prune-plan.ts'
import { envelopeToJson, parseEnvelope, type PublicKey, signEnvelope, signersOf } from '../../signing/dsse.ts'
import type { SigningKey } from '../../signing/signing-keys.ts'

/** The DSSE payload type of a saved plan. The payload is the plan as canonical JSON. */
const payloadType = 'application/vnd.dray.plan+json'

/** The signature of a plan, as in the plan file: a DSSE envelope without its payload. */
export function signPlan(plan: Plan | PrunePlan, key: SigningKey): Readonly<Record<string, unknown>> {
  const envelope = signEnvelope(payloadType, Buffer.from(canonicalJson(plan)), key)
  const { payload: _payload, ...signature } = envelopeToJson(envelope)
  return signature
}

/**
 * Checks that one of the keys signed a plan.
 * @param canonical the plan as canonical JSON
 * @param signature the signature in the plan file; undefined if it has none
 * @throws `refused` for a plan that is not signed, was changed, or is signed by another key.
 */
export function checkPlanSignature(
  canonical: string,
  signature: unknown,
  keys: readonly PublicKey[],
  name: string,
): void {
  const payload = Buffer.from(canonical)
  if (signature === undefined)
    throw notTrusted(name, 'it has no signature', 'Create the plan again with audit.sign.key in dray.yaml.')
  if (!isSigned(signature, payload, keys, name)) {
    throw notTrusted(
      name,
      'no key of --key made its signature, or the plan was changed after it was signed',
      'Pass the public key of the signer, or create the plan again.',
    )
  }
}

function isSigned(signature: unknown, payload: Buffer, keys: readonly PublicKey[], name: string): boolean {
  try {
    const fields = typeof signature === 'object' ? { ...signature } : {}
    const envelope = parseEnvelope({ ...fields, payload: payload.toString('base64') }, name)
    return envelope.payloadType === payloadType && signersOf(envelope, keys).some((key) => key !== undefined)
  } catch (error) {
    if (isDrayError(error) && error.code === 'malformed') return false
    throw error
  }
}

function notTrusted(name: string, why: string, hint: string): DrayError {
  return new DrayError('refused', `${name} has no valid signature of a key of --key`, {
    subject: name,
    why,
    hint,
  })
}
