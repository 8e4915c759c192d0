import { hash, type KeyObject } from 'node:crypto'
import { bundleFromJSON, ValidationError } from '@sigstore/bundle'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import {
  type SignedEntity,
  toSignedEntity,
  toTrustMaterial,
  type TrustMaterial,
  VerificationError,
  Verifier,
} from '@sigstore/verify'
import { DrayError, isDrayError } from '../../lib/errors.ts'
import { publicKeyOf } from '../dsse.ts'
import { type CertificateNames, namesOf } from './certificate-names.ts'
import type { CertificateProof } from './certificate-proof.ts'
import type { SignedBytes } from '../trust/signed-bytes.ts'
import type { TransparencyLog, TrustedRootDocument } from '../trust/signer.ts'

/** More than any bundle has. Each is checked. */
const maxEntries = 16

/** A certificate that a CA of a trusted root issued, and its verified signature. */
export interface VerifiedCertificate {
  readonly names: CertificateNames
  /** the earliest verified time of the signature, milliseconds since 1970 */
  readonly time: number
}

/** Why a certificate or its signature does not verify against one trusted root. */
export interface CertificateFailure {
  readonly reason: string
  /** the root lacks the CA or a log, so a newer root can help */
  readonly isUnknown: boolean
}

/** A signature with its certificate, read by `@sigstore/verify`. */
export interface CertificateEntity {
  readonly proof: CertificateProof
  readonly entity: SignedEntity
}

/**
 * Reads the proof of a signature for `@sigstore/verify`, but compares and verifies the signature
 * here: the library verifies P-384 with the wrong hash. @throws `malformed`, naming `where`.
 */
export function readEntity(signed: SignedBytes, proof: CertificateProof, where: string): CertificateEntity {
  const [signature, ...others] = signed.signatures
  if (signature === undefined || others.length > 0)
    throw new DrayError('malformed', `${where} has a certificate and not exactly one signature`)
  const entity = parseProof(proof, where)
  if (entity.tlogEntries.length > maxEntries || entity.timestamps.length > 2 * maxEntries)
    throw new DrayError('malformed', `${where} has more than ${maxEntries} log entries or timestamps`)
  return { proof, entity: { ...entity, signature: contentOfSignature(signed, signature) } }
}

/** The library reads everything but the signature. The bundle has another text in its place. */
function parseProof({ mediaType, material }: CertificateProof, where: string): SignedEntity {
  const place = Buffer.from('signature').toString('base64')
  try {
    const bundle = bundleFromJSON({
      mediaType,
      verificationMaterial: material,
      messageSignature: { messageDigest: { algorithm: 'SHA2_256', digest: place }, signature: place },
    })
    return toSignedEntity(bundle, Buffer.alloc(0))
  } catch (cause) {
    throw new DrayError('malformed', `${where} has an invalid certificate, log entry or timestamp`, {
      why: cause instanceof ValidationError ? cause.fields.join(', ') : String(cause),
      cause,
    })
  }
}

function contentOfSignature(signed: SignedBytes, signature: Uint8Array): SignedEntity['signature'] {
  return {
    signature: Buffer.from(signed.timestamped),
    compareSignature: (other) => other.equals(signature),
    compareDigest: (digest) => hashes(digest, signed.payload),
    compareSignedDigest: (digest) => hashes(digest, signed.bytes),
    verifySignature: (key: KeyObject) => publicKeyOf(key, 'the certificate').verify(signed.bytes, signature),
  }
}

const hashOfSize: ReadonlyMap<number, string> = new Map([
  [32, 'sha256'],
  [48, 'sha384'],
  [64, 'sha512'],
])

function hashes(digest: Buffer, bytes: Uint8Array): boolean {
  const algorithm = hashOfSize.get(digest.byteLength)
  return algorithm !== undefined && hash(algorithm, bytes, 'buffer').equals(digest)
}

const materials = new WeakMap<TrustedRootDocument, TrustMaterial>()

function materialOf(root: TrustedRootDocument): TrustMaterial {
  const known = materials.get(root)
  if (known !== undefined) return known
  const material = readMaterial(root)
  materials.set(root, material)
  return material
}

function readMaterial({ json }: TrustedRootDocument): TrustMaterial {
  try {
    return toTrustMaterial(TrustedRoot.fromJSON(json))
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new DrayError('config', `the trusted root cannot be read: ${why}`, { cause })
  }
}

/**
 * Verifies a signature with its certificate against one trusted root: the chain of the certificate,
 * at least one SCT, all log entries and timestamps, of which at least one log entry and one time
 * must exist, and the signature. `transparencyLog: none` demands a signed timestamp in place of
 * SCT and log entry. Never throws.
 */
export function verifyCertificate(
  whole: CertificateEntity,
  root: TrustedRootDocument,
  transparencyLog: TransparencyLog,
): VerifiedCertificate | CertificateFailure {
  const isLogged = transparencyLog === 'required'
  const entity = isLogged ? whole.entity : withoutLog(whole.entity)
  try {
    const missing = missingProof(entity, isLogged)
    if (missing !== undefined) return { reason: missing, isUnknown: false }
    const material = materialOf(root)
    const unknown = unknownAuthority({ proof: whole.proof, entity }, root, material)
    if (unknown !== undefined) return { reason: unknown, isUnknown: true }
    const threshold = isLogged ? 1 : 0
    const verifier = new Verifier(material, {
      ctlogThreshold: threshold,
      tlogThreshold: threshold,
      timestampThreshold: 1,
    })
    const { identity } = verifier.verify(entity)
    const extensions = (identity?.oids ?? []).map(({ oid, value }) => ({
      oid: (oid?.id ?? []).join('.'),
      value,
    }))
    return { names: namesOf(extensions), time: Math.min(...timesOf(entity)) }
  } catch (error) {
    return { reason: reasonOf(error), isUnknown: false }
  }
}

function withoutLog(entity: SignedEntity): SignedEntity {
  return {
    ...entity,
    tlogEntries: [],
    timestamps: entity.timestamps.filter(({ $case }) => $case === 'timestamp-authority'),
  }
}

function missingProof({ tlogEntries, timestamps }: SignedEntity, isLogged: boolean): string | undefined {
  if (isLogged && tlogEntries.length === 0) return 'it has no entry of a transparency log'
  if (!isLogged && timestamps.length === 0) return 'it has no signed timestamp'
  return undefined
}

/** Names the CA or log that the root lacks. The messages of the library do not say it. */
function unknownAuthority(
  { proof: { certificate }, entity }: CertificateEntity,
  { authorities }: TrustedRootDocument,
  { tlogs, ctlogs }: TrustMaterial,
): string | undefined {
  if (!authorities.some((authority) => certificate.checkIssued(authority)))
    return `the CA "${certificate.issuer.split('\n').join(', ')}" is unknown`
  const knows = (logs: TrustMaterial['tlogs'], id: Buffer): boolean =>
    logs.some(({ logID }) => logID.equals(id))
  const log = entity.tlogEntries.find(({ logId }) => !knows(tlogs, logId.keyId))
  if (log !== undefined)
    return `the transparency log ${log.logId.keyId.toString('hex').slice(0, 64)} is unknown`
  const scts =
    entity.key.$case === 'certificate' ? entity.key.certificate.extSCT?.signedCertificateTimestamps : []
  const sct = scts?.find(({ logID }) => !knows(ctlogs, logID))
  return sct === undefined ? undefined : `the certificate log ${sct.logID.toString('hex')} is unknown`
}

/** All of them were verified. Entries without a signed promise prove no time. */
function timesOf({ timestamps }: SignedEntity): readonly number[] {
  return timestamps.flatMap((one) => {
    if (one.$case === 'timestamp-authority') return [one.timestamp.signingTime.getTime()]
    return one.tlogEntry.inclusionPromise === undefined ? [] : [Number(one.tlogEntry.integratedTime) * 1000]
  })
}

/** The library's messages are short, and the cause has the details. */
function reasonOf(error: unknown): string {
  if (isDrayError(error)) return error.message
  // Any other error is a part of the proof that the library expects and does not check.
  if (!(error instanceof VerificationError)) return 'its log entry or timestamp is malformed'
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : ''
  return `${error.message}${cause}`
}
