import type { X509Certificate } from 'node:crypto'
import { formatCause, isContentFailure } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { anyPublicKey, type PublicKey, signersOf } from '../../signing/dsse.ts'
import { type Promotion, promotionOf, promotionPredicateType } from './promotion-statement.ts'
import { type Bundle, hintOf, isBundleType, parseBundle } from '../../signing/sigstore-bundle.ts'
import { parseStatement, statementMediaType } from '../../signing/statement.ts'

/** How far an attestation can be trusted with the given keys. */
export type AttestationStatus =
  /** signed by one of the keys, for this image */
  | 'verified'
  /** a plain statement: anyone who can push can write one */
  | 'unsigned'
  /** signed, but no key was given to verify it */
  | 'unchecked'
  /** the signature is wrong, or the statement is about another image */
  | 'bad'
  /** signed by another key or certificate */
  | 'foreign'
  /** its content cannot be parsed */
  | 'unreadable'

export interface AttestationVerification {
  readonly status: AttestationStatus
  /** with `bad`, `foreign` and `unreadable`; it may contain text of a third party */
  readonly why?: string
  /** the claims of the attestation, whether true or not */
  readonly promotion?: Promotion
}

/** Whether content of this type can be an attestation. */
export function isAttestationType(mediaType: string): boolean {
  return mediaType === statementMediaType || isBundleType(mediaType)
}

/**
 * Verifies the content of a possible promotion attestation of `image`. Pure; never throws. It
 * always compares the digest in the statement with the image, because a signature does not cover
 * where the statement is attached. Undefined for a statement of another kind; `unreadable` if the
 * kind is unknown.
 */
export function verifyAttestation(
  bytes: Uint8Array,
  mediaType: string,
  image: Digest,
  keys: readonly PublicKey[],
): AttestationVerification | undefined {
  try {
    const bundle = isBundleType(mediaType) ? parseBundle(bytes, 'the bundle') : undefined
    if (bundle !== undefined && bundle.envelope.payloadType !== statementMediaType) return undefined
    const statement = parseStatement(bundle?.envelope.payload ?? bytes, 'the statement')
    if (statement.predicateType !== promotionPredicateType) return undefined
    const promotion = promotionOf(statement, 'the statement')
    if (promotion.digest !== image)
      return { status: 'bad', why: `it describes ${promotion.digest}`, promotion }
    const signature = bundle === undefined ? { status: 'unsigned' as const } : verifySignatures(bundle, keys)
    return { ...signature, promotion }
  } catch (error) {
    return unreadable(error)
  }
}

/**
 * The result for content that cannot be parsed. @throws the error if it is not about the content.
 */
export function unreadable(error: unknown): AttestationVerification {
  if (!isContentFailure(error)) throw error
  return { status: 'unreadable', why: formatCause(error) }
}

function verifySignatures(
  bundle: Bundle,
  keys: readonly PublicKey[],
): Omit<AttestationVerification, 'promotion'> {
  const { envelope, signer } = bundle
  const signers = signersOf(envelope, keys)
  const hints = new Map(keys.map((key) => [hintOf(key), key]))
  // If a signature names a known key, that key must have made it, regardless of the others.
  const isBroken = envelope.signatures.some(
    ({ keyid }, i) => keyid !== undefined && hints.has(keyid) && signers[i] === undefined,
  )
  if (isBroken) return { status: 'bad', why: 'a signature does not match the key that it names' }
  if (signers.some((key) => key !== undefined)) return { status: 'verified' }
  if (signer.kind === 'certificate') return verifyCertificate(bundle, signer.certificate, keys.length > 0)
  if (keys.length === 0) return { status: 'unchecked' }
  if (hints.has(signer.hint)) return { status: 'bad', why: 'the signature does not match the content' }
  if (signer.hint === '')
    return { status: 'bad', why: 'the signature matches none of the keys, and it does not name its key' }
  return { status: 'foreign', why: `signed by the key ${signer.hint}` }
}

/** Does not verify the issuer of the certificate, only that its key made the signature. */
function verifyCertificate(
  { envelope }: Bundle,
  certificate: X509Certificate,
  hasKeys: boolean,
): Omit<AttestationVerification, 'promotion'> {
  const own = anyPublicKey(certificate, 'the key of the certificate')
  if (signersOf(envelope, [own]).every((key) => key === undefined))
    return { status: 'bad', why: 'the signature does not match the certificate in the bundle' }
  if (!hasKeys) return { status: 'unchecked' }
  const who = certificate.subjectAltName ?? certificate.subject
  return { status: 'foreign', why: `signed with a certificate of ${who}` }
}
