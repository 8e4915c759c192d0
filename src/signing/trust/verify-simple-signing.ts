import type { SignatureVerdict, VerifyContext } from './verdict.ts'

/**
 * Verifies one layer of a `.sig` manifest, whose digest the caller has verified. Does not compare
 * `docker-reference`, because it names the repository that the image was signed in. Never throws.
 * @param payload the bytes of the layer
 * @param annotations of the layer
 */
export function verifySimpleSigning(
  _payload: Uint8Array,
  _annotations: Readonly<Record<string, string>>,
  where: string,
  _context: VerifyContext,
): Promise<SignatureVerdict> {
  return Promise.resolve({ signers: [], problems: [`${where} is not verified`] })
}
