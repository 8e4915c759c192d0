import type { Call } from '../../lib/call.ts'
import { annotationKeys } from '../../oci/annotations.ts'
import { parseCreated } from '../../oci/created.ts'
import type { Graph } from '../graph/graph.ts'
import { type ImageConfigView, readImageConfig } from './image-config.ts'
import { inParallel } from '../parallel.ts'
import { type PlatformImage, platformImages } from '../graph/platform-images.ts'
import type { BlobReader } from '../ports.ts'

/** Configs that are read at once. */
const readsAtOnce = 8

/** An image for a platform, with its config where that was read. */
export interface DatedImage extends PlatformImage {
  readonly config?: ImageConfigView
}

/**
 * When an image was made, as it stands there: the annotation of the image or index; else of an image its config's `created`, of an index the newest of
 * its images, by annotation or config. Undefined where nothing says it. Pure.
 */
export function createdOf(graph: Graph, images: readonly DatedImage[]): string | undefined {
  const said = graph.nodes[0]?.manifest.annotations?.[annotationKeys.created]
  if (isSaid(said)) return said
  const times = images.flatMap(({ node, config }) => {
    const time = node.manifest.annotations?.[annotationKeys.created]
    const created = isSaid(time) ? time : config?.created
    return isSaid(created) ? [created] : []
  })
  return times.toSorted((a, b) => (parseCreated(b) ?? -Infinity) - (parseCreated(a) ?? -Infinity))[0]
}

/**
 * The images of a graph with the configs that it takes to know their platform and `createdOf`: none where annotations and indexes say it all.
 * @throws `malformed`, and what the store throws.
 */
export async function readDatedImages(
  store: BlobReader,
  graph: Graph,
  call: Call,
): Promise<readonly DatedImage[]> {
  const isDated = isSaid(graph.nodes[0]?.manifest.annotations?.[annotationKeys.created])
  return await inParallel(platformImages(graph), readsAtOnce, call, async (image, c) => {
    const { annotations, config } = image.node.manifest
    const isKnown = image.platform !== undefined && (isDated || isSaid(annotations?.[annotationKeys.created]))
    return isKnown ? image : { ...image, config: await readImageConfig(store, config, c) }
  })
}

function isSaid(text: string | undefined): text is string {
  return text !== undefined && text !== ''
}
