import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import type { NodeBlob, RepositoryNode } from './repository-node.ts'

/**
 * Lets manifests share what is equal in them: layers, media types and digests. Images have most of
 * it in common, and 100,000 manifests then take half as much memory.
 */
export class SharedNodes {
  readonly #blobs = new Map<Digest, NodeBlob>()
  readonly #texts = new Map<string, string>()
  readonly #digests = new Map<Digest, Digest>()

  /** Returns the node with the parts that earlier nodes have. */
  share(node: RepositoryNode): RepositoryNode {
    const { config, artifactType } = node
    return {
      ...node,
      descriptor: this.#describe(node.descriptor),
      blobs: node.blobs.map((blob) => this.#blob(blob)),
      children: node.children.map((child) => ({
        ...child,
        digest: this.#digest(child.digest),
        ...(child.platform !== undefined && { platform: this.#text(child.platform) }),
      })),
      ...(config !== undefined && {
        config: { ...config, mediaType: this.#text(config.mediaType) },
      }),
      ...(artifactType !== undefined && { artifactType: this.#text(artifactType) }),
    }
  }

  #describe(descriptor: Descriptor): Descriptor {
    const { mediaType, digest } = descriptor
    return { ...descriptor, mediaType: this.#text(mediaType), digest: this.#digest(digest) }
  }

  #blob(blob: NodeBlob): NodeBlob {
    const known = this.#blobs.get(blob.digest)
    if (known?.size === blob.size) return known
    this.#blobs.set(blob.digest, blob)
    return blob
  }

  /** Indexes name the digests of other manifests. */
  #digest(digest: Digest): Digest {
    const known = this.#digests.get(digest)
    if (known === undefined) this.#digests.set(digest, digest)
    return known ?? digest
  }

  #text(text: string): string {
    const known = this.#texts.get(text)
    if (known === undefined) this.#texts.set(text, text)
    return known ?? text
  }
}
