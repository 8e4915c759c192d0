import type { Call } from '../call.ts'
import { type ErrorCode, type ErrorInfo, toDrayError, toErrorInfo } from '../errors.ts'
import type { Digest } from '../oci/digest.ts'
import { formatRepository } from '../oci/reference.ts'
import { parseVersionTag } from '../semver/version.ts'
import { createdOf, type CreatedOptions } from '../store/image-time.ts'
import { inParallel } from '../store/parallel.ts'
import type { ManifestContent, SourceStore, Stores } from '../store/store.ts'
import { findVersion, versionCandidates } from './marker-version.ts'
import { tagsOfRepository } from './repository-tags.ts'
import type { CellFacts, StatusPlace } from './status.ts'

/** Places of one registry that are read at once: another one that does not answer holds none of them up. */
const placesAtOnce = 16

/** Nobody is there to ask: the same would come of the next image. */
const noConnection: ReadonlySet<ErrorCode> = new Set(['network', 'timeout'])

/**
 * Reads what stands where: for each place the marker's manifest and the list of tags at once, then the tag of the highest version, and up to eight
 * more where that is not it; and once for each image its config, for the time. What cannot be read is `unreachable`, and so is what the
 * time limit of the run has left out. @throws `interrupted`.
 */
export async function gatherStatus(
  stores: Stores,
  places: readonly StatusPlace[],
  options: CreatedOptions,
  call: Call,
): Promise<readonly CellFacts[]> {
  const reader = new PlaceReader(stores, options)
  const found = new Map<StatusPlace, CellFacts>()
  const registries = [...Map.groupBy(places, ({ repository }) => repository.registry).values()]
  try {
    await inParallel(registries, registries.length, call, async (group, inner) => {
      await inParallel(group, placesAtOnce, inner, async (place, c) => {
        found.set(place, await reader.read(place, c))
      })
    })
  } catch (thrown) {
    if (!hasRunOutOfTime(call)) throw thrown
  }
  return places.map(
    (place) => found.get(place) ?? unreachable(place, aboutPlace(toErrorInfo(call.signal.reason), place)),
  )
}

/** Reads places, and keeps what the run has learned on the way. */
class PlaceReader {
  readonly #stores: Stores
  readonly #options: CreatedOptions
  readonly #created = new Map<Digest, Promise<string | undefined>>()
  /** registries that gave an answer */
  readonly #answered = new Set<string>()
  /** registries that never did */
  readonly #silent = new Map<string, ErrorInfo>()

  constructor(stores: Stores, options: CreatedOptions) {
    this.#stores = stores
    this.#options = options
  }

  async read(place: StatusPlace, call: Call): Promise<CellFacts> {
    const { registry } = place.repository
    const silent = this.#silent.get(registry)
    if (silent !== undefined) return unreachable(place, aboutPlace(silent, place))
    try {
      const facts = await this.#look(place, call)
      this.#answered.add(registry)
      return facts
    } catch (thrown) {
      const error = toDrayError(call.signal.aborted ? call.signal.reason : thrown)
      if (error.code === 'interrupted' || error.code === 'internal') throw error
      const info = toErrorInfo(error)
      if (noConnection.has(error.code) && !this.#answered.has(registry)) this.#silent.set(registry, info)
      return unreachable(place, info)
    }
  }

  async #look(place: StatusPlace, call: Call): Promise<CellFacts> {
    const { marker, reading } = place
    const store = this.#stores.source(place.repository)
    const [content, tags] = await both(
      store.findManifest({ tag: marker }, call),
      tagsOfRepository(store, (tag) => parseVersionTag(tag, reading) !== undefined, call),
    )
    const candidates = versionCandidates(tags ?? [], reading)
    if (content === undefined) {
      if (tags === undefined) return { place, state: 'absent' }
      return { place, state: 'unmarked', highest: candidates[0] ?? null }
    }
    const { digest } = content.descriptor
    const [version, created] = await both(
      findMarked(store, digest, place, candidates, call),
      this.#createdOnce(store, content, call),
    )
    return { place, state: 'present', digest, version: version ?? null, created: created ?? null }
  }

  /** The same image has the same time wherever it is; where the one place does not tell it, the next is asked. */
  async #createdOnce(store: SourceStore, content: ManifestContent, call: Call): Promise<string | undefined> {
    const { digest } = content.descriptor
    const time = this.#created.get(digest) ?? createdOf(store, content, this.#options, call)
    this.#created.set(digest, time)
    try {
      return await time
    } catch {
      // an image without a time is still the image that it is
      if (this.#created.get(digest) === time) this.#created.delete(digest)
      return undefined
    }
  }
}

async function findMarked(
  store: SourceStore,
  digest: Digest,
  { marker, reading }: StatusPlace,
  candidates: Parameters<typeof findVersion>[2],
  call: Call,
): ReturnType<typeof findVersion> {
  return parseVersionTag(marker, reading) ?? (await findVersion(store, digest, candidates, call))
}

/** Waits for the end of both, so that none goes on behind the other's failure. */
async function both<A, B>(one: Promise<A>, other: Promise<B>): Promise<readonly [A, B]> {
  await Promise.allSettled([one, other])
  return [await one, await other]
}

function unreachable(place: StatusPlace, error: ErrorInfo): CellFacts {
  return { place, state: 'unreachable', error }
}

/** Of this place, where the error was met at another one. */
function aboutPlace(error: ErrorInfo, { repository }: StatusPlace): ErrorInfo {
  return { ...error, subject: formatRepository(repository) }
}

function hasRunOutOfTime({ signal }: Call): boolean {
  return signal.aborted && toDrayError(signal.reason).code === 'timeout'
}
