import { DrayError } from '../../lib/errors.ts'
import { parseJson } from '../../oci/json.ts'
import { type Envelope, parseEnvelope } from '../dsse.ts'
import { maxEvidenceSize } from '../statement.ts'
import { checkCertificate } from '../keyless/check-certificate.ts'
import { checkKeys, type SignerVerdict } from './check-keys.ts'
import { cosignAnnotations, proofOf } from '../keyless/cosign-annotations.ts'
import { problemOf, verdictOf } from './not-verified.ts'
import { signedBytesOf } from './signed-bytes.ts'
import { contentOf } from './signed-content.ts'
import type { SignatureVerdict, VerifyContext } from './verdict.ts'

/**
 * Verifies one layer of a `.att` manifest: a DSSE envelope with a statement. Each problem begins
 * with `where`. Never throws.
 * @param bytes of the layer
 * @param annotations of the layer
 */
export async function verifyDsseLayer(
  bytes: Uint8Array,
  annotations: Readonly<Record<string, string>>,
  where: string,
  context: VerifyContext,
): Promise<SignatureVerdict> {
  try {
    if (bytes.byteLength > maxEvidenceSize)
      throw new DrayError('malformed', `${where} is larger than ${maxEvidenceSize} bytes`)
    const envelope = parseEnvelope(parseJson(bytes, where), where)
    return await verdictOf(
      where,
      () => contentOf(envelope, where),
      () => checkLayer(envelope, bytes, annotations, where, context),
    )
  } catch (error) {
    return { signers: [], problems: [problemOf(error, where)] }
  }
}

/**
 * cosign 3 timestamps the signature in the envelope, as in a bundle. Earlier versions timestamp the
 * whole layer.
 */
async function checkLayer(
  envelope: Envelope,
  layer: Uint8Array,
  annotations: Readonly<Record<string, string>>,
  where: string,
  context: VerifyContext,
): Promise<SignerVerdict> {
  const signed = signedBytesOf(envelope)
  const proof = proofOf(annotations, where)
  if (proof === undefined) return checkKeys(signed, where, context)
  const ofSignature = await checkCertificate(signed, proof, where, context)
  if (ofSignature.signers.length > 0 || annotations[cosignAnnotations.timestamp] === undefined)
    return ofSignature
  const ofLayer = await checkCertificate(signedBytesOf(envelope, layer), proof, where, context)
  return ofLayer.signers.length > 0 ? ofLayer : ofSignature
}
