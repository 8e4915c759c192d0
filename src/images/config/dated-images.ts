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

/** An image for a platform, with its config if that was read. */
export interface DatedImage extends PlatformImage {
  readonly config?: ImageConfigView
}

/**
 * Returns the creation time of an image or index as it is written: from its annotation, or from its
 * images the newest annotation or `created` of a config. Returns undefined if there is none. Pure.
 */
export function createdOf(graph: Graph, images: readonly DatedImage[]): string | undefined {
  const annotated = graph.nodes[0]?.manifest.annotations?.[annotationKeys.created]
  if (isGiven(annotated)) return annotated
  const times = images.flatMap(({ node, config }) => {
    const time = node.manifest.annotations?.[annotationKeys.created]
    const created = isGiven(time) ? time : config?.created
    return isGiven(created) ? [created] : []
  })
  return times.toSorted((a, b) => (parseCreated(b) ?? -Infinity) - (parseCreated(a) ?? -Infinity))[0]
}

/**
 * Returns the images of a graph, with a config if the platform or `createdOf` needs it.
 * @throws `malformed`; what the port throws.
 */
export async function readDatedImages(
  store: BlobReader,
  graph: Graph,
  call: Call,
): Promise<readonly DatedImage[]> {
  const isDated = isGiven(graph.nodes[0]?.manifest.annotations?.[annotationKeys.created])
  return await inParallel(platformImages(graph), readsAtOnce, call, async (image, c) => {
    const { annotations, config } = image.node.manifest
    const isKnown =
      image.platform !== undefined && (isDated || isGiven(annotations?.[annotationKeys.created]))
    return isKnown ? image : { ...image, config: await readImageConfig(store, config, c) }
  })
}

function isGiven(text: string | undefined): text is string {
  return text !== undefined && text !== ''
}
