import { DrayError, isDrayError } from '../../lib/errors.ts'
import { parseJson } from '../../oci/json.ts'
import {
  type Envelope,
  envelopeToJson,
  parseEnvelope,
  type PublicKey,
  signEnvelope,
  signersOf,
} from '../../signing/dsse.ts'
import type { SigningKey } from '../../signing/signing-keys.ts'

/** The DSSE payload type of a bundle. The payload is `dray-bundle.json`. */
const payloadType = 'application/vnd.dray.bundle+json'

/** Signs `dray-bundle.json`: the bytes of `dray-bundle.json.dsse`, a DSSE envelope. */
export function signBundle(document: Uint8Array, key: SigningKey): Uint8Array {
  return Buffer.from(print(signEnvelope(payloadType, document, key)))
}

/**
 * Returns the key that signed a bundle, of the given ones.
 * @param document the bytes of `dray-bundle.json`
 * @param signature the bytes of `dray-bundle.json.dsse`; undefined: the bundle is not signed
 * @throws `refused` for a bundle that is not signed or is signed by none of the keys; `malformed`
 * for a signature that dray does not write, or that is of another bundle.
 */
export function verifyBundleSignature<Key extends PublicKey>(
  document: Uint8Array,
  signature: Uint8Array | undefined,
  keys: readonly Key[],
  name: string,
): Key {
  if (signature === undefined) {
    throw new DrayError('refused', `the bundle ${name} is not signed`, {
      subject: name,
      hint: 'Create the bundle with --sign.',
    })
  }
  const [signer] = signersOf(parseBundleSignature(document, signature, name), keys)
  if (signer !== undefined) return signer
  throw new DrayError('refused', `the signature of the bundle ${name} is not valid`, {
    subject: name,
    why: 'none of the given keys made it',
    hint: 'Pass the public key of the signer with --key, or list it under signers in dray.yaml.',
  })
}

/**
 * Parses a signature without verifying it: one signature, in the one form that dray writes, of this
 * document.
 * @throws `malformed`.
 */
export function parseBundleSignature(document: Uint8Array, signature: Uint8Array, name: string): Envelope {
  const envelope = parsed(signature, `the signature of the bundle ${name}`)
  const isOfBundle = envelope.payloadType === payloadType && Buffer.from(envelope.payload).equals(document)
  if (!isOfBundle) throw invalid(name, 'it is the signature of something else')
  const isCanonical = Buffer.from(print(envelope)).equals(signature)
  if (!isCanonical || envelope.signatures.length !== 1) {
    throw invalid(name, 'it does not have the form that dray writes')
  }
  return envelope
}

function parsed(signature: Uint8Array, where: string): Envelope {
  try {
    return parseEnvelope(parseJson(signature, where), where)
  } catch (error) {
    if (!isDrayError(error)) throw error
    throw error.with({ hint: 'Create the bundle again, or transfer it again.' })
  }
}

function print(envelope: Envelope): string {
  return JSON.stringify(envelopeToJson(envelope))
}

function invalid(name: string, why: string): DrayError {
  return new DrayError('malformed', `the signature of the bundle ${name} is not valid`, {
    subject: name,
    why,
    hint: 'Create the bundle again, or transfer it again.',
  })
}
