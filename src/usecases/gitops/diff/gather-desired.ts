import { inParallel } from '../../../images/parallel.ts'
import type { Repositories } from '../../../images/ports.ts'
import type { Call } from '../../../lib/call.ts'
import { type ErrorInfo, toErrorInfo } from '../../../lib/errors.ts'
import type { Digest } from '../../../oci/digest.ts'
import { parseManifest } from '../../../oci/manifest.ts'
import type { RepositoryName } from '../../../oci/reference.ts'
import type { DesiredImage } from './desired-image.ts'

/** Manifests that are read in parallel. */
const atOnce = 16

/** An image at one target, as `dray status` shows it. */
export interface DeployedCell {
  readonly image: string
  readonly repository: RepositoryName
  readonly digest: Digest | null
  readonly version: string | null
  readonly error?: ErrorInfo
}

/**
 * Reads the manifests of the deployed images: a node can report the digest of its platform. A
 * manifest that cannot be read is an error of its image.
 * @throws the signal's reason.
 */
export async function gatherDesired(
  stores: Repositories,
  cells: readonly DeployedCell[],
  call: Call,
): Promise<readonly DesiredImage[]> {
  return await inParallel(cells, atOnce, call, async (cell, c): Promise<DesiredImage> => {
    const { repository, digest } = cell
    if (digest === null) return { ...cell, platforms: [] }
    try {
      const { bytes, descriptor } = await stores.source(repository).manifest({ digest }, c)
      const manifest = parseManifest(bytes, descriptor.mediaType, digest)
      const platforms = manifest.kind === 'index' ? manifest.manifests.map((one) => one.digest) : []
      return { ...cell, platforms }
    } catch (error) {
      if (c.signal.aborted) throw error
      return { ...cell, platforms: [], error: toErrorInfo(error) }
    }
  })
}
