import type { Digest } from '../../../oci/digest.ts'
import type { StoredManifest } from '../../storage/storage.ts'
import { Turns } from '../../turns.ts'
import type { VendorState } from '../vendor.ts'

/** A deleted version can be restored for 30 days. */
const restorableMs = 30 * 24 * 3_600_000

/** A version of a package: each manifest is one, also the children of an index. */
export interface StoredVersion {
  readonly id: number
  readonly digest: Digest
  readonly pushedAt: number
  readonly deletedAt?: number
}

interface DeletedVersion extends StoredVersion {
  readonly manifest: StoredManifest
  readonly tags: readonly string[]
  readonly deletedAt: number
}

/**
 * The versions of the packages, and the deleted ones that can be restored
 * (docs.github.com/packages, Deleting and restoring a package).
 */
export class PackageVersions {
  /** One delete after another in a package, so that the last version is the last one. */
  readonly deletes = new Turns()
  readonly #state: VendorState
  readonly #deleted = new Map<string, Map<number, DeletedVersion>>()

  constructor(state: VendorState) {
    this.#state = state
  }

  /**
   * The versions that a list shows, newest first. Pushes and deletes show late if the options say
   * so.
   */
  async listed(repository: string): Promise<readonly StoredVersion[]> {
    const { clock, options } = this.#state
    const shownUntil = clock.now() - (options.lagMs ?? 0)
    const versions = (await this.active(repository)).filter(({ pushedAt }) => pushedAt <= shownUntil)
    const deletedLater = this.deleted(repository).filter(({ deletedAt }) => deletedAt > shownUntil)
    return [...versions, ...deletedLater].toSorted((a, b) => b.pushedAt - a.pushedAt || b.id - a.id)
  }

  /** All versions that are not deleted, unordered. */
  async active(repository: string): Promise<readonly StoredVersion[]> {
    const { storage, records } = this.#state
    const found: StoredVersion[] = []
    for await (const { digest } of storage.manifests(repository)) {
      const { pushedAt } = records.manifest(repository, digest)
      found.push({ id: records.idOf(repository, digest), digest, pushedAt })
    }
    return found
  }

  async find(repository: string, id: number): Promise<StoredVersion | undefined> {
    return (await this.active(repository)).find((version) => version.id === id)
  }

  /** The deleted versions that can still be restored. */
  deleted(repository: string): readonly DeletedVersion[] {
    const oldest = this.#state.clock.now() - restorableMs
    return [...(this.#deleted.get(repository)?.values() ?? [])].filter(({ deletedAt }) => deletedAt >= oldest)
  }

  /** The tags of a version; those of a deleted one are what it had. */
  async tagsOf(repository: string, { id, digest, deletedAt }: StoredVersion): Promise<readonly string[]> {
    if (deletedAt !== undefined) return this.#deleted.get(repository)?.get(id)?.tags ?? []
    return (await this.#state.storage.tagsOf(repository, digest)).toSorted()
  }

  /** Whether another version than this one has a tag. */
  async isAnotherTagged(repository: string, digest: Digest): Promise<boolean> {
    const { storage } = this.#state
    for (const tag of await storage.tags(repository)) {
      if ((await storage.tag(repository, tag)) !== digest) return true
    }
    return false
  }

  async remove(repository: string, version: StoredVersion): Promise<void> {
    const { storage, records, clock } = this.#state
    const manifest = await storage.manifest(repository, version.digest)
    if (manifest === undefined) return
    const tags = await this.tagsOf(repository, version)
    await storage.deleteManifest(repository, version.digest)
    const deletedAt = clock.now()
    records.deleted(repository, version.digest, deletedAt)
    const deleted = this.#deleted.get(repository) ?? new Map<number, DeletedVersion>()
    this.#deleted.set(repository, deleted.set(version.id, { ...version, manifest, tags, deletedAt }))
  }

  /** False if no such version was deleted in the last 30 days. */
  async restore(repository: string, id: number): Promise<boolean> {
    const version = this.deleted(repository).find((deleted) => deleted.id === id)
    if (version === undefined) return false
    const { storage, records } = this.#state
    const { manifest, tags, digest, pushedAt } = version
    await storage.putManifest(repository, manifest, tags)
    records.set(repository, { digest }, { pushedAt })
    this.#deleted.get(repository)?.delete(id)
    return true
  }
}
