import type { Digest } from '../oci/digest.ts'
import { childrenOf, parseManifest } from '../oci/manifest.ts'
import { isIndexType, isManifestType } from '../oci/media-types.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { isEvidenceTag } from '../oci/evidence-tags.ts'
import { asReferrer } from '../images/copy.ts'
import { blobMissing, readSmallBlob } from './blobs.ts'
import type { LayoutFolder } from './folder.ts'
import type { IndexEntry, LayoutIndex } from './index-file.ts'

/** What one manifest says of others. */
interface Facts {
  readonly children: readonly Descriptor[]
  readonly subject: Digest | undefined
  /** the manifest as a list of referrers shows it */
  readonly referrer: Descriptor
}

/** Who reaches and who speaks of whom in a layout. What was read once is kept: a manifest never changes. */
export class LayoutFacts {
  readonly #folder: LayoutFolder
  readonly #known = new Map<Digest, Facts>()

  constructor(folder: LayoutFolder) {
    this.#folder = folder
  }

  /** Listed manifests whose `subject` is this digest. @throws `not-found` where a listed manifest is not there: it might have been one. */
  async referrers(index: LayoutIndex, subject: Digest): Promise<readonly Descriptor[]> {
    const found = new Map<Digest, Descriptor>()
    for (const { descriptor } of manifestEntries(index)) {
      const facts = await this.#of(descriptor)
      if (facts === undefined) throw blobMissing(this.#folder, descriptor.digest)
      if (facts.subject === subject) found.set(descriptor.digest, facts.referrer)
    }
    return [...found.values()]
  }

  async isReferrer(d: Descriptor): Promise<boolean> {
    return isIndexOrManifest(d) && (await this.#of(d))?.subject !== undefined
  }

  /** All manifests below these ones, themselves left out; those that are not there end the walk. */
  async below(roots: readonly Descriptor[]): Promise<ReadonlySet<Digest>> {
    const seen = new Set<Digest>()
    let level = roots
    while (level.length > 0) {
      const next: Descriptor[] = []
      for (const d of level.filter((item) => isIndexType(item.mediaType))) {
        const children = (await this.#of(d))?.children ?? []
        next.push(...children.filter((child) => !seen.has(child.digest)))
        for (const child of children) seen.add(child.digest)
      }
      level = next
    }
    return seen
  }

  /** Entries that stand for an image of their own: no part of another, no evidence of another. */
  async roots(index: LayoutIndex): Promise<readonly IndexEntry[]> {
    const entries = manifestEntries(index)
    const below = await this.below(entries.map((entry) => entry.descriptor))
    const roots: IndexEntry[] = []
    for (const entry of entries) {
      if (entry.name !== undefined && isEvidenceTag(entry.name)) continue
      if (entry.name === undefined && below.has(entry.descriptor.digest)) continue
      if (entry.name === undefined && (await this.isReferrer(entry.descriptor))) continue
      roots.push(entry)
    }
    return roots
  }

  async #of(d: Descriptor): Promise<Facts | undefined> {
    const known = this.#known.get(d.digest)
    if (known !== undefined) return known
    const bytes = await readSmallBlob(this.#folder, d.digest)
    if (bytes === undefined) return undefined
    const manifest = parseManifest(bytes, d.mediaType, `${this.#folder.name}@${d.digest}`)
    const facts: Facts = {
      children: childrenOf(manifest),
      subject: manifest.subject?.digest,
      referrer: asReferrer({ descriptor: d, manifest }),
    }
    this.#known.set(d.digest, facts)
    return facts
  }
}

/** An index may list anything; only manifests can reach or speak of others (image-layout.md, index.json file). */
function manifestEntries(index: LayoutIndex): readonly IndexEntry[] {
  return index.entries.filter((entry) => isIndexOrManifest(entry.descriptor))
}

function isIndexOrManifest(d: Descriptor): boolean {
  return isIndexType(d.mediaType) || isManifestType(d.mediaType)
}
