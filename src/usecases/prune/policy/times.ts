import type { TimeSource } from '../../../config/retention/policy.ts'
import { firstImage, parseCreated } from '../../../oci/created.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { RepositoryGraph } from '../../../images/graph/repository-graph.ts'
import type { RepositoryNode } from '../../../images/graph/repository-node.ts'
import type { PromotedTime } from '../records/history.ts'
import type { ConfigTime } from '../snapshot.ts'

/** The creation time of an image, or why it has none. */
export type ImageTime =
  | { readonly kind: 'dated'; readonly at: number; readonly text: string }
  | { readonly kind: 'undated'; readonly text: string }

export interface ImageTimesOptions {
  readonly configTimes: ReadonlyMap<Digest, ConfigTime>
  readonly timeFrom: readonly TimeSource[]
  /** milliseconds since 1970 */
  readonly now: number
  readonly promoted?: ReadonlyMap<Digest, PromotedTime>
  /** when the registry received a manifest, if it lists that, in milliseconds since 1970 */
  readonly pushed?: (digest: Digest) => number | undefined
}

/**
 * The times of the images of a repository, from the first source of `timeFrom` that has one. An
 * index without an annotation has the time of its newest image; attestations do not count. If that
 * time is not plausible, the image is undated; no other source is used. A promotion is never older
 * than the build, and it dates an image whose build is undated. Pure.
 */
export class ImageTimes {
  readonly #graph: RepositoryGraph
  readonly #options: ImageTimesOptions
  readonly #known = new Map<Digest, ImageTime>()
  readonly #builds = new Map<Digest, BuildTime>()

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

  /**
   * Whether a promotion would date an image: no source before `promoted` has a time for it. A
   * promotion that is known may be followed by a later one.
   */
  dependsOnPromotion(digest: Digest): boolean {
    const node = this.#graph.nodes.get(digest)
    if (node === undefined) return false
    for (const source of this.#options.timeFrom) {
      if (source === 'promoted') return true
      if (this.#from(source, node) !== undefined) return false
    }
    return false
  }

  /**
   * Whether the time of an image depends on its content, which is not read: no source before the
   * annotation and the config has one for sure.
   */
  dependsOnContent(digest: Digest): boolean {
    const node = this.#graph.nodes.get(digest)
    for (const source of this.#options.timeFrom) {
      if (source === 'annotation' || source === 'config') return node?.isListed === true
      if (source === 'pushed' && node !== undefined && this.#pushed(node) !== undefined) return false
    }
    return false
  }

  /** The manifests whose configs are needed for the time of an image. */
  configsFor(digest: Digest): readonly RepositoryNode[] {
    const node = this.#graph.nodes.get(digest)
    if (node === undefined) return []
    for (const source of this.#options.timeFrom) {
      if (source === 'pushed' && this.#pushed(node) !== undefined) return []
      if (source === 'annotation' && this.#annotated(node) !== undefined) return []
      if (source === 'config' && node.config !== undefined) return [node]
      if (source === 'config' && node.kind === 'index')
        return platformsOf(node).flatMap((child) => this.configsFor(child))
    }
    return []
  }

  #ofNode(node: RepositoryNode): ImageTime {
    for (const source of this.#options.timeFrom) {
      const found = source === 'promoted' ? this.#promoted(node) : this.#from(source, node)
      if (found !== undefined) return found
    }
    const build = this.#build(node)
    return undated(build.kind === 'dated' ? 'no source of timeFrom has a time' : build.text)
  }

  #promoted(node: RepositoryNode): ImageTime | undefined {
    const found = this.#options.promoted?.get(node.descriptor.digest)
    if (found === undefined) return undefined
    const build = this.#build(node)
    if (found.at >= firstImage && build.kind === 'dated' && build.at > found.at)
      return { ...build, text: `${build.text}, later than its promotion` }
    return this.#plausible(found.at, found.text, `${found.text} at ${new Date(found.at).toISOString()}`)
  }

  #from(source: Exclude<TimeSource, 'promoted'>, node: RepositoryNode): ImageTime | undefined {
    if (source === 'pushed') return this.#pushed(node)
    const found = source === 'annotation' ? this.#byAnnotation(node) : this.#byConfig(node)
    return found.kind === 'absent' ? undefined : found
  }

  #pushed({ descriptor }: RepositoryNode): ImageTime | undefined {
    const at = this.#options.pushed?.(descriptor.digest)
    if (at === undefined) return undefined
    return this.#plausible(
      at,
      'the push time of the registry',
      `the push time of the registry is ${new Date(at).toISOString()}`,
    )
  }

  /** The time of the build alone, by the annotation and the config. */
  #build(node: RepositoryNode): BuildTime {
    const { digest } = node.descriptor
    const known = this.#builds.get(digest)
    if (known !== undefined) return known
    const time = this.#firstBuild(node)
    this.#builds.set(digest, time)
    return time
  }

  #firstBuild(node: RepositoryNode): BuildTime {
    for (const source of this.#options.timeFrom) {
      if (source !== 'annotation' && source !== 'config') continue
      const found = source === 'annotation' ? this.#byAnnotation(node) : this.#byConfig(node)
      if (found.kind !== 'absent') return found
    }
    return { kind: 'absent', text: this.#whyWithoutTime(node) }
  }

  /** Without `config`, the annotations of its images date an index. */
  #byAnnotation(node: RepositoryNode): BuildTime {
    const stated = this.#annotated(node)
    if (stated !== undefined) return this.#believed(stated)
    const isByImages = node.kind === 'index' && !this.#options.timeFrom.includes('config')
    return isByImages ? this.#newestOf(node) : noTime
  }

  #byConfig(node: RepositoryNode): BuildTime {
    const stated = this.#configured(node)
    if (stated !== undefined) return this.#believed(stated)
    return node.kind === 'index' ? this.#newestOf(node) : noTime
  }

  /** Says only what was read: a config that no rule needs is not. */
  #whyWithoutTime({ descriptor, config }: RepositoryNode): string {
    const { timeFrom, configTimes } = this.#options
    const annotation = timeFrom.includes('annotation') ? ['it has no created annotation'] : []
    if (timeFrom.every((one) => one === 'promoted' || one === 'pushed'))
      return `no time by ${timeFrom.join(' or ')}`
    if (!timeFrom.includes('config')) return annotation.join()
    const ofConfig =
      config === undefined
        ? 'it has no config'
        : configTimes.has(descriptor.digest)
          ? 'its config has no created time'
          : 'its config was not read, because no rule needs the time of this image'
    return [...annotation, ofConfig].join(', and ')
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
    return this.#plausible(at, source, `${source} is ${text}`)
  }

  /** @param stated the source with its time, in words */
  #plausible(at: number, source: string, stated: string): ImageTime {
    if (at < firstImage) return undated(`${stated}, which is before 2013`)
    if (at > this.#options.now) return undated(`${stated}, which is in the future`)
    return { kind: 'dated', at, text: source }
  }

  #newestOf(index: RepositoryNode): BuildTime {
    const images = platformsOf(index)
    let newest: Extract<BuildTime, { kind: 'dated' }> | undefined
    for (const digest of images) {
      const node = this.#graph.nodes.get(digest)
      const time = node === undefined ? undated('the manifest does not exist') : this.#build(node)
      if (time.kind !== 'dated') return { ...time, text: `its image ${digest.slice(0, 19)}: ${time.text}` }
      if (newest === undefined || time.at > newest.at) newest = time
    }
    if (newest === undefined) return undated('the index has no images')
    const which = images.length === 1 ? 'its image' : `the newest of its ${images.length} images`
    return { kind: 'dated', at: newest.at, text: `${which}: ${newest.text}` }
  }
}

/** `absent`: no source has a time, so that the next source of `timeFrom` decides. */
type BuildTime = ImageTime | { readonly kind: 'absent'; readonly text: string }

const noTime: BuildTime = { kind: 'absent', text: '' }

type TimeText = { readonly text: string; readonly source: string } | { readonly why: string }

function platformsOf(index: RepositoryNode): readonly Digest[] {
  const images = index.children.filter(({ isAttestation }) => !isAttestation).map(({ digest }) => digest)
  return [...new Set(images)]
}

function undated(text: string): ImageTime {
  return { kind: 'undated', text }
}
