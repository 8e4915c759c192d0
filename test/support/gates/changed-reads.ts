import type { ManifestContent, Repositories, SourceRepository } from '../../../src/images/ports.ts'
import { DrayError, type ErrorCode } from '../../../src/lib/errors.ts'

/** What happens to one read of a repository instead of its answer. */
export type ReadChange =
  /** the registry does not answer, or refuses */
  | { readonly kind: 'fail'; readonly code: ErrorCode }
  /** a manifest or blob does not exist any more; a list is empty */
  | { readonly kind: 'remove' }
  /** one bit of the bytes is different, and no digest was compared */
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
      if (!isChanged()) return await store.resolve(where, call)
      fail()
      return undefined
    },
    manifest: async (where, call) => {
      if (!isChanged()) return await store.manifest(where, call)
      fail()
      if (change.kind === 'remove') throw new DrayError('not-found', 'the manifest does not exist')
      return flipped(await store.manifest(where, call))
    },
    findManifest: async (where, call) => {
      if (!isChanged()) return await store.findManifest(where, call)
      fail()
      const content = change.kind === 'remove' ? undefined : await store.findManifest(where, call)
      return content && flipped(content)
    },
    blob: async (d, offset, call, end) => {
      if (!isChanged()) return await store.blob(d, offset, call, end)
      fail()
      if (change.kind === 'remove') throw new DrayError('not-found', 'the blob does not exist')
      const chunks = await Array.fromAsync(await store.blob(d, offset, call, end))
      return (async function* () {
        yield flip(Buffer.concat(chunks))
      })()
    },
    referrers: async (subject, call) => {
      if (!isChanged()) return await store.referrers(subject, call)
      fail()
      return []
    },
    tags: (call, invalid) => {
      if (!isChanged()) return store.tags(call, invalid)
      return (async function* () {
        fail()
        yield* []
      })()
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

function flipped(content: ManifestContent): ManifestContent {
  return { ...content, bytes: flip(content.bytes) }
}

function flip(bytes: Uint8Array): Uint8Array {
  const changed = Buffer.from(bytes)
  const middle = changed.byteLength >> 1
  if (changed.byteLength > 0) changed[middle] = (changed[middle] ?? 0) ^ 1
  return changed
}
