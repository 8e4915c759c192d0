import type { RunningImage } from '../../../deployments/clusters/running-images.ts'
import { type NodeImageId, parseImageId } from '../../../deployments/clusters/image-id.ts'
import { isDrayError } from '../../../lib/errors.ts'
import type { Digest } from '../../../oci/digest.ts'
import {
  formatRepository,
  parseReference,
  type Reference,
  type RepositoryName,
} from '../../../oci/reference.ts'
import type { DesiredImage, GitOpsOwner } from './desired-image.ts'

export interface OwnerPorts {
  /** one text for all names of a repository */
  readonly identify: (repository: RepositoryName) => string
  /** whether the repository is one of the environment and dray.yaml does not list its image */
  readonly isUnmanaged: (repository: RepositoryName) => boolean
}

/** Another name of the repositories of an image, in files or in clusters. */
export interface OtherName {
  readonly image: string
  readonly repository: RepositoryName
}

/** Finds the images of the environment by the names and digests of deployment files and pods. */
export class ImageOwners {
  readonly #ports: OwnerPorts
  readonly #byRepository = new Map<string, GitOpsOwner>()
  readonly #byPath = new Map<string, DesiredImage[]>()
  readonly #byDigest = new Map<Digest, GitOpsOwner>()
  readonly #byImage: ReadonlyMap<string, readonly DesiredImage[]>

  constructor(desired: readonly DesiredImage[], others: readonly OtherName[], ports: OwnerPorts) {
    this.#ports = ports
    this.#byImage = Map.groupBy(desired, ({ image }) => image)
    for (const { image, repository } of others) {
      const all = this.#byImage.get(image)
      if (all !== undefined)
        this.#byRepository.set(ports.identify(repository), { kind: 'image', image, desired: all })
    }
    const byTarget = Map.groupBy(desired, ({ repository }) => ports.identify(repository))
    for (const [key, own] of byTarget) {
      const [{ image } = { image: '' }] = own
      this.#byRepository.set(key, { kind: 'image', image, desired: own })
    }
    for (const one of desired) {
      const same = this.#byPath.get(one.repository.path) ?? []
      this.#byPath.set(one.repository.path, [...same, one])
      const digests = one.digest === null ? [] : [one.digest, ...one.platforms]
      for (const digest of digests)
        if (!this.#byDigest.has(digest)) this.#byDigest.set(digest, this.#whole(one.image))
    }
  }

  /** the paths of the repositories: a text that names one of the images has its path */
  get paths(): readonly string[] {
    return [...this.#byPath.keys()]
  }

  ofImage(image: string): GitOpsOwner | undefined {
    return this.#byImage.has(image) ? this.#whole(image) : undefined
  }

  ofRepository(repository: RepositoryName): GitOpsOwner | undefined {
    const known = this.#byRepository.get(this.#ports.identify(repository))
    if (known !== undefined || !this.#ports.isUnmanaged(repository)) return known
    return { kind: 'unmanaged', repository: formatRepository(repository) }
  }

  /**
   * Returns the owner of a container: by the name in the pod, the name that the node reports, or
   * the digest. A mirror can have the same content under any name.
   */
  ofContainer({ image, imageId }: Pick<RunningImage, 'image' | 'imageId'>): GitOpsOwner | undefined {
    const names = namesOf(image, imageId)
    for (const name of names) {
      const owner = this.ofRepository(name)
      if (owner !== undefined) return owner
    }
    const digest = parseImageId(imageId)?.digest
    return digest === undefined ? undefined : this.#byDigest.get(digest)
  }

  /**
   * Returns the targets with the same path as a container that no name and no digest assigns. They
   * can have its digest if the container is from a mirror.
   */
  likeContainer(container: Pick<RunningImage, 'image' | 'imageId'>): readonly DesiredImage[] {
    if (this.ofContainer(container) !== undefined || parseImageId(container.imageId) === undefined) return []
    return namesOf(container.image, container.imageId).flatMap(({ path }) => this.#byPath.get(path) ?? [])
  }

  #whole(image: string): GitOpsOwner {
    return { kind: 'image', image, desired: this.#byImage.get(image) ?? [] }
  }
}

/** The repositories that a pod and its node name. */
function namesOf(image: string, imageId: string): readonly Reference[] {
  const { name }: Partial<NodeImageId> = parseImageId(imageId) ?? {}
  return [image, name ?? ''].flatMap((text) => parseName(text) ?? [])
}

/** Undefined for the id of an image, and for text that is no reference. */
function parseName(text: string): Reference | undefined {
  if (text === '' || /^(?:sha256:)?[a-f0-9]{64}$/.test(text)) return undefined
  try {
    return parseReference(text)
  } catch (error) {
    if (isDrayError(error)) return undefined
    throw error
  }
}
