import type { Call } from '../../lib/call.ts'
import { isDrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import type { Capabilities, ManifestReader } from '../ports.ts'

/**
 * Why a manifest may not exist any more: the registry deletes a manifest when its last tag moves.
 * Undefined if it exists, if the registry does not do that, or if it cannot be asked.
 * @throws the reason of the signal.
 */
export async function explainDeleted(
  store: ManifestReader & Capabilities,
  digest: Digest,
  call: Call,
): Promise<string | undefined> {
  if (store.capability('keepsUntagged') === 'yes') return undefined
  try {
    // The answer to a HEAD also shows which registry it is.
    if ((await store.resolve({ digest }, call)) !== undefined) return undefined
  } catch (error) {
    if (call.signal.aborted || !isDrayError(error)) throw error
    return undefined
  }
  return store.capability('keepsUntagged') === 'no'
    ? 'the repository does not have it, and this registry deletes an image when its last tag moves'
    : undefined
}
