import type { Call } from '../../lib/call.ts'
import { annotationKeys } from '../../oci/annotations.ts'
import { isImageConfig, readImageConfig } from '../../images/config/image-config.ts'
import { walkGraph } from '../../images/graph/graph.ts'
import { inParallel } from '../../images/parallel.ts'
import type { BlobReader, ManifestContent, ManifestReader } from '../../images/ports.ts'

/** Configs that are read at once. */
const readsAtOnce = 8

/**
 * Returns the distinct versions in the labels of all platforms and in the annotation of the
 * manifest or index (`org.opencontainers.image.version`). Platforms of a sparse index that are not
 * there have no labels.
 */
export async function readVersionLabels(
  store: ManifestReader & BlobReader,
  image: ManifestContent,
  call: Call,
): Promise<readonly string[]> {
  const { nodes } = await walkGraph(store, image, call, { missing: 'keep' })
  const configs = nodes.flatMap(({ manifest }) =>
    manifest.kind === 'manifest' && isImageConfig(manifest.config) ? [manifest.config] : [],
  )
  const labels = await inParallel(configs, readsAtOnce, call, async (config, c) => {
    const { labels: found } = await readImageConfig(store, config, c)
    return found[annotationKeys.version]
  })
  const [root] = nodes
  const annotation = root?.manifest.annotations?.[annotationKeys.version]
  const all = [annotation, ...labels]
  return [...new Set(all.filter((text): text is string => text !== undefined && text !== ''))]
}
