import type { Call } from '../../../lib/call.ts'
import type { DrayError } from '../../../lib/errors.ts'
import type { Digest } from '../../../oci/digest.ts'
import { parseVersionTag, type VersionTag } from '../../../semver/version.ts'
import { type CreatedOptions, timeOfImage } from '../../../images/config/image-time.ts'
import { isNoList } from '../../../images/tags/tag-list.ts'
import { findTags } from '../../../images/tags/tags.ts'
import { inParallel } from '../../../images/parallel.ts'
import type {
  BlobReader,
  ManifestContent,
  ManifestReader,
  Repositories,
  TagLister,
} from '../../../images/ports.ts'
import { findVersion, highestOf, versionCandidates } from './marker-version.ts'
import { both, leftOut, UnreachableRegistries, untilTimeIsUp } from '../reach.ts'
import type { CellFacts, StatusPlace } from './status.ts'

/** Repositories of one registry that are read in parallel. Registries do not delay each other. */
const placesAtOnce = 16

/**
 * Reads each repository: the manifest of the current-version tag and the tag list in parallel, then
 * the tag of the highest version and up to eight more. Reads the config of each image once.
 * A repository that fails, or that the run does not reach in time, is `unreachable`.
 * @throws `interrupted`.
 */
export async function gatherStatus(
  stores: Repositories,
  places: readonly StatusPlace[],
  options: CreatedOptions,
  call: Call,
): Promise<readonly CellFacts[]> {
  const [reach, reader] = [new UnreachableRegistries(), new PlaceReader(stores, options)]
  const found = new Map<StatusPlace, CellFacts>()
  const registries = [...Map.groupBy(places, ({ repository }) => repository.registry).values()]
  const readGroup = async (group: readonly StatusPlace[], inner: Call): Promise<void> => {
    await inParallel(group, placesAtOnce, inner, async (place, c) => {
      const { value, error } = await reach.read(place.repository, c, () => reader.read(place, c))
      found.set(place, value ?? { place, state: 'unreachable', error })
    })
  }
  await untilTimeIsUp(call, () => inParallel(registries, registries.length, call, readGroup))
  return places.map(
    (place) => found.get(place) ?? { place, state: 'unreachable', error: leftOut(place.repository, call) },
  )
}

/** Reads repositories, and the time of each image once. */
class PlaceReader {
  readonly #stores: Repositories
  readonly #options: CreatedOptions
  readonly #created = new Map<Digest, Promise<string | undefined>>()
  /** registries with a warning that they do not list tags */
  readonly #unlisted = new Set<string>()

  constructor(stores: Repositories, options: CreatedOptions) {
    this.#stores = stores
    this.#options = options
  }

  async read(place: StatusPlace, call: Call): Promise<CellFacts> {
    const { marker, reading } = place
    const store = this.#stores.source(place.repository)
    const [content, listed] = await both(store.findManifest({ tag: marker }, call), tagsOrNone(store, call))
    if (content === undefined) {
      if (listed.error !== undefined) throw listed.error
      const { tags } = listed
      if (tags === undefined) return { place, state: 'absent' }
      return { place, state: 'unmarked', highest: highestOf(tags, reading) ?? null }
    }
    const candidates = versionCandidates(listed.tags ?? [], reading, marker)
    const { digest } = content.descriptor
    const [version, created] = await both(
      findMarked(store, digest, place, candidates, call),
      this.#createdOnce(store, content, call),
    )
    if (listed.error !== undefined && version === undefined) this.#warnUnlisted(place, call)
    return { place, state: 'present', digest, version: version ?? null, created: created ?? null }
  }

  /** Warns once for each registry. */
  #warnUnlisted({ repository: { registry } }: StatusPlace, call: Call): void {
    if (this.#unlisted.has(registry)) return
    this.#unlisted.add(registry)
    const text = 'tags cannot be listed: what stands there is compared, its version is unknown'
    call.notify({ kind: 'warning', text, from: registry })
  }

  /** An image has the same time everywhere. If one repository fails, the next one is read. */
  async #createdOnce(
    store: ManifestReader & BlobReader,
    content: ManifestContent,
    call: Call,
  ): Promise<string | undefined> {
    const { digest } = content.descriptor
    const time = this.#created.get(digest) ?? timeOfImage(store, content, this.#options, call)
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

/** Returns the tags, or why the registry has no list for this user, who may still pull. */
async function tagsOrNone(
  store: TagLister,
  call: Call,
): Promise<{ readonly tags?: readonly string[] | undefined; readonly error?: DrayError }> {
  try {
    return { tags: await findTags(store, call) }
  } catch (error) {
    if (!isNoList(error)) throw error
    return { error }
  }
}

async function findMarked(
  store: ManifestReader,
  digest: Digest,
  { marker, reading }: StatusPlace,
  candidates: readonly VersionTag[],
  call: Call,
): Promise<VersionTag | undefined> {
  return parseVersionTag(marker, reading) ?? (await findVersion(store, digest, candidates, call))
}
