import type { Call } from '../../../lib/call.ts'
import { DrayError } from '../../../lib/errors.ts'
import type { Descriptor } from '../../../oci/descriptor.ts'
import type { EvidenceCounts } from '../../../oci/evidence-kind.ts'
import { artifactTypeOf, childrenOf, parseManifest } from '../../../oci/manifest.ts'
import { isIndexType } from '../../../oci/media-types.ts'
import { formatPlatform } from '../../../oci/platform.ts'
import { formatAt } from '../../../oci/reference.ts'
import { annotationKeys } from '../../../oci/annotations.ts'
import { createdOf, type DatedImage, readDatedImages } from '../../../images/config/dated-images.ts'
import { type Graph, walkGraph } from '../../../images/graph/graph.ts'
import { platformImages } from '../../../images/graph/platform-images.ts'
import { isAttestationChild } from '../../../images/graph/select-platforms.ts'
import type { BlobReader, Capabilities, ManifestReader, ReferrerLister } from '../../../images/ports.ts'
import { EvidenceGlance } from './evidence-glance.ts'
import { isOfOneImage, warnOnFailure } from '../warn-on-failure.ts'

/** A summary of an image; a field is null if it is unknown. */
export interface ImageSummary {
  /** as it is written in the image; null without a time, or if it is unknown */
  readonly created: string | null
  /** the content with the time cannot be read */
  readonly isCreatedUnknown?: true
  /** bytes of all distinct blobs and manifests, without evidence */
  readonly size: number | null
  /** the platforms of the image; empty for another artifact */
  readonly platforms: readonly string[] | null
  /** of an artifact that is not an image */
  readonly artifactType?: string
  /** of the image itself and of the attestations in its index, counted from lists */
  readonly evidence: EvidenceCounts | null
}

/** An image after its manifests were read. */
interface Read {
  readonly facts: Omit<ImageSummary, 'evidence'>
  readonly graph?: Graph
}

export const emptySummary: ImageSummary = { created: null, size: null, platforms: null, evidence: null }
const unreadFacts = { created: null, isCreatedUnknown: true, size: null, platforms: null } as const

/**
 * Reads summaries of images, each digest once. A failure of one image is a warning, and the field
 * is null. Every method throws if the registry fails.
 */
export class Summaries {
  readonly #store: ManifestReader & BlobReader
  readonly #evidence: EvidenceGlance
  readonly #facts = new Map<string, Promise<Read>>()
  readonly #whole = new Map<string, Promise<ImageSummary>>()

  /** @param tags all tags of the repository, with those of evidence */
  constructor(
    store: ManifestReader & BlobReader & ReferrerLister & Pick<Capabilities, 'capability'>,
    tags: ReadonlySet<string>,
  ) {
    this.#store = store
    this.#evidence = new EvidenceGlance(store, tags)
  }

  /**
   * Returns when an image was created; null if it has no time, undefined if the time is unknown.
   * Does not read attached artifacts.
   */
  async created(image: Descriptor, call: Call): Promise<string | null | undefined> {
    const { created, isCreatedUnknown } = (await this.#read(image, call)).facts
    return isCreatedUnknown === true ? undefined : created
  }

  async summary(image: Descriptor, call: Call): Promise<ImageSummary> {
    return await readOnce(this.#whole, image, async () => {
      const { facts, graph } = await this.#read(image, call)
      const evidence = await this.#orWarn(image, call, () => this.#evidence.count(image.digest, graph, call))
      return { ...facts, evidence: evidence ?? null }
    })
  }

  async #read(image: Descriptor, call: Call): Promise<Read> {
    return await readOnce(this.#facts, image, async () => {
      const graph = await this.#orWarn(image, call, () => walkGraph(this.#store, image, call))
      if (graph === undefined) return { facts: await this.#ofIndexAlone(image, call) }
      const images = await this.#orWarn(image, call, () => readDatedImages(this.#store, graph, call))
      const known: readonly DatedImage[] = images ?? platformImages(graph)
      const created = createdOf(graph, known) ?? null
      const facts = { ...factsOf(graph), ...(images === undefined ? timeFacts(created) : { created }) }
      const isUnread = images === undefined && known.some(({ platform }) => platform === undefined)
      const platforms = known.flatMap(({ platform, config }) =>
        platform === undefined ? (config?.platform ?? []) : [formatPlatform(platform)],
      )
      return { facts: { ...facts, platforms: isUnread ? null : platforms }, graph }
    })
  }

  /** Summarises an index with missing children. The warning about them was sent before. */
  async #ofIndexAlone(image: Descriptor, call: Call): Promise<Read['facts']> {
    if (!isIndexType(image.mediaType)) return unreadFacts
    try {
      const { bytes } = await this.#store.manifest(image, call)
      const index = parseManifest(bytes, image.mediaType, image.digest)
      const images = childrenOf(index).filter((child) => !isAttestationChild(child))
      const platforms = images.flatMap(({ platform }) =>
        platform === undefined ? [] : [formatPlatform(platform)],
      )
      const created = index.annotations?.[annotationKeys.created] ?? null
      return { size: null, ...timeFacts(created), platforms }
    } catch (error) {
      if (!isOfOneImage(error)) throw error
      return unreadFacts
    }
  }

  async #orWarn<T>(image: Descriptor, call: Call, read: () => Promise<T>): Promise<T | undefined> {
    return await warnOnFailure(formatAt(this.#store.repository, image), call, read)
  }
}

/** The time of an image of which a part cannot be read. */
function timeFacts(created: string | null): Pick<ImageSummary, 'created' | 'isCreatedUnknown'> {
  return { created, ...(created === null && { isCreatedUnknown: true as const }) }
}

function factsOf(graph: Graph): Pick<ImageSummary, 'size' | 'artifactType'> {
  const root = graph.nodes[0]?.manifest
  if (root === undefined) throw new DrayError('internal', 'the graph of an image has no root')
  const isImage = root.kind === 'index' || platformImages(graph).length > 0
  const artifactType = isImage ? root.artifactType : artifactTypeOf(root)
  return { size: graph.size, ...(artifactType !== undefined && { artifactType }) }
}

async function readOnce<T>(
  map: Map<string, Promise<T>>,
  { digest }: Descriptor,
  work: () => Promise<T>,
): Promise<T> {
  const known = map.get(digest)
  if (known !== undefined) return await known
  const begun = work()
  map.set(digest, begun)
  return await begun
}
