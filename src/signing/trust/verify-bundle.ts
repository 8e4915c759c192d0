import { parseBundle } from '../sigstore-bundle.ts'
import { checkCertificate } from '../keyless/check-certificate.ts'
import { checkKeys } from './check-keys.ts'
import { problemOf, verdictOf } from './not-verified.ts'
import { signedBytesOf } from './signed-bytes.ts'
import { contentOf } from './signed-content.ts'
import type { SignatureVerdict, VerifyContext } from './verdict.ts'

/**
 * Verifies a sigstore bundle v0.1 to v0.3 with a DSSE envelope: a statement with the predicate type
 * of cosign's signatures is a signature, any other an attestation. Each problem begins with
 * `where`. Never throws.
 */
export async function verifyBundle(
  bytes: Uint8Array,
  where: string,
  context: VerifyContext,
): Promise<SignatureVerdict> {
  try {
    const { envelope, signer, mediaType, material } = parseBundle(bytes, where)
    const signed = signedBytesOf(envelope)
    return await verdictOf(
      where,
      () => contentOf(envelope, where),
      () =>
        signer.kind === 'key'
          ? checkKeys(signed, where, context)
          : checkCertificate(
              signed,
              { certificate: signer.certificate, mediaType, material },
              where,
              context,
            ),
    )
  } catch (error) {
    return { signers: [], problems: [problemOf(error, where)] }
  }
}
