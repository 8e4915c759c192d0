import type { Repositories, TargetRepository } from '../../src/images/ports.ts'
import { type BeforeAttempt, waitForAttempt } from '../../src/lib/freshness.ts'
import type { Call } from '../../src/lib/call.ts'
import type { Descriptor } from '../../src/oci/descriptor.ts'
import { type Digest, digestOf } from '../../src/oci/digest.ts'

const bytes = Buffer.from(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOf('{}'), size: 2 },
    layers: [],
  }),
)
/** The manifest that all repositories of `tagStores` have. */
export const wanted: Descriptor = {
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  digest: digestOf(bytes),
  size: bytes.byteLength,
}

export interface TagStores {
  readonly stores: Repositories
  readonly tags: Map<string, Digest>
  /** `HEAD tag`, `GET tag`, `PUT tag`, `LIST`, in order */
  readonly requests: string[]
  /** false: HEAD answers as if no tag existed */
  hasHead: boolean
  /** is awaited with each request, before the registry handles it */
  onRequest: (request: string) => Promise<void> | void
}

/** One repository in memory, with tags that a test may change at any time. */
export function tagStores(tags: Readonly<Record<string, Digest>> = {}): TagStores {
  const tagStore: TagStores = {
    tags: new Map(Object.entries(tags)),
    requests: [],
    hasHead: true,
    onRequest: () => undefined,
    stores: { source: () => store, target: () => store },
  }
  const request = async (name: string): Promise<void> => {
    tagStore.requests.push(name)
    await tagStore.onRequest(name)
  }
  const store = {
    repository: { registry: 'registry.example.com', path: 'prod/api' },
    capability: () => 'unknown',
    resolve: async (at: { tag?: string }) => {
      await request(`HEAD ${at.tag ?? 'digest'}`)
      const digest = at.tag === undefined ? wanted.digest : tagStore.tags.get(at.tag)
      return digest === undefined || !tagStore.hasHead ? undefined : { ...wanted, digest }
    },
    findManifest: async (at: { tag?: string }) => {
      if (at.tag === undefined) return { descriptor: wanted, bytes }
      await request(`GET ${at.tag}`)
      const digest = tagStore.tags.get(at.tag)
      return digest === undefined ? undefined : { descriptor: { ...wanted, digest }, bytes }
    },
    manifest: () => Promise.resolve({ descriptor: wanted, bytes }),
    tags: async function* () {
      await request('LIST')
      yield* tagStore.tags.keys()
    },
    putManifest: async (
      d: Descriptor,
      _: Uint8Array,
      [tag = 'digest']: readonly string[],
      __: Call,
      beforeAttempt?: BeforeAttempt,
    ) => {
      // Repeats the attempt until `onRequest` does not throw `Retry`.
      for (let stored: Digest | undefined; ;) {
        if (beforeAttempt !== undefined) await waitForAttempt(() => beforeAttempt(stored))
        try {
          await request(`PUT ${tag}`)
          tagStore.tags.set(tag, d.digest)
          return { tagged: [tag], subjectListed: true }
        } catch (error) {
          if (!(error instanceof Retry)) throw error
          stored = error.stored
          if (stored !== undefined) tagStore.tags.set(tag, stored)
        }
      }
    },
  } as unknown as TargetRepository
  return tagStore
}

/** Thrown by `onRequest`: the attempt failed, and another one follows. */
export class Retry extends Error {
  /** what the failed attempt stored in place of the manifest */
  readonly stored: Digest | undefined

  constructor(stored?: Digest) {
    super('retry')
    this.stored = stored
  }
}
