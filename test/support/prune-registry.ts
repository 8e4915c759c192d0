import { onTestFinished } from 'vitest'
import type { AccessEntry } from '../../src/embedded/access/access.ts'
import { memoryStorage } from '../../src/embedded/storage/memory-storage.ts'
import type { ServerOptions } from '../../src/embedded/server.ts'
import type { RegistryStorage } from '../../src/embedded/storage/storage.ts'
import { type Digest, parseDigest } from '../../src/oci/digest.ts'
import type { RepositoryName } from '../../src/oci/reference.ts'
import type { Content } from './images.ts'
import { type Bench, bench, type BenchOptions } from './promotion.ts'
import { type WatchedRegistry, watchedRegistry } from './world.ts'

/**
 * A registry that a test changes at any request through its storage. It is closed after the test.
 */
export interface PruneRegistry extends AsyncDisposable {
  readonly registry: WatchedRegistry
  readonly run: Bench
  readonly storage: RegistryStorage
  /** `dev/api` */
  readonly repository: RepositoryName
  /** Puts manifests without their blobs, and tags the root. Synchronous. */
  put(content: Content, ...tags: readonly string[]): Digest
  /** Calls `act` at the `nth` matching request, before the client gets the response. */
  after(matches: (entry: AccessEntry) => boolean, act: () => void, nth?: number): void
  /** the names of the deleted tags and manifests, in the order of the requests */
  deletes(): readonly string[]
  /** the names of the remaining manifests */
  remaining(): Promise<readonly string[]>
}

export const isDelete = ({ method }: AccessEntry): boolean => method === 'DELETE'

/** Starts a `PruneRegistry`. `known` are the abilities that are known from its host. */
export async function startPruneRegistry(
  options: ServerOptions = {},
  benchOptions: Pick<BenchOptions, 'known' | 'clock'> = {},
): Promise<PruneRegistry> {
  const storage = options.storage ?? memoryStorage()
  const hooks = new Set<(entry: AccessEntry) => void>()
  const registry = await watchedRegistry({
    ...options,
    storage,
    onRequest: (entry) => hooks.forEach((hook) => hook(entry)),
  })
  const run = await bench(benchOptions)
  let isOpen = true
  const close = async (): Promise<void> => {
    if (!isOpen) return
    isOpen = false
    for (const one of [run, registry]) await one[Symbol.asyncDispose]()
  }
  onTestFinished(close)
  const repository = { registry: registry.host, path: 'dev/api' }
  const names = new Map<string, string>()
  return {
    registry,
    run,
    storage,
    repository,
    put: (content, ...tags) => {
      for (const { descriptor, bytes, tag, subject } of content.manifests) {
        const digest = parseDigest(descriptor.digest)
        const own = descriptor.digest === content.root.digest ? tags : []
        const entry = { mediaType: descriptor.mediaType, digest, size: descriptor.size }
        names.set(digest, own[0] ?? names.get(digest) ?? digest)
        // A storage in memory is done before its promise resolves.
        void storage.putManifest(
          repository.path,
          {
            mediaType: descriptor.mediaType,
            digest,
            bytes,
            ...(subject !== undefined && { refers: { subject: parseDigest(subject), entry } }),
          },
          [...own, ...(tag === undefined ? [] : [tag])],
        )
      }
      return parseDigest(content.root.digest)
    },
    after: (matches, act, nth = 1) => {
      let seen = 0
      const hook = (entry: AccessEntry): void => {
        if (!matches(entry) || ++seen < nth) return
        hooks.delete(hook)
        act()
      }
      hooks.add(hook)
    },
    deletes: () =>
      registry.requests.filter(isDelete).map(({ reference = '' }) => names.get(reference) ?? reference),
    [Symbol.asyncDispose]: close,
    remaining: async () => {
      const left = await Array.fromAsync(storage.manifests(repository.path))
      return left.map(({ digest }) => names.get(digest) ?? digest).sort()
    },
  }
}
