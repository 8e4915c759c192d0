import { DrayError, isDrayError } from '../../lib/errors.ts'
import type { BundleReceipt } from '../../plan/bundle/bundle-document.ts'
import type { ReceiptCheck } from '../../plan/bundle/receipt.ts'
import { canonicalJson } from '../../plan/canonical-json.ts'
import { envelopeToJson, parseEnvelope, type PublicKey, signEnvelope, signersOf } from '../../signing/dsse.ts'
import type { SigningKey } from '../../signing/signing-keys.ts'

/** The DSSE payload type of a receipt. The payload is the receipt as canonical JSON. */
const payloadType = 'application/vnd.dray.receipt+json'

/** The signature of a receipt, as in its file: a DSSE envelope without its payload. */
export function signReceipt(receipt: BundleReceipt, key: SigningKey): Readonly<Record<string, unknown>> {
  const envelope = signEnvelope(payloadType, Buffer.from(canonicalJson(receipt)), key)
  const { payload: _payload, ...signature } = envelopeToJson(envelope)
  return signature
}

/** Returns a check that one of the keys signed a receipt. It throws `refused`. */
export function receiptCheck(keys: readonly PublicKey[]): ReceiptCheck {
  return (canonical, signature, name) => {
    if (isSigned(canonical, signature, keys, name)) return
    throw new DrayError('refused', `the signature of the receipt ${name} is not verified`, {
      subject: name,
      why:
        signature === undefined
          ? 'it has no signature'
          : 'no given key made its signature, or the receipt was changed after it was signed',
      hint: 'Pass the public key of the destination with --key, or use the receipt that dray bundle apply wrote there.',
    })
  }
}

function isSigned(canonical: string, signature: unknown, keys: readonly PublicKey[], name: string): boolean {
  try {
    const fields = typeof signature === 'object' ? { ...signature } : {}
    const payload = Buffer.from(canonical).toString('base64')
    const envelope = parseEnvelope({ ...fields, payload }, name)
    return envelope.payloadType === payloadType && signersOf(envelope, keys).some((key) => key !== undefined)
  } catch (error) {
    if (isDrayError(error) && error.code === 'malformed') return false
    throw error
  }
}
