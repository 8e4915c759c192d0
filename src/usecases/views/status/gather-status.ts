import type { Call } from '../../../lib/call.ts'
import type { DrayError } from '../../../lib/errors.ts'
import type { Digest } from '../../../oci/digest.ts'
import { parseVersionTag, type VersionTag } from '../../../semver/version.ts'
import { type CreatedOptions, readImageTime } from '../../../images/config/image-time.ts'
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
import { findVersion, findHighest, listVersionCandidates } from './current-version.ts'
import { waitForBoth, explainUnreached, UnreachableRegistries, readUntilTimeout } from '../reach.ts'
import type { CellFacts, StatusTarget } from './status.ts'

/** Repositories of one registry that are read in parallel. Registries do not delay each other. */
const targetsAtOnce = 16

/**
 * Reads each repository: the manifest of the current-version tag and the tag list in parallel, then
 * the tag of the highest version and up to eight more. Reads the config of each image once.
 * A repository that fails, or that the run does not reach in time, is `unreachable`.
 * @throws `interrupted`.
 */
export async function gatherStatus(
  stores: Repositories,
  targets: readonly StatusTarget[],
  options: CreatedOptions,
  call: Call,
): Promise<readonly CellFacts[]> {
  const [reach, reader] = [new UnreachableRegistries(), new TargetReader(stores, options)]
  const found = new Map<StatusTarget, CellFacts>()
  const registries = [...Map.groupBy(targets, ({ repository }) => repository.registry).values()]
  const readGroup = async (group: readonly StatusTarget[], inner: Call): Promise<void> => {
    await inParallel(group, targetsAtOnce, inner, async (target, c) => {
      const { value, error } = await reach.read(target.repository, c, () => reader.read(target, c))
      found.set(target, value ?? { target, state: 'unreachable', error })
    })
  }
  await readUntilTimeout(call, () => inParallel(registries, registries.length, call, readGroup))
  return targets.map(
    (target) =>
      found.get(target) ?? { target, state: 'unreachable', error: explainUnreached(target.repository, call) },
  )
}

/** Reads repositories, and the time of each image once. */
class TargetReader {
  readonly #stores: Repositories
  readonly #options: CreatedOptions
  readonly #created = new Map<Digest, Promise<string | undefined>>()
  /** registries with a warning that they do not list tags */
  readonly #unlisted = new Set<string>()

  constructor(stores: Repositories, options: CreatedOptions) {
    this.#stores = stores
    this.#options = options
  }

  async read(target: StatusTarget, call: Call): Promise<CellFacts> {
    const { currentTag, reading } = target
    const store = this.#stores.source(target.repository)
    const [content, listed] = await waitForBoth(
      store.findManifest({ tag: currentTag }, call),
      listTagsIfAllowed(store, call),
    )
    if (content === undefined) {
      if (listed.error !== undefined) throw listed.error
      const { tags } = listed
      if (tags === undefined) return { target, state: 'absent' }
      return { target, state: 'unmarked', highest: findHighest(tags, reading) ?? null }
    }
    const candidates = listVersionCandidates(listed.tags ?? [], reading, currentTag)
    const { digest } = content.descriptor
    const [version, created] = await waitForBoth(
      findCurrentVersion(store, digest, target, candidates, call),
      this.#createdOnce(store, content, call),
    )
    if (listed.error !== undefined && version === undefined) this.#warnUnlisted(target, call)
    return { target, state: 'present', digest, version: version ?? null, created: created ?? null }
  }

  /** Warns once for each registry. */
  #warnUnlisted({ repository: { registry } }: StatusTarget, call: Call): void {
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

/** Returns the tags, or why the registry has no list for this user, who may still pull. */
async function listTagsIfAllowed(
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

async function findCurrentVersion(
  store: ManifestReader,
  digest: Digest,
  { currentTag, reading }: StatusTarget,
  candidates: readonly VersionTag[],
  call: Call,
): Promise<VersionTag | undefined> {
  return parseVersionTag(currentTag, reading) ?? (await findVersion(store, digest, candidates, call))
}
