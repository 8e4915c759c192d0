import { bareDescriptor, type Descriptor, isNonDistributable } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import { blobsOf, childrenOf, takeManifest } from '../../oci/manifest.ts'
import { invalidBundle } from './bundle-consistency.ts'
import type { BundleContent, BundleDocument } from './bundle-document.ts'

/** References of a manifest. */
interface Parts {
  readonly isIndex: boolean
  readonly blobs: readonly Descriptor[]
  readonly children: readonly Descriptor[]
}

/**
 * Compares the manifests of a bundle with its document, before the first blob: what they consist of
 * is carried or expected, and nothing else is carried. It keeps references only, no bytes.
 */
export class ContentCheck {
  readonly #document: BundleDocument
  readonly #name: string
  readonly #contents: ReadonlyMap<Digest, BundleContent>
  /** by root: its media type, which its bytes may lack */
  readonly #types: ReadonlyMap<Digest, string>
  /** by manifest */
  readonly #parts = new Map<Digest, Parts>()

  /** @param name of the bundle, for messages */
  constructor(document: BundleDocument, name: string) {
    this.#document = document
    this.#name = name
    this.#contents = new Map([...document.carries, ...document.expects].map((one) => [one.digest, one]))
    this.#types = new Map(document.roots.map(({ root }) => [root.digest, root.mediaType]))
  }

  /**
   * Adds a carried manifest with its verified bytes.
   * @throws `malformed`, `unsupported` (schema 1).
   */
  add(digest: Digest, bytes: Uint8Array): void {
    const type = this.#types.get(digest) ?? ''
    const manifest = takeManifest(bytes, type, `${this.#name}: ${digest}`)
    this.#parts.set(digest, {
      isIndex: manifest.kind === 'index',
      blobs: blobsOf(manifest)
        .filter((blob) => !isNonDistributable(blob))
        .map(bareDescriptor),
      children: childrenOf(manifest).map(bareDescriptor),
    })
  }

  /**
   * Checks all roots once every carried manifest was added. Below a manifest that the base brought
   * nothing is known.
   * @throws `malformed`.
   */
  finish(): void {
    const reached = new Set<Digest>()
    for (const { root, platforms } of this.#document.roots) {
      this.#walk(root, platforms !== undefined, reached)
    }
    if (this.#document.base !== undefined) return
    const extra = this.#document.carries.find(({ digest }) => !reached.has(digest))
    if (extra !== undefined) throw invalidBundle(this.#name, `no image in it has ${extra.digest}`)
  }

  #walk(root: Descriptor, isSparse: boolean, reached: Set<Digest>): void {
    const queue = [root]
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      if (reached.has(next.digest)) continue
      reached.add(next.digest)
      const { blobs = [], children = [], isIndex } = this.#parts.get(next.digest) ?? {}
      for (const blob of blobs) {
        if (isSparse && isIndex === true && !this.#contents.has(blob.digest)) continue
        this.#check(blob, 'blob', next.digest)
        reached.add(blob.digest)
      }
      for (const child of children) {
        if (isSparse && !this.#contents.has(child.digest)) continue
        this.#check(child, 'manifest', next.digest)
        queue.push(child)
      }
    }
  }

  #check({ digest, size }: Descriptor, kind: BundleContent['kind'], parent: Digest): void {
    const content = this.#contents.get(digest)
    if (content === undefined) {
      throw invalidBundle(
        this.#name,
        `${parent} consists of ${digest}, which is neither carried nor expected`,
      )
    }
    if (content.size !== size || (kind === 'manifest' && content.kind !== kind)) {
      throw invalidBundle(this.#name, `it lists ${digest} with another size or kind than ${parent}`)
    }
  }
}
