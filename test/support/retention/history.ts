import type { Digest } from '../../../src/oci/digest.ts'
import { repository, type SimulatedRegistry } from './simulated-registry.ts'
import { blobOf, listedBy, seenManifest, type SeenManifest, type Snapshot } from './snapshot.ts'

/** Every manifest that a registry has ever had, whatever became of it: its bytes follow from its digest. */
export class History {
  readonly registry: SimulatedRegistry
  readonly manifests: Map<string, SeenManifest> = new Map()

  constructor(registry: SimulatedRegistry) {
    this.registry = registry
  }

  /** How it is now, as the registry itself knows it. */
  async now(): Promise<Snapshot> {
    const { storage, abilities } = this.registry
    const manifests = new Map<string, SeenManifest>()
    for await (const { digest, bytes } of storage.manifests(repository)) {
      const known =
        this.manifests.get(digest) ??
        (await seenManifest(digest, bytes, (blob) => blobOf(storage, repository, blob as Digest)))
      this.manifests.set(digest, known)
      manifests.set(digest, known)
    }
    const tags = new Map<string, string>()
    for (const tag of await storage.tags(repository)) {
      const digest = await storage.tag(repository, tag)
      if (digest !== undefined) tags.set(tag, digest)
    }
    return { tags, manifests, referrers: abilities.referrers ? listedBy(manifests) : () => [] }
  }
}
