import { createPublicKey, type KeyObject, type X509Certificate } from 'node:crypto'
import { DrayError } from '../lib/errors.ts'
import { Fields } from '../oci/fields.ts'
import { ed25519phVerifier } from './ed25519ph.ts'
import { type SigningKey, verifies, type VerifyKey } from './signing-keys.ts'

/** Shorter keys can be factored (NIST SP 800-131A). */
const minRsaBits = 2048
/** More signatures than any statement has. Each is checked with each key. */
const maxSignatures = 32

/** Signed bytes (DSSE, envelope.md). */
export interface Envelope {
  readonly payloadType: string
  readonly payload: Uint8Array
  readonly signatures: readonly EnvelopeSignature[]
}

interface EnvelopeSignature {
  readonly sig: Uint8Array
  /** a hint; not protected by the signature */
  readonly keyid?: string
}

/** A public key to check a signature with. */
export type PublicKey = Pick<VerifyKey, 'verify' | 'publicKeyPem'>

/** The signed bytes: type and payload with their lengths (DSSE, protocol.md, PAE). */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = Buffer.from(payloadType)
  return Buffer.concat([
    Buffer.from(`DSSEv1 ${type.byteLength} ${payloadType} ${payload.byteLength} `),
    payload,
  ])
}

export function signEnvelope(payloadType: string, payload: Uint8Array, key: SigningKey): Envelope {
  return { payloadType, payload, signatures: [{ sig: key.sign(preAuthEncoding(payloadType, payload)) }] }
}

export function envelopeToJson({
  payloadType,
  payload,
  signatures,
}: Envelope): Readonly<Record<string, unknown>> {
  return {
    payload: Buffer.from(payload).toString('base64'),
    payloadType,
    signatures: signatures.map(({ sig, keyid }) => ({
      sig: Buffer.from(sig).toString('base64'),
      ...(keyid !== undefined && { keyid }),
    })),
  }
}

/** @throws `malformed`, naming `where`, also for an envelope without a signature. */
export function parseEnvelope(value: unknown, where: string): Envelope {
  const fields = Fields.of(value, where)
  const signatures = fields.list('signatures', maxSignatures).map((entry, i): EnvelopeSignature => {
    const signature = Fields.of(entry, `${where}.signatures[${i}]`)
    const keyid = signature.optionalText('keyid')
    return { sig: signature.bytes('sig'), ...(keyid !== undefined && keyid !== '' && { keyid }) }
  })
  if (signatures.length === 0) throw new DrayError('malformed', `${where} has no signature`)
  return { payloadType: fields.text('payloadType'), payload: fields.bytes('payload'), signatures }
}

/** The key that made each signature, in order; undefined if none of the keys did. */
export function signersOf<Key extends PublicKey>(
  { payloadType, payload, signatures }: Envelope,
  keys: readonly Key[],
): readonly (Key | undefined)[] {
  const signed = preAuthEncoding(payloadType, payload)
  return signatures.map(({ sig }) => keys.find((key) => key.verify(signed, sig)))
}

/** The hashes that signers use with each kind of key, the usual one first. */
const hashes: Readonly<Record<string, readonly string[]>> = {
  prime256v1: ['sha256'],
  secp384r1: ['sha384', 'sha256'],
  secp521r1: ['sha512', 'sha256'],
  rsa: ['sha256', 'sha384', 'sha512'],
}

/**
 * A third party's key, as PEM or in a certificate: ECDSA (P-256, P-384, P-521; ASN.1 DER), RSA
 * (PKCS #1 v1.5, at least 2048 bits) or Ed25519 (pure or prehashed). @throws `unsupported` for
 * other keys; `malformed` for text that is no public key.
 */
export function anyPublicKey(from: string | X509Certificate, where: string): PublicKey {
  return publicKeyOf(readKey(from, where), where)
}

/** The same for a key that was parsed. @throws `unsupported` for other keys. */
export function publicKeyOf(key: KeyObject, where: string): PublicKey {
  const publicKeyPem = key.export({ format: 'pem', type: 'spki' }).toString()
  const kind = key.asymmetricKeyType
  if (kind === 'ed25519') {
    const verifiesPrehashed = ed25519phVerifier(publicKeyPem)
    const verify: PublicKey['verify'] = (bytes, sig) =>
      verifies(null, key, bytes, sig) || verifiesPrehashed(bytes, sig)
    return { publicKeyPem, verify }
  }
  const { namedCurve = '', modulusLength = 0 } = key.asymmetricKeyDetails ?? {}
  const usual = hashes[kind === 'ec' ? namedCurve : (kind ?? '')]
  if (usual === undefined) throw unsupportedKey(where, `it is ${kind} ${namedCurve}`.trim())
  if (kind === 'rsa' && modulusLength < minRsaBits)
    throw unsupportedKey(where, `it is RSA with ${modulusLength} bits`)
  return { publicKeyPem, verify: (bytes, sig) => usual.some((hash) => verifies(hash, key, bytes, sig)) }
}

function unsupportedKey(where: string, why: string): DrayError {
  return new DrayError('unsupported', `${where} has an unsupported key type`, { why })
}

/** Reading the key of a readable certificate can still throw. */
function readKey(from: string | X509Certificate, where: string): KeyObject {
  try {
    return typeof from === 'string' ? createPublicKey(from) : from.publicKey
  } catch (cause) {
    throw new DrayError('malformed', `${where} is not a public key`, { cause })
  }
}
