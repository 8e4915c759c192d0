import type { Call } from '../../lib/call.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import { inParallel } from '../parallel.ts'
import type { ManifestReader } from '../ports.ts'
import type { Graph } from './graph.ts'

/** Manifests of one image that are asked for at once. */
const readsAtOnce = 16

/**
 * Whether the repository answers 404 to HEAD and to GET of a manifest: some registries answer 404
 * to HEAD of a manifest that GET returns.
 * @throws what the store throws: any other failure is not an answer.
 */
export async function isMissing(store: ManifestReader, digest: Digest, call: Call): Promise<boolean> {
  if ((await store.resolve({ digest }, call)) !== undefined) return false
  return (await store.findManifest({ digest }, call)) === undefined
}

/**
 * Returns the manifests below the root of a graph that a repository lacks: one HEAD for each that
 * it has. A repository that has an index may lack the platforms that were not copied.
 * @throws what the store throws.
 */
export async function findAbsentManifests(
  store: ManifestReader,
  { root, nodes }: Pick<Graph, 'root' | 'nodes'>,
  call: Call,
): Promise<readonly Descriptor[]> {
  const below = nodes.map(({ descriptor }) => descriptor).filter(({ digest }) => digest !== root.digest)
  const absent = await inParallel(below, readsAtOnce, call, async (one, c) =>
    (await isMissing(store, one.digest, c)) ? [one] : [],
  )
  return absent.flat()
}
