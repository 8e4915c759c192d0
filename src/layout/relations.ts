import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { isEvidenceTag } from '../oci/evidence-tags.ts'
import { childrenOf, parseManifest } from '../oci/manifest.ts'
import { isIndexType, isManifestType } from '../oci/media-types.ts'
import { asReferrer } from '../images/copy.ts'
import { blobMissing, readSmallBlob } from './blobs.ts'
import type { LayoutFolder } from './folder.ts'
import type { IndexEntry, LayoutIndex } from './index-file.ts'

/** How one manifest relates to others. */
interface Relations {
  readonly children: readonly Descriptor[]
  readonly subject: Digest | undefined
  /** the entry of the manifest in a list of referrers */
  readonly referrer: Descriptor
}

/**
 * The children, subjects and referrers of the manifests of a layout. A manifest is read once,
 * because its content never changes.
 */
export class LayoutRelations {
  readonly #folder: LayoutFolder
  readonly #known = new Map<Digest, Relations>()

  constructor(folder: LayoutFolder) {
    this.#folder = folder
  }

  /**
   * Returns the listed manifests whose `subject` is this digest.
   * @throws `not-found` if a listed manifest is absent, because it could be a referrer.
   */
  async referrers(index: LayoutIndex, subject: Digest): Promise<readonly Descriptor[]> {
    const found = new Map<Digest, Descriptor>()
    for (const { descriptor } of manifestEntries(index)) {
      const relations = await this.#read(descriptor)
      if (relations === undefined) throw blobMissing(this.#folder, descriptor.digest)
      if (relations.subject === subject) found.set(descriptor.digest, relations.referrer)
    }
    return [...found.values()]
  }

  async isReferrer(d: Descriptor): Promise<boolean> {
    return isIndexOrManifest(d) && (await this.#read(d))?.subject !== undefined
  }

  /**
   * Returns all manifests below the roots, without the roots. Absent manifests have no children.
   */
  async descendants(roots: readonly Descriptor[]): Promise<ReadonlySet<Digest>> {
    const seen = new Set<Digest>()
    let level = roots
    while (level.length > 0) {
      const next: Descriptor[] = []
      for (const d of level.filter(({ mediaType }) => isIndexType(mediaType) || mediaType === '')) {
        const children = (await this.#read(d))?.children ?? []
        next.push(...children.filter((child) => !seen.has(child.digest)))
        for (const child of children) seen.add(child.digest)
      }
      level = next
    }
    return seen
  }

  /** Returns the entries of images that are no child of an index and no attached artifact. */
  async roots(index: LayoutIndex): Promise<readonly IndexEntry[]> {
    const entries = manifestEntries(index)
    const descendants = await this.descendants(entries.map((entry) => entry.descriptor))
    const roots: IndexEntry[] = []
    for (const entry of entries) {
      if (entry.name !== undefined && isEvidenceTag(entry.name)) continue
      if (entry.name === undefined && descendants.has(entry.descriptor.digest)) continue
      if (entry.name === undefined && (await this.isReferrer(entry.descriptor))) continue
      roots.push(entry)
    }
    return roots
  }

  async #read(d: Descriptor): Promise<Relations | undefined> {
    const known = this.#known.get(d.digest)
    if (known !== undefined) return known
    const bytes = await readSmallBlob(this.#folder, d.digest)
    if (bytes === undefined) return undefined
    const manifest = parseManifest(bytes, d.mediaType, `${this.#folder.name}@${d.digest}`)
    const relations: Relations = {
      children: childrenOf(manifest),
      subject: manifest.subject?.digest,
      referrer: asReferrer({ descriptor: d, manifest }),
    }
    this.#known.set(d.digest, relations)
    return relations
  }
}

/** An index may list anything (image-layout.md, index.json file). Only manifests have relations. */
function manifestEntries(index: LayoutIndex): readonly IndexEntry[] {
  return index.entries.filter((entry) => isIndexOrManifest(entry.descriptor))
}

function isIndexOrManifest(d: Descriptor): boolean {
  return isIndexType(d.mediaType) || isManifestType(d.mediaType)
}
