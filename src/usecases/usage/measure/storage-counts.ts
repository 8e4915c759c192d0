import type { BlobIds, BlobStorage, RepositoryContents } from '../contents/repository-contents.ts'

/** Calls `each` once for every blob of a repository. */
export type VisitBlobs = (contents: RepositoryContents, each: (id: number) => void) => void

/**
 * Returns a function that visits each blob of a repository once. It marks the blobs in one array,
 * so that no visit needs a set. A visit must end before the next one begins.
 */
export function createVisitor({ blobs }: BlobStorage): VisitBlobs {
  const seen = new Uint32Array(blobs.count)
  let visit = 0
  return (contents, each) => {
    visit++
    for (const ids of blobListsOf(contents)) {
      for (const id of ids) {
        if (seen[id] === visit) continue
        seen[id] = visit
        each(id)
      }
    }
  }
}

/** All blobs of a repository; some are in several lists. */
function* blobListsOf({ images, orphaned, untagged }: RepositoryContents): Iterable<BlobIds> {
  for (const { blobs } of images) yield blobs
  yield* orphaned
  yield untagged
}

/** Returns in how many repositories each blob is. */
export function countRepositories({ blobs, repositories }: BlobStorage, visit: VisitBlobs): Uint32Array {
  const counts = new Uint32Array(blobs.count)
  for (const one of repositories) visit(one, (id) => increment(counts, id))
  return counts
}

/** Counts the images of a repository that have each blob. Orphaned artifacts count as images. */
export function countImages({ images, orphaned }: RepositoryContents, counts: Uint32Array): void {
  for (const { blobs } of images) for (const id of blobs) increment(counts, id)
  for (const ids of orphaned) for (const id of ids) increment(counts, id)
}

function increment(counts: Uint32Array, id: number): void {
  counts[id] = (counts[id] ?? 0) + 1
}
