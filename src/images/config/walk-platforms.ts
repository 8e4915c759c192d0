import type { Call } from '../../lib/call.ts'
import { fitsPlatform, type Platform, platformNamed } from '../../oci/platform.ts'
import { formatAt } from '../../oci/reference.ts'
import { type Graph, walkGraph } from '../graph/graph.ts'
import { noSelectedPlatform } from '../graph/select-platforms.ts'
import type { BlobReader, ManifestContent, ManifestReader } from '../ports.ts'
import { isImageConfig, readImageConfig } from './image-config.ts'

/**
 * Walks the graph of an image for the selected platforms. The config of a single image has its
 * platform. An artifact, or an image whose config names no platform, is for all of them.
 * @throws `refused` if the image is for none of the platforms; what `walkGraph` and the store
 * throw.
 */
export async function walkPlatforms(
  store: ManifestReader & BlobReader,
  root: ManifestContent,
  platforms: readonly Platform[] | undefined,
  call: Call,
): Promise<Graph> {
  if (platforms === undefined) return await walkGraph(store, root, call)
  const graph = await walkGraph(store, root, call, { platforms })
  const manifest = graph.nodes[0]?.manifest
  if (manifest?.kind !== 'manifest' || !isImageConfig(manifest.config)) return graph
  const { platform: name = '' } = await readImageConfig(store, manifest.config, call)
  const has = platformNamed(name)
  if (has === undefined || platforms.some((asked) => fitsPlatform(asked, has))) return graph
  throw noSelectedPlatform(formatAt(store.repository, { digest: root.descriptor.digest }), [name], platforms)
}
