import { BlobTable } from '../../../src/usecases/usage/contents/blob-table.ts'
import type {
  BlobIds,
  BlobStorage,
  ImageVerdict,
  KnownInventory,
  RepositoryContents,
} from '../../../src/usecases/usage/contents/repository-contents.ts'
import type { UsageFacts } from '../../../src/usecases/usage/facts.ts'
import type { UsageRequest } from '../../../src/usecases/usage/request.ts'
import { type Digest, digestOf } from '../../../src/oci/digest.ts'

export const usageNow: number = Date.parse('2026-06-30T12:00:00Z')
const day = 86_400_000

/** Blobs by their names, with their sizes: `{ base: 100, app: 10 }`. */
export type BlobSketch = Readonly<Record<string, number>>

interface ImageSketch {
  readonly blobs: BlobSketch
  readonly tags?: readonly string[]
  /** days before `usageNow` */
  readonly pushed?: number
  /** days before `usageNow` */
  readonly pulled?: number | 'never'
  readonly judged?: ImageVerdict
}

export interface UsageSketch {
  readonly images?: Readonly<Record<string, ImageSketch>>
  readonly untagged?: BlobSketch
  readonly inventory?: Partial<KnownInventory>
  /** blobs of manifests that a plan keeps and deletes, and the number of deleted images */
  readonly planned?: { readonly remaining: BlobSketch; readonly deleted: BlobSketch; readonly images: number }
  readonly older?: BlobSketch
}

export interface StorageOptions {
  readonly registry?: string
  readonly price?: number
}

/** A storage with these repositories, by their paths. */
export function storageOf(
  repositories: Readonly<Record<string, UsageSketch>>,
  { registry = 'registry.example.com', price }: StorageOptions = {},
): BlobStorage {
  const blobs = new BlobTable()
  return {
    registry,
    blobs,
    repositories: Object.entries(repositories).map(([path, sketch]) =>
      contentsOf({ registry, path }, sketch, blobs),
    ),
    ...(price !== undefined && { price }),
  }
}

export function blobNamed(name: string): Digest {
  return digestOf(name)
}

function contentsOf(
  repository: RepositoryContents['repository'],
  { images = {}, untagged = {}, inventory, planned, older }: UsageSketch,
  blobs: BlobTable,
): RepositoryContents {
  const idsOf = (sketch: BlobSketch): BlobIds =>
    Uint32Array.from(Object.entries(sketch), ([name, size]) => blobs.add(blobNamed(name), size))
  const known = { kind: 'harbor', name: 'Harbor', untagged: true, pulledAt: 'exact' } as const
  return {
    repository,
    image: `@prod/${repository.path}`,
    images: Object.entries(images).map(([name, { blobs: own, tags = [name], pushed, pulled, judged }]) => ({
      digest: digestOf(`manifest ${name}`),
      tags,
      blobs: idsOf(own),
      ...(pushed !== undefined && { pushedAt: usageNow - pushed * day }),
      ...(pulled !== undefined && { pulledAt: pulled === 'never' ? pulled : usageNow - pulled * day }),
      ...(judged !== undefined && { judged }),
    })),
    orphaned: [],
    untagged: idsOf(untagged),
    manifests: Object.keys(images).length,
    ...(inventory !== undefined && { inventory: { ...known, ...inventory } }),
    ...(older !== undefined && { older: idsOf(older) }),
    ...(planned !== undefined && {
      planned: {
        images: planned.images,
        manifests: planned.images,
        deleted: idsOf(planned.deleted),
        remaining: idsOf(planned.remaining),
      },
    }),
  }
}

/** The facts of a run that only read these storages. */
export function usageFacts(storages: readonly BlobStorage[], more: Partial<UsageFacts> = {}): UsageFacts {
  return { now: usageNow, storages, unreachable: [], records: [], notes: [], ...more }
}

export function usageRequest(more: Partial<UsageRequest> = {}): UsageRequest {
  return { by: 'repository', limit: undefined, sinceDays: 30, notPulledFor: undefined, ...more }
}
