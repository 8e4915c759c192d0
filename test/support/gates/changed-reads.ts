import type { Repositories, SourceRepository } from '../../../src/images/ports.ts'
import { DrayError, type ErrorCode } from '../../../src/lib/errors.ts'

/** What happens to one read of a repository instead of its answer. */
export type ReadChange =
  /** the read fails with this code; a manifest that is `corrupt` has another digest */
  | { readonly kind: 'fail'; readonly code: ErrorCode }
  /** one bit of the bytes of a blob is different, and the adapter has not noticed */
  | { readonly kind: 'flip' }

/** Repositories whose reads are numbered from 0, and one of them changed. */
export interface ChangedReads {
  readonly stores: Repositories
  /** the number of reads until now */
  readonly count: () => number
}

/** Changes the read with the number `at` of any repository that is opened. */
export function changedReads(stores: Repositories, at: number, change: ReadChange): ChangedReads {
  let reads = 0
  const isChanged = (): boolean => reads++ === at
  const fail = (): void => {
    if (change.kind === 'fail') throw new DrayError(change.code, 'this read fails')
  }
  const wrap = (store: SourceRepository): SourceRepository => ({
    ...store,
    resolve: async (where, call) => {
      if (isChanged()) fail()
      return await store.resolve(where, call)
    },
    manifest: async (where, call) => {
      if (isChanged()) fail()
      return await store.manifest(where, call)
    },
    findManifest: async (where, call) => {
      if (isChanged()) fail()
      return await store.findManifest(where, call)
    },
    blob: async (d, offset, call, end) => {
      if (!isChanged()) return await store.blob(d, offset, call, end)
      fail()
      const chunks = await Array.fromAsync(await store.blob(d, offset, call, end))
      return (async function* () {
        yield flip(Buffer.concat(chunks))
      })()
    },
    referrers: async (subject, call) => {
      if (isChanged()) fail()
      return await store.referrers(subject, call)
    },
    tags: (call, invalid) => {
      if (isChanged()) fail()
      return store.tags(call, invalid)
    },
  })
  const opened = new Map<SourceRepository, SourceRepository>()
  return {
    count: () => reads,
    stores: {
      target: (name) => stores.target(name),
      source: (name) => {
        const store = stores.source(name)
        const wrapped = opened.get(store) ?? wrap(store)
        opened.set(store, wrapped)
        return wrapped
      },
    },
  }
}

function flip(bytes: Uint8Array): Uint8Array {
  const changed = Buffer.from(bytes)
  const middle = changed.byteLength >> 1
  if (changed.byteLength > 0) changed[middle] = (changed[middle] ?? 0) ^ 1
  return changed
}
