import { createPublicKey, hash, X509Certificate } from 'node:crypto'
import { DrayError } from '../lib/errors.ts'
import { isRecord, parseJson } from '../oci/json.ts'
import { type Envelope, envelopeToJson, parseEnvelope, type PublicKey } from './dsse.ts'
import { Fields } from '../oci/fields.ts'
import { maxEvidenceSize } from './statement.ts'

/** sigstore, protobuf-specs, sigstore_bundle.proto */
export const bundleMediaType = 'application/vnd.dev.sigstore.bundle.v0.3+json'
/** The beginning of the media type in all versions. Up to 0.3 the version was a parameter. */
const bundleFamily = 'application/vnd.dev.sigstore.bundle'
/** in bytes: the largest promotion attestation fits, with certificates and log entries */
export const maxBundleSize: number = 4 * 1024 * 1024
/** Versions 0.1 to 0.3, with the version in the name or as a parameter. */
const supportedMediaType =
  /^application\/vnd\.dev\.sigstore\.bundle(?:\.v0\.[1-3]\+json|\+json;version=0\.[1-3])$/
const maxCertificates = 16

/** A signed statement and the material to verify it. */
export interface Bundle {
  readonly envelope: Envelope
  readonly signer: BundleSigner
  readonly mediaType: string
  /** `verificationMaterial` as JSON */
  readonly material: Readonly<Record<string, unknown>>
}

/** Who signed according to the bundle: a key by its hint, or a certificate. Not trusted. */
type BundleSigner =
  | { readonly kind: 'key'; readonly hint: string }
  | { readonly kind: 'certificate'; readonly certificate: X509Certificate }

export function isBundleType(mediaType: string): boolean {
  return mediaType.startsWith(bundleFamily)
}

/** How cosign names a key: base64 of the SHA-256 of its SubjectPublicKeyInfo in DER. */
export function hintOf({ publicKeyPem }: Pick<PublicKey, 'publicKeyPem'>): string {
  return hash('sha256', createPublicKey(publicKeyPem).export({ format: 'der', type: 'spki' }), 'base64')
}

/** Formats the bundle of an envelope, without certificate and log entry. */
export function formatBundle(envelope: Envelope, key: Pick<PublicKey, 'publicKeyPem'>): Uint8Array {
  const bundle = {
    mediaType: bundleMediaType,
    verificationMaterial: { publicKey: { hint: hintOf(key) } },
    dsseEnvelope: envelopeToJson(envelope),
  }
  return new TextEncoder().encode(JSON.stringify(bundle))
}

/**
 * Parses a bundle with a DSSE envelope, of any version up to 0.3. Does not parse log entries and
 * timestamps. @throws `malformed`, naming `where`; `unsupported` for a later version or a bundle
 * with a bare signature.
 */
export function parseBundle(bytes: Uint8Array, where: string): Bundle {
  if (bytes.byteLength > maxEvidenceSize)
    throw new DrayError('malformed', `${where} is larger than ${maxEvidenceSize} bytes`)
  const body = Fields.of(parseJson(bytes, where), where)
  const mediaType = body.text('mediaType')
  if (!isBundleType(mediaType)) {
    throw new DrayError('malformed', `${where} is not a sigstore bundle`, {
      why: `its media type is ${mediaType}`,
    })
  }
  if (!supportedMediaType.test(mediaType)) {
    throw new DrayError('unsupported', `${where} has an unsupported version`, {
      why: `its media type is ${mediaType}`,
    })
  }
  if (body.optionalObject('messageSignature') !== undefined) {
    throw new DrayError('unsupported', `${where} has a signature without a statement`)
  }
  const envelope = parseEnvelope(body.value('dsseEnvelope'), `${where}.dsseEnvelope`)
  const signer = signerOf(body.object('verificationMaterial'), where)
  const material = body.value('verificationMaterial')
  return { envelope, signer, mediaType, material: isRecord(material) ? material : {} }
}

function signerOf(material: Fields, where: string): BundleSigner {
  const key = material.optionalObject('publicKey')
  if (key !== undefined) return { kind: 'key', hint: key.optionalText('hint') ?? '' }
  const chain = material.optionalObject('x509CertificateChain')?.list('certificates', maxCertificates)
  const [leaf] = chain ?? [material.value('certificate')]
  const der = Fields.of(leaf, `${where}: the certificate`).bytes('rawBytes')
  try {
    return { kind: 'certificate', certificate: new X509Certificate(der) }
  } catch (cause) {
    throw new DrayError('malformed', `${where}: cannot parse the certificate`, { cause })
  }
}
