import type { BlobStorage, RepositoryContents } from '../contents/repository-contents.ts'
import { createVisitor } from './storage-counts.ts'

export interface FreedBytes {
  readonly byRepository: ReadonlyMap<RepositoryContents, number>
  /** a blob of several repositories counts once */
  readonly total: number
}

/**
 * Returns the bytes that nothing has which remains after the planned deletes, in any repository of
 * the storage. Pure.
 * @param isExecuted whether the plan deletes in a repository; a refused one stays whole
 */
export function measureFreed(
  storage: BlobStorage,
  isExecuted: (contents: RepositoryContents) => boolean,
): FreedBytes {
  const { blobs, repositories } = storage
  const visit = createVisitor(storage)
  const remains = new Uint8Array(blobs.count)
  for (const one of repositories) {
    if (one.planned !== undefined && isExecuted(one)) for (const id of one.planned.remaining) remains[id] = 1
    else
      visit(one, (id) => {
        remains[id] = 1
      })
  }
  const counted = new Uint8Array(blobs.count)
  const byRepository = new Map<RepositoryContents, number>()
  let total = 0
  for (const one of repositories) {
    let own = 0
    for (const id of isExecuted(one) ? (one.planned?.deleted ?? []) : []) {
      if (remains[id] === 1) continue
      own += blobs.sizeOf(id)
      if (counted[id] === 0) total += blobs.sizeOf(id)
      counted[id] = 1
    }
    byRepository.set(one, own)
  }
  return { byRepository, total }
}
