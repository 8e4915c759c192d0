import type { Digest } from '../../../src/oci/digest.ts'
import { repository, type SimulatedRegistry } from './simulated-registry.ts'
import { blobOf, referrerLister, summariseManifest, type ManifestSummary, type Snapshot } from './snapshot.ts'

/** Every manifest that the registry ever had, also deleted ones. */
export class ManifestHistory {
  readonly registry: SimulatedRegistry
  readonly manifests: Map<string, ManifestSummary> = new Map()

  constructor(registry: SimulatedRegistry) {
    this.registry = registry
  }

  /** Reads the current state from the storage of the registry. */
  async now(): Promise<Snapshot> {
    const { storage, abilities } = this.registry
    const manifests = new Map<string, ManifestSummary>()
    for await (const { digest, bytes } of storage.manifests(repository)) {
      const known =
        this.manifests.get(digest) ??
        (await summariseManifest(digest, bytes, (blob) => blobOf(storage, repository, blob as Digest)))
      this.manifests.set(digest, known)
      manifests.set(digest, known)
    }
    const tags = new Map<string, string>()
    for (const tag of await storage.tags(repository)) {
      const digest = await storage.tag(repository, tag)
      if (digest !== undefined) tags.set(tag, digest)
    }
    return { tags, manifests, referrers: abilities.referrers ? referrerLister(manifests) : () => [] }
  }
}
