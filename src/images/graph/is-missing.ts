import type { Call } from '../../lib/call.ts'
import type { Digest } from '../../oci/digest.ts'
import type { ManifestReader } from '../ports.ts'

/**
 * Whether the repository answers 404 to HEAD and to GET of a manifest: some registries answer 404
 * to HEAD of a manifest that GET returns.
 * @throws what the store throws: any other failure is not an answer.
 */
export async function isMissing(store: ManifestReader, digest: Digest, call: Call): Promise<boolean> {
  if ((await store.resolve({ digest }, call)) !== undefined) return false
  return (await store.findManifest({ digest }, call)) === undefined
}
