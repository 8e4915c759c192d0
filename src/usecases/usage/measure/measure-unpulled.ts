import type { BlobStorage, ImageContents, RepositoryContents } from '../contents/repository-contents.ts'
import type { UnpulledImages } from '../usage-report.ts'
import { isUnpulled } from './last-use.ts'

export interface UnpulledInStorage {
  readonly byRepository: ReadonlyMap<RepositoryContents, UnpulledImages>
  /** of blobs that only unpulled images have; each blob counts once */
  readonly bytes: number
}

/**
 * Counts the images without a pull for `age` milliseconds, and the bytes that no other tagged image
 * of the storage has. Pure.
 */
export function measureUnpulled(storage: BlobStorage, age: number, now: number): UnpulledInStorage {
  const { blobs, repositories } = storage
  const split = repositories.map((contents) => splitImages(contents, age, now))
  const used = new Uint8Array(blobs.count)
  for (const [i, { others }] of split.entries()) {
    for (const ids of [...others.map((image) => image.blobs), ...(repositories[i]?.orphaned ?? [])])
      for (const id of ids) used[id] = 1
  }
  // The number of the last repository that counts a blob.
  const counted = new Uint32Array(blobs.count)
  let total = 0
  const byRepository = new Map<RepositoryContents, UnpulledImages>()
  for (const [i, contents] of repositories.entries()) {
    const { unpulled = [], unknown = 0 } = split[i] ?? {}
    let bytes = 0
    for (const image of unpulled) {
      for (const id of image.blobs) {
        if (used[id] === 1 || counted[id] === i + 1) continue
        if (counted[id] === 0) total += blobs.sizeOf(id)
        counted[id] = i + 1
        bytes += blobs.sizeOf(id)
      }
    }
    byRepository.set(contents, { images: unpulled.length, bytes, kept: countKept(unpulled), unknown })
  }
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
