import type { BlobStorage, ImageContents, RepositoryContents } from '../contents/repository-contents.ts'
import type { StoredBytes } from '../usage-report.ts'
import { countImages, countRepositories, createVisitor } from './storage-counts.ts'

/** The part of a repository's content that a blob belongs to. */
type ContentPart = 'unique' | 'shared' | 'crossRepository' | 'untagged'

export type PartBytes = Readonly<Record<ContentPart, number>>

export interface StorageBytes {
  readonly byRepository: ReadonlyMap<RepositoryContents, PartBytes>
  /** a blob of several repositories counts once */
  readonly total: PartBytes
}

/**
 * Divides the content of each repository into disjoint parts. A blob that several repositories have
 * is in `crossRepository` alone. Pure.
 */
export function measureBytes(storage: BlobStorage): StorageBytes {
  const visit = createVisitor(storage)
  const repositories = countRepositories(storage, visit)
  const images = new Uint32Array(storage.blobs.count)
  const byRepository = new Map<RepositoryContents, PartBytes>()
  const total = { unique: 0, shared: 0, crossRepository: 0, untagged: 0 }
  for (const contents of storage.repositories) {
    countImages(contents, images)
    const own = { unique: 0, shared: 0, crossRepository: 0, untagged: 0 }
    visit(contents, (id) => {
      own[partOf(repositories[id] ?? 0, images[id] ?? 0)] += storage.blobs.sizeOf(id)
      images[id] = 0
    })
    byRepository.set(contents, own)
    total.unique += own.unique
    total.shared += own.shared
    total.untagged += own.untagged
  }
  total.crossRepository = sumCrossRepository(storage, repositories)
  return { byRepository, total }
}

function partOf(repositories: number, images: number): ContentPart {
  if (repositories > 1) return 'crossRepository'
  if (images === 0) return 'untagged'
  return images === 1 ? 'unique' : 'shared'
}

function sumCrossRepository({ blobs }: BlobStorage, repositories: Uint32Array): number {
  let bytes = 0
  for (let id = 0; id < repositories.length; id++) if ((repositories[id] ?? 0) > 1) bytes += blobs.sizeOf(id)
  return bytes
}

/**
 * Returns the parts for a report. Without an inventory of untagged manifests, `untagged` is
 * unknown, although dray can know a few, such as images in use by digest.
 */
export function storedBytesOf(parts: PartBytes, isUntaggedKnown: boolean): StoredBytes {
  const { unique, shared, crossRepository, untagged } = parts
  return {
    unique,
    shared,
    crossRepository,
    untagged: isUntaggedKnown ? untagged : 'unknown',
    stored: unique + shared + crossRepository + untagged,
  }
}

/** Sums the content of each image of a repository as if the images shared nothing. */
export function sumImages({ images }: RepositoryContents, { blobs }: BlobStorage): number {
  return images.reduce((sum, image) => sum + blobs.sum(image.blobs), 0)
}

export interface MeasuredImage {
  readonly contents: RepositoryContents
  readonly image: ImageContents
  readonly bytes: Omit<PartBytes, 'untagged'>
}

/** Divides the content of each image into parts. Pure. */
export function measureImages(storage: BlobStorage): readonly MeasuredImage[] {
  const visit = createVisitor(storage)
  const repositories = countRepositories(storage, visit)
  const counts = new Uint32Array(storage.blobs.count)
  return storage.repositories.flatMap((contents) => {
    countImages(contents, counts)
    const measured = contents.images.map((image): MeasuredImage => {
      const own = { unique: 0, shared: 0, crossRepository: 0, untagged: 0 }
      for (const id of image.blobs)
        own[partOf(repositories[id] ?? 0, counts[id] ?? 0)] += storage.blobs.sizeOf(id)
      const { unique, shared, crossRepository } = own
      return { contents, image, bytes: { unique, shared, crossRepository } }
    })
    visit(contents, (id) => {
      counts[id] = 0
    })
    return measured
  })
}
