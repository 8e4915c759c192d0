import type { TimeSource } from '../../../config/retention/policy.ts'
import { parseCreated } from '../../../oci/created.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { RepositoryGraph } from '../../../images/graph/repository-graph.ts'
import type { RepositoryNode } from '../../../images/graph/repository-node.ts'
import type { ConfigTime } from '../snapshot.ts'

/** The creation time of an image, or why it has none. */
export type ImageTime =
  | { readonly kind: 'dated'; readonly at: number; readonly text: string }
  | { readonly kind: 'undated'; readonly text: string }

/** Docker is of 2013. Reproducible builds write earlier times. */
const firstImage = Date.UTC(2013, 0, 1)

export interface ImageTimesOptions {
  readonly configTimes: ReadonlyMap<Digest, ConfigTime>
  readonly timeFrom: readonly TimeSource[]
  /** milliseconds since 1970 */
  readonly now: number
}

/**
 * The times of the images of a repository, from the first source of `timeFrom` that has one. An
 * index without an annotation has the time of its newest image; attestations do not count. If a
 * time is not plausible, the image is undated; no other source is used. Pure.
 */
export class ImageTimes {
  readonly #graph: RepositoryGraph
  readonly #options: ImageTimesOptions
  readonly #known = new Map<Digest, ImageTime>()

  constructor(graph: RepositoryGraph, options: ImageTimesOptions) {
    this.#graph = graph
    this.#options = options
  }

  of(digest: Digest): ImageTime {
    const known = this.#known.get(digest)
    if (known !== undefined) return known
    const node = this.#graph.nodes.get(digest)
    const time = node === undefined ? undated('the manifest does not exist') : this.#ofNode(node)
    this.#known.set(digest, time)
    return time
  }

  /** The manifests whose configs are needed for the time of an image. */
  configsFor(digest: Digest): readonly RepositoryNode[] {
    const node = this.#graph.nodes.get(digest)
    if (node === undefined) return []
    for (const source of this.#options.timeFrom) {
      if (source === 'annotation' && this.#annotated(node) !== undefined) return []
      if (source === 'config' && node.config !== undefined) return [node]
    }
    return node.kind === 'index' ? platformsOf(node).flatMap((child) => this.configsFor(child)) : []
  }

  #ofNode(node: RepositoryNode): ImageTime {
    for (const source of this.#options.timeFrom) {
      const stated = this.#statedBy(source, node)
      if (stated !== undefined) return this.#believed(stated)
    }
    return node.kind === 'index' ? this.#newestOf(node) : undated(this.#whyWithoutTime(node))
  }

  /** Says only what was read: a config that no rule needs is not. */
  #whyWithoutTime({ descriptor, config }: RepositoryNode): string {
    const { timeFrom, configTimes } = this.#options
    const annotation = timeFrom.includes('annotation') ? ['it has no created annotation'] : []
    if (!timeFrom.includes('config')) return annotation.join()
    const ofConfig =
      config === undefined
        ? 'it has no config'
        : configTimes.has(descriptor.digest)
          ? 'its config has no created time'
          : 'its config was not read, because no rule needs the time of this image'
    return [...annotation, ofConfig].join(', and ')
  }

  #statedBy(source: TimeSource, node: RepositoryNode): TimeText | undefined {
    switch (source) {
      case 'annotation':
        return this.#annotated(node)
      case 'config':
        return this.#configured(node)
      case 'promoted':
      case 'pushed':
        return undefined
    }
  }

  #annotated({ created }: RepositoryNode): TimeText | undefined {
    return created === undefined || created === ''
      ? undefined
      : { text: created, source: 'the created annotation' }
  }

  #configured({ descriptor, config }: RepositoryNode): TimeText | undefined {
    if (config === undefined) return undefined
    const read = this.#options.configTimes.get(descriptor.digest)
    if (read === undefined) return undefined
    if ('why' in read) return { why: read.why }
    const { created } = read
    return created === undefined || created === ''
      ? undefined
      : { text: created, source: 'created of the config' }
  }

  #believed(stated: TimeText): ImageTime {
    if ('why' in stated) return undated(`the config cannot be read: ${stated.why}`)
    const { text, source } = stated
    const at = parseCreated(text)
    if (at === undefined) return undated(`${source} is not a time: ${JSON.stringify(text.slice(0, 60))}`)
    if (at < firstImage) return undated(`${source} is ${text}, which is before 2013`)
    if (at > this.#options.now) return undated(`${source} is ${text}, which is in the future`)
    return { kind: 'dated', at, text: source }
  }

  #newestOf(index: RepositoryNode): ImageTime {
    const images = platformsOf(index)
    if (images.length === 0) return undated('the index has no images')
    let newest: Extract<ImageTime, { kind: 'dated' }> | undefined
    for (const digest of images) {
      const time = this.of(digest)
      if (time.kind === 'undated') return undated(`its image ${digest.slice(0, 19)}: ${time.text}`)
      if (newest === undefined || time.at > newest.at) newest = time
    }
    if (newest === undefined) return undated('the index has no images')
    const which = images.length === 1 ? 'its image' : `the newest of its ${images.length} images`
    return { kind: 'dated', at: newest.at, text: `${which}: ${newest.text}` }
  }
}

type TimeText = { readonly text: string; readonly source: string } | { readonly why: string }

function platformsOf(index: RepositoryNode): readonly Digest[] {
  const images = index.children.filter(({ isAttestation }) => !isAttestation).map(({ digest }) => digest)
  return [...new Set(images)]
}

function undated(text: string): ImageTime {
  return { kind: 'undated', text }
}
