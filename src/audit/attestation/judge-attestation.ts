import type { X509Certificate } from 'node:crypto'
import { isDrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { anyPublicKey, type PublicKey, signersOf } from '../../signing/dsse.ts'
import {
  type Promotion,
  parseStatement,
  promotionOf,
  promotionPredicateType,
  statementMediaType,
} from './promotion-statement.ts'
import { type Bundle, hintOf, isBundleType, parseBundle } from '../../signing/sigstore-bundle.ts'

/** What an attestation is worth, for the one who asks with certain keys. */
export type AttestationStatus =
  /** signed by one of the keys, about this image */
  | 'verified'
  /** a plain statement: anyone who can push could have written it */
  | 'unsigned'
  /** signed, and no key was given to check it with */
  | 'unchecked'
  /** not what it claims to be: the signature does not fit, or it is about another image */
  | 'bad'
  /** signed by a key or certificate that was not asked for */
  | 'foreign'
  /** it cannot be told what it says */
  | 'unreadable'

export interface Judgement {
  readonly status: AttestationStatus
  /** with `bad`, `foreign` and `unreadable`; text of the other side may be in it */
  readonly why?: string
  /** what it says, true or not: to be believed as far as the status goes */
  readonly promotion?: Promotion
}

/** Whether content of this type can be an attestation. */
export function isAttestationType(mediaType: string): boolean {
  return mediaType === statementMediaType || isBundleType(mediaType)
}

/**
 * Judges the content of what may be a promotion attestation of `image`: pure, and never throws. The digest that the statement is about is compared
 * with the image in every case, since a signature says nothing of where the statement hangs. Undefined for a statement of another kind;
 * `unreadable` where not even the kind can be told.
 */
export function judgeAttestation(
  bytes: Uint8Array,
  mediaType: string,
  image: Digest,
  keys: readonly PublicKey[],
): Judgement | undefined {
  try {
    const bundle = isBundleType(mediaType) ? parseBundle(bytes, 'the bundle') : undefined
    if (bundle !== undefined && bundle.envelope.payloadType !== statementMediaType) return undefined
    const statement = parseStatement(bundle?.envelope.payload ?? bytes, 'the statement')
    if (statement.predicateType !== promotionPredicateType) return undefined
    const promotion = promotionOf(statement, 'the statement')
    if (promotion.digest !== image)
      return { status: 'bad', why: `it is about ${promotion.digest}`, promotion }
    const signature = bundle === undefined ? { status: 'unsigned' as const } : judgeSignatures(bundle, keys)
    return { ...signature, promotion }
  } catch (error) {
    return unreadable(error)
  }
}

/** @throws what was thrown, where it is not about the content. */
export function unreadable(error: unknown): Judgement {
  if (!isDrayError(error) || !aboutContent.has(error.code)) throw error
  return {
    status: 'unreadable',
    why: error.why === undefined ? error.message : `${error.message}: ${error.why}`,
  }
}

const aboutContent: ReadonlySet<string> = new Set(['malformed', 'unsupported', 'corrupt', 'not-found'])

function judgeSignatures(bundle: Bundle, keys: readonly PublicKey[]): Omit<Judgement, 'promotion'> {
  const { envelope, signer } = bundle
  const signers = signersOf(envelope, keys)
  const hints = new Map(keys.map((key) => [hintOf(key), key]))
  // a known key that a signature names must have made it, whatever other signatures there are
  const isBroken = envelope.signatures.some(
    ({ keyid }, i) => keyid !== undefined && hints.has(keyid) && signers[i] === undefined,
  )
  if (isBroken) return { status: 'bad', why: 'a signature is not of the key that it names' }
  if (signers.some((key) => key !== undefined)) return { status: 'verified' }
  if (signer.kind === 'certificate') return judgeCertificate(bundle, signer.certificate, keys.length > 0)
  if (keys.length === 0) return { status: 'unchecked' }
  if (hints.has(signer.hint)) return { status: 'bad', why: 'the signature does not fit the content' }
  if (signer.hint === '')
    return { status: 'bad', why: 'the signature is of none of the keys, and names no other' }
  return { status: 'foreign', why: `signed by the key ${signer.hint}` }
}

/** The certificate's issuer is not looked at: it only says whether the signature is at least its own. */
function judgeCertificate(
  { envelope }: Bundle,
  certificate: X509Certificate,
  hasKeys: boolean,
): Omit<Judgement, 'promotion'> {
  const own = anyPublicKey(certificate, 'the key of the certificate')
  if (signersOf(envelope, [own]).every((key) => key === undefined))
    return { status: 'bad', why: 'the signature is not of the certificate in the bundle' }
  if (!hasKeys) return { status: 'unchecked' }
  const who = certificate.subjectAltName ?? certificate.subject
  return { status: 'foreign', why: `signed with a certificate of ${who}` }
}
