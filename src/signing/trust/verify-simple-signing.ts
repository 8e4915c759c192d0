import { DrayError } from '../../lib/errors.ts'
import { decodeBase64 } from '../base64.ts'
import { checkCertificate } from '../keyless/check-certificate.ts'
import { checkKeys, type SignerVerdict } from './check-keys.ts'
import { cosignAnnotations, proofOf } from '../keyless/cosign-annotations.ts'
import { verdictOf } from './not-verified.ts'
import { parseSimpleSigning } from './signed-content.ts'
import type { SignatureVerdict, VerifyContext } from './verdict.ts'

/**
 * Verifies one layer of a `.sig` manifest, whose digest the caller has verified. Does not compare
 * `docker-reference`, because it names the repository in which the image was signed. Each problem
 * begins with `where`. Never throws.
 * @param payload the bytes of the layer
 * @param annotations of the layer
 */
export function verifySimpleSigning(
  payload: Uint8Array,
  annotations: Readonly<Record<string, string>>,
  where: string,
  context: VerifyContext,
): Promise<SignatureVerdict> {
  return verdictOf(
    where,
    () => parseSimpleSigning(payload, where),
    () => checkSignature(payload, annotations, where, context),
  )
}

function checkSignature(
  payload: Uint8Array,
  annotations: Readonly<Record<string, string>>,
  where: string,
  context: VerifyContext,
): SignerVerdict | Promise<SignerVerdict> {
  const signature = decodeBase64(annotations[cosignAnnotations.signature] ?? '')
  if (signature === undefined || signature.byteLength === 0)
    throw new DrayError('malformed', `${where} has no signature in its annotations`)
  const signed = { bytes: payload, signatures: [signature], payload, timestamped: signature }
  const proof = proofOf(annotations, where)
  return proof === undefined
    ? checkKeys(signed, where, context)
    : checkCertificate(signed, proof, where, context)
}
