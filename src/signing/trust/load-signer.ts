import { DrayError } from '../../lib/errors.ts'
import type { LoadedSigner, SignerSource } from './signer.ts'

/**
 * Reads the keys and roots of a signer.
 * @throws `config` for a file that is missing, unreadable or not a public key or trusted root; for
 * an expression that does not compile; for an unknown claim.
 */
export function loadTrustedSigner(name: string, _source: SignerSource): Promise<LoadedSigner> {
  return Promise.reject(new DrayError('config', `the keys of the signer ${name} cannot be read`))
}
