import type { AccessEntry } from '../../src/embedded/access/access.ts'
import { memoryStorage } from '../../src/embedded/storage/memory-storage.ts'
import type { ProfileName } from '../../src/embedded/profiles.ts'
import { startRegistry } from '../../src/embedded/server.ts'
import type { Descriptor } from '../../src/oci/descriptor.ts'
import { parseDigest } from '../../src/oci/digest.ts'
import type { Content } from '../../test/support/images.ts'

/** The embedded registry in memory, which counts its requests. */
export interface GrowthRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly host: string
  /** The requests since the last call. */
  takeRequests(): readonly AccessEntry[]
  /** Stores content without requests. The root gets the tags. */
  add(repository: string, content: Content, tags: readonly string[]): Promise<void>
}

/** The most bytes that the registry keeps: more than the content of the largest size. */
const maxBytes = 1024 ** 3

export async function openGrowthRegistry(profile: ProfileName): Promise<GrowthRegistry> {
  const storage = memoryStorage(maxBytes)
  let requests: AccessEntry[] = []
  let writers = 0
  const registry = await startRegistry({ storage, profile, onRequest: (entry) => void requests.push(entry) })
  return {
    host: registry.registry,
    takeRequests: () => {
      const taken = requests
      requests = []
      return taken
    },
    add: async (repository, { root, blobs, manifests }, tags) => {
      for (const [digest, bytes] of blobs) {
        const writer = await storage.openWriter(String(writers++))
        await writer.append(bytes)
        await writer.commit(repository, parseDigest(digest))
      }
      for (const { descriptor, bytes, subject } of manifests) {
        const digest = parseDigest(descriptor.digest)
        const entry = { ...descriptor, digest } as Descriptor
        const refers = subject === undefined ? undefined : { subject: parseDigest(subject), entry }
        const manifest = { mediaType: descriptor.mediaType, digest, bytes }
        await storage.putManifest(
          repository,
          { ...manifest, ...(refers !== undefined && { refers }) },
          descriptor.digest === root.digest ? tags : [],
        )
      }
    },
    [Symbol.asyncDispose]: () => registry.close(),
  }
}
