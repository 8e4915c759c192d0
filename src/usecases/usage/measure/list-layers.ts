import type { Digest } from '../../../oci/digest.ts'
import type { BlobStorage } from '../contents/repository-contents.ts'
import type { LayerUsage } from '../usage-report.ts'
import { countImages, countRepositories, createVisitor } from './storage-counts.ts'

/** References of images that a layer names. */
const maxReferences = 10

interface Layer {
  readonly registry: string
  readonly digest: Digest
  readonly size: number
  readonly copies: number
  readonly repositories: number
  readonly images: number
  /** its place in each storage, to find its images */
  readonly at: readonly { readonly storage: BlobStorage; readonly id: number }[]
}

/**
 * Lists the blobs that take the most space, with the images that share them. Pure.
 * @param limit undefined: all
 */
export function listLayers(
  storages: readonly BlobStorage[],
  limit: number | undefined,
): { readonly layers: readonly LayerUsage[]; readonly total: number } {
  const byRegistry = Map.groupBy(storages, ({ registry }) => registry)
  const candidates = [...byRegistry.values()].flatMap((those) => [...joinStorages(those, limit)])
  const largest = candidates
    .toSorted((a, b) => b.size * b.copies - a.size * a.copies || compareText(a.digest, b.digest))
    .slice(0, limit)
  const references = findReferences(largest)
  const layers = largest.map((layer): LayerUsage => {
    const { registry, digest, size, copies, repositories, images } = layer
    return {
      registry,
      digest,
      size,
      copies,
      repositories,
      images,
      sharedBy: references.get(layer) ?? [],
    }
  })
  return { layers, total: countLayers(storages) }
}

/** Distinct layers of each registry. */
function countLayers(storages: readonly BlobStorage[]): number {
  const all = [...Map.groupBy(storages, ({ registry }) => registry).values()]
  return all.reduce((sum, those) => {
    const [first, ...others] = those
    if (first !== undefined && others.length === 0) return sum + first.blobs.countLayers()
    const digests = new Set<Digest>()
    for (const { blobs } of those) for (const [digest] of blobs.layers()) digests.add(digest)
    return sum + digests.size
  }, 0)
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** The layers of a registry; each storage that has one keeps a copy of its own. */
function joinStorages(storages: readonly BlobStorage[], limit: number | undefined): Iterable<Layer> {
  const joined = new Map<Digest, Layer>()
  for (const storage of storages) {
    const { blobs, registry, repositories: all } = storage
    const visit = createVisitor(storage)
    const repositories = countRepositories(storage, visit)
    const images = new Uint32Array(blobs.count)
    for (const one of all) countImages(one, images)
    const isLarge = storages.length === 1 ? largestIn(storage, limit) : () => true
    for (const [digest, id] of blobs.layers()) {
      if (!isLarge(id)) continue
      const known = joined.get(digest)
      joined.set(digest, {
        registry,
        digest,
        size: Math.max(known?.size ?? 0, blobs.sizeOf(id)),
        copies: (known?.copies ?? 0) + 1,
        repositories: (known?.repositories ?? 0) + (repositories[id] ?? 0),
        images: (known?.images ?? 0) + (images[id] ?? 0),
        at: [...(known?.at ?? []), { storage, id }],
      })
    }
  }
  return joined.values()
}

/** Selects layers by their numbers first, because a registry can have millions of them. */
function largestIn({ blobs }: BlobStorage, limit: number | undefined): (id: number) => boolean {
  if (limit === undefined) return () => true
  const sizes = Float64Array.from(blobs.layers(), ([, id]) => blobs.sizeOf(id)).sort()
  const least = sizes.at(-limit) ?? 0
  return (id) => blobs.sizeOf(id) >= least
}

/** The first references of the images of each layer. */
function findReferences(layers: readonly Layer[]): ReadonlyMap<Layer, readonly string[]> {
  const wanted = new Map<BlobStorage, Map<number, string[]>>()
  const found = new Map<Layer, string[]>()
  for (const layer of layers) {
    const references: string[] = []
    found.set(layer, references)
    for (const { storage, id } of layer.at) {
      const ids = wanted.get(storage) ?? new Map<number, string[]>()
      wanted.set(storage, ids.set(id, references))
    }
  }
  for (const [{ repositories }, ids] of wanted) {
    for (const { image, images } of repositories) {
      for (const { tags, digest, blobs } of images) {
        const [tag] = tags
        for (const id of blobs) {
          const references = ids.get(id)
          if (references === undefined || references.length >= maxReferences) continue
          references.push(`${image}${tag === undefined ? `@${digest}` : `:${tag}`}`)
        }
      }
    }
  }
  return found
}
