import { DrayError } from '../../lib/errors.ts'
import { parseJson } from '../../oci/json.ts'
import { parseEnvelope } from '../dsse.ts'
import { maxEvidenceSize } from '../statement.ts'
import { checkCertificate } from '../keyless/check-certificate.ts'
import { checkKeys } from './check-keys.ts'
import { proofOf } from '../keyless/cosign-annotations.ts'
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
    // cosign timestamps the whole envelope here, and the signature in other layouts.
    const signed = signedBytesOf(envelope, bytes)
    return await verdictOf(
      where,
      () => contentOf(envelope, where),
      () => {
        const proof = proofOf(annotations, where)
        return proof === undefined
          ? checkKeys(signed, where, context)
          : checkCertificate(signed, proof, where, context)
      },
    )
  } catch (error) {
    return { signers: [], problems: [problemOf(error, where)] }
  }
}
