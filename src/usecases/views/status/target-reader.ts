import type { Call } from '../../../lib/call.ts'
import type { DrayError } from '../../../lib/errors.ts'
import type { Digest } from '../../../oci/digest.ts'
import { parseVersionTag } from '../../../semver/version.ts'
import { type CreatedOptions, readImageTime } from '../../../images/config/image-time.ts'
import { isNoList } from '../../../images/tags/tag-list.ts'
import { findTags } from '../../../images/tags/tags.ts'
import type { Inventories } from '../../../images/inventory/inventory.ts'
import { readVendorTags } from '../../../images/inventory/vendor-tags.ts'
import type {
  BlobReader,
  ManifestContent,
  ManifestReader,
  Repositories,
  TagLister,
} from '../../../images/ports.ts'
import { selectImageTags } from '../image-tags.ts'
import { waitForBoth } from '../reach.ts'
import { findVersion, listHighest, listVersionCandidates } from './current-version.ts'
import type { CellFacts, StatusTarget } from './facts.ts'

/** Reads repositories, and the time of each image once. */
export class TargetReader {
  readonly #stores: Repositories
  readonly #inventory: Inventories['inventory'] | undefined
  readonly #options: CreatedOptions
  readonly #created = new Map<Digest, Promise<string | undefined>>()
  /** registries with a warning that they do not list tags */
  readonly #unlisted = new Set<string>()

  constructor(stores: Repositories, options: CreatedOptions, inventory?: Inventories['inventory']) {
    this.#stores = stores
    this.#inventory = inventory
    this.#options = options
  }

  /** @throws what the store throws. */
  async read(target: StatusTarget, call: Call): Promise<CellFacts> {
    const { currentTag, reading } = target
    const store = this.#stores.source(target.repository)
    const [content, listed] = await waitForBoth(
      store.findManifest({ tag: currentTag }, call),
      this.#listTagsIfAllowed(store, call),
    )
    if (content === undefined) {
      if (listed.error !== undefined) throw listed.error
      const { tags = [] } = listed
      if (tags.length === 0) return { target, state: 'not-deployed' }
      const highest = listHighest(tags, reading)
      const [first] = highest
      const digests = new Map<string, Digest | null>()
      if (first !== undefined) digests.set(first.tag, await this.resolve(target, first.tag, call))
      return { target, state: 'no-current-tag', tags, highest, digests }
    }
    return await this.#readCurrent(target, content, listed, call)
  }

  /** Returns the digest of a tag; null if the tag does not exist. @throws what the store throws. */
  async resolve({ repository }: StatusTarget, tag: string, call: Call): Promise<Digest | null> {
    return (await this.#stores.source(repository).resolve({ tag }, call))?.digest ?? null
  }

  async #readCurrent(
    target: StatusTarget,
    content: ManifestContent,
    { tags, error }: TagsOrError,
    call: Call,
  ): Promise<CellFacts> {
    const { currentTag, reading } = target
    const { digest } = content.descriptor
    const digests = new Map<string, Digest | null>([[currentTag, digest]])
    const resolve = async (tag: string, c: Call): Promise<Digest | null> => {
      const found = digests.get(tag) ?? (await this.resolve(target, tag, c))
      digests.set(tag, found)
      return found
    }
    const candidates = listVersionCandidates(tags ?? [], reading, currentTag)
    const ofName = parseVersionTag(currentTag, reading)
    const [version, created] = await waitForBoth(
      ofName === undefined ? findVersion(resolve, digest, candidates, call) : Promise.resolve(ofName),
      this.#createdOnce(this.#stores.source(target.repository), content, call),
    )
    if (error !== undefined && version === undefined) this.#warnUnlisted(target, call)
    return {
      target,
      state: 'present',
      digest,
      version: version ?? null,
      created: created ?? null,
      tags,
      highest: tags === undefined ? [] : listHighest(tags, reading),
      digests,
    }
  }

  /**
   * Lists tags through the OCI API, and through the vendor's if the first one has no list. The OCI
   * API is current and has 1000 tags on a page. The vendor's list can be late: a promotion of a
   * minute ago would look like a difference.
   */
  async #listTagsIfAllowed(store: TagLister, call: Call): Promise<TagsOrError> {
    try {
      const tags = await findTags(store, call)
      return { tags: tags && selectImageTags(tags) }
    } catch (error) {
      if (!isNoList(error)) throw error
      const { repository } = store
      const vendor = await this.#inventory?.(repository.registry)
      const listed = vendor && (await readVendorTags(vendor, repository, false, call))
      return listed === undefined ? { error } : { tags: selectImageTags(listed.tags.keys()) }
    }
  }

  /** Warns once for each registry. */
  #warnUnlisted({ repository: { registry } }: StatusTarget, call: Call): void {
    if (this.#unlisted.has(registry)) return
    this.#unlisted.add(registry)
    const text = 'the registry does not list tags; dray compares digests and shows no versions'
    call.notify({ kind: 'warning', text, from: registry })
  }

  /** An image has the same time everywhere. If one repository fails, the next one is read. */
  async #createdOnce(
    store: ManifestReader & BlobReader,
    content: ManifestContent,
    call: Call,
  ): Promise<string | undefined> {
    const { digest } = content.descriptor
    const time = this.#created.get(digest) ?? readImageTime(store, content, this.#options, call)
    this.#created.set(digest, time)
    try {
      return await time
    } catch {
      // the status is useful without the time of an image
      if (this.#created.get(digest) === time) this.#created.delete(digest)
      return undefined
    }
  }
}

/** The tags on images, or why the registry has no list for this user, who may still pull. */
interface TagsOrError {
  readonly tags?: readonly string[] | undefined
  readonly error?: DrayError
}
