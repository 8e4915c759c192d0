import type { SignatureVerdict, VerifyContext } from './verdict.ts'

/**
 * Verifies one layer of a `.att` manifest: a DSSE envelope with a statement. Never throws.
 * @param bytes of the layer
 * @param annotations of the layer
 */
export function verifyDsseLayer(
  _bytes: Uint8Array,
  _annotations: Readonly<Record<string, string>>,
  where: string,
  _context: VerifyContext,
): Promise<SignatureVerdict> {
  return Promise.resolve({ signers: [], problems: [`${where} is not verified`] })
}
