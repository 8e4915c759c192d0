import type { BlobStorage, ImageContents, RepositoryContents } from '../contents/repository-contents.ts'
import type { UnpulledImages } from '../usage-report.ts'
import { isUnpulled } from './last-use.ts'

export interface UnpulledInStorage {
  readonly byRepository: ReadonlyMap<RepositoryContents, UnpulledImages>
  /** bytes that no other image has, in any repository; each blob counts once */
  readonly bytes: number
}

/** Counts the images without a pull for `age` milliseconds, and what only they have. Pure. */
export function measureUnpulled(storage: BlobStorage, age: number, now: number): UnpulledInStorage {
  const { blobs, repositories } = storage
  const idle = new Uint8Array(blobs.count)
  const used = new Uint8Array(blobs.count)
  // The number of the last repository that uses or counts a blob.
  const usedIn = new Uint32Array(blobs.count)
  const countedIn = new Uint32Array(blobs.count)
  const byRepository = new Map<RepositoryContents, UnpulledImages>()
  for (const [i, contents] of repositories.entries()) {
    const here = i + 1
    const { unpulled, others, unknown } = splitImages(contents, age, now)
    for (const ids of [...others.map((image) => image.blobs), ...contents.orphaned]) {
      for (const id of ids) {
        usedIn[id] = here
        used[id] = 1
      }
    }
    let bytes = 0
    for (const image of unpulled) {
      for (const id of image.blobs) {
        if (usedIn[id] === here || countedIn[id] === here) continue
        countedIn[id] = here
        idle[id] = 1
        bytes += blobs.sizeOf(id)
      }
    }
    byRepository.set(contents, { images: unpulled.length, bytes, kept: countKept(unpulled), unknown })
  }
  let total = 0
  for (let id = 0; id < blobs.count; id++) if (idle[id] === 1 && used[id] === 0) total += blobs.sizeOf(id)
  return { byRepository, bytes: total }
}

interface SplitImages {
  readonly unpulled: readonly ImageContents[]
  readonly others: readonly ImageContents[]
  /** how many of the others have no known pull time */
  readonly unknown: number
}

function splitImages({ images, inventory }: RepositoryContents, age: number, now: number): SplitImages {
  const unpulled: ImageContents[] = []
  const others: ImageContents[] = []
  let unknown = 0
  for (const image of images) {
    const isIdle = isUnpulled(image, inventory, age, now)
    if (isIdle === undefined) unknown++
    ;(isIdle === true ? unpulled : others).push(image)
  }
  return { unpulled, others, unknown }
}

function countKept(images: readonly ImageContents[]): UnpulledImages['kept'] {
  const kept = { inUse: 0, protection: 0, hold: 0 }
  for (const { judged } of images) {
    const reason = judged?.verdict === 'keep' ? reasonOf(judged.why.kind) : undefined
    if (reason !== undefined) kept[reason]++
  }
  return kept
}

function reasonOf(kind: string): keyof UnpulledImages['kept'] | undefined {
  if (kind === 'inUse' || kind === 'hold') return kind
  return kind === 'protection' || kind === 'versionLike' || kind === 'locked' ? 'protection' : undefined
}
