import type { Call } from '../../../lib/call.ts'
import type { ErrorInfo } from '../../../lib/errors.ts'
import type { Digest } from '../../../oci/digest.ts'
import { formatRepository, type RepositoryName } from '../../../oci/reference.ts'
import { inParallel } from '../../../images/parallel.ts'
import type { Repositories } from '../../../images/ports.ts'
import { findTags } from '../../../images/tags/tags.ts'
import { selectImageTags } from '../image-tags.ts'
import { pairCommonTags, type TagPair, TagSet } from '../status/common-tags.ts'
import { listTagsToResolve } from '../status/compare-sides.ts'
import { diffSideOf } from './diff-side.ts'
import type { DiffFacts, DiffSide } from './diff.ts'
import {
  waitForBoth,
  explainUnreached,
  UnreachableRegistries,
  type Reached,
  readUntilTimeout,
} from '../reach.ts'

const imagesAtOnce = 8
/** Tags that are resolved in parallel at each side of an image. */
const tagsAtOnce = 16

/** An image with all targets of the two compared environments. */
export interface DiffImage {
  readonly image: string
  readonly from: readonly [DiffSide, ...DiffSide[]]
  readonly to: readonly DiffSide[]
}

export interface DiffOptions {
  /** how many common tags of an image are compared, the highest; undefined: all */
  readonly limit: number | undefined
}

/**
 * Reads the tags of each image in two environments, and the digests of common tags. dray compares
 * the first target of `from` that it can read with each target of `to`. A target that cannot be
 * read, or that the run does not reach in time, is `unreachable`.
 * @throws `interrupted`.
 */
export async function gatherDiff(
  stores: Repositories,
  images: readonly DiffImage[],
  options: DiffOptions,
  call: Call,
): Promise<readonly DiffFacts[]> {
  const reader = new DiffReader(stores, options)
  const found = new Map<DiffImage, readonly DiffFacts[]>()
  await readUntilTimeout(call, () =>
    inParallel(
      images,
      imagesAtOnce,
      call,
      async (image, c) => void found.set(image, await reader.read(image, c)),
    ),
  )
  return images.flatMap((image) => found.get(image) ?? listUnreached(image, call))
}

/** The digests of tags, requested once. */
type ResolvedTags = Map<string, Promise<Digest | null>>

type Names = Pick<DiffFacts, 'image' | 'from' | 'to' | 'otherSources'>

/** The tags of one side. */
interface ListedSide {
  readonly side: DiffSide
  /** undefined: the repository does not exist */
  readonly tags: readonly string[] | undefined
  readonly set: TagSet
}

class DiffReader {
  readonly #stores: Repositories
  readonly #options: DiffOptions
  readonly #reach = new UnreachableRegistries()
  /** registries with a warning that another registry replaces them */
  readonly #warned = new Set<string>()

  constructor(stores: Repositories, options: DiffOptions) {
    this.#stores = stores
    this.#options = options
  }

  /** Reads each target on its own, so that one that does not answer does not delay the others. */
  async read(image: DiffImage, call: Call): Promise<readonly DiffFacts[]> {
    const source = this.#list(image.from, call)
    const digests: ResolvedTags = new Map()
    return await inParallel(image.to, image.to.length, call, async (to, c) => {
      const [from, there] = await waitForBoth(source, this.#list([to], c))
      const names = namesOf(image, from.value?.side ?? image.from[0], to)
      if (from.value === undefined) return unreachable(names, names.from, from.error)
      if (there.value === undefined) return unreachable(names, to, there.error)
      return await this.#compare(names, from.value, there.value, { digests, call }, c)
    })
  }

  /** `shared` serves all targets. The failure of one of them does not end it. */
  async #compare(
    names: Names,
    from: ListedSide,
    to: ListedSide,
    shared: { readonly digests: ResolvedTags; readonly call: Call },
    call: Call,
  ): Promise<DiffFacts> {
    const common = pairTags(from, to)
    const pairs = common.slice(0, this.#options.limit)
    const extra = findExtraTags(from, to)
    const [fromTags, toTags] = [pairs.map((pair) => pair.from), pairs.map((pair) => pair.to)]
    const [here, there] = await waitForBoth(
      this.#resolve(names.from, [...fromTags, ...extra.from], shared.digests, shared.call),
      this.#resolve(names.to, [...toTags, ...extra.to], new Map(), call),
    )
    if (here.value === undefined) return unreachable(names, names.from, here.error)
    if (there.value === undefined) return unreachable(names, names.to, there.error)
    const digests = { from: here.value, to: there.value }
    const compared = pairs.map((pair) => ({
      ...pair,
      fromDigest: digests.from.get(pair.from) ?? null,
      toDigest: digests.to.get(pair.to) ?? null,
    }))
    const notCompared = common.length - pairs.length
    return { ...names, state: 'read', fromTags: from.tags, toTags: to.tags, compared, notCompared, digests }
  }

  /** Returns the tags of the first side that can be read, or the error of the first side. */
  async #list(sides: readonly [DiffSide, ...DiffSide[]], call: Call): Promise<Reached<ListedSide>> {
    let first: ErrorInfo | undefined
    for (const side of sides) {
      const store = this.#stores.source(side.repository)
      const { value, error } = await this.#reach.read(side.repository, call, async () => {
        const tags = await findTags(store, call)
        return { tags: tags === undefined ? undefined : selectImageTags(tags) }
      })
      if (value !== undefined) {
        if (first !== undefined) this.#warnInstead(sides[0].repository, first, side.repository, call)
        return { value: { side, tags: value.tags, set: new TagSet(value.tags ?? [], side.reading) } }
      }
      first ??= error
    }
    return { error: first ?? explainUnreached(sides[0].repository, call) }
  }

  /** Warns once for each registry. */
  #warnInstead(of: RepositoryName, error: ErrorInfo, repository: RepositoryName, call: Call): void {
    if (this.#warned.has(of.registry)) return
    this.#warned.add(of.registry)
    const text = `${error.message}; dray compares the next target instead, such as ${formatRepository(repository)}`
    call.notify({ kind: 'warning', text, from: of.registry })
  }

  /** Resolves tags in their order, each once in `known`; null for tags that no longer exist. */
  async #resolve(
    { repository }: DiffSide,
    tags: readonly string[],
    known: ResolvedTags,
    call: Call,
  ): Promise<Reached<ReadonlyMap<string, Digest | null>>> {
    const store = this.#stores.source(repository)
    const ask = async (tag: string): Promise<Digest | null> =>
      (await store.resolve({ tag }, call))?.digest ?? null
    const read = async (tag: string): Promise<readonly [string, Digest | null]> => {
      const digest = known.get(tag) ?? ask(tag)
      known.set(tag, digest)
      return [tag, await digest]
    }
    return await this.#reach.read(
      repository,
      call,
      async () => new Map(await inParallel([...new Set(tags)], tagsAtOnce, call, read)),
    )
  }
}

/** Pairs the current-version tags first, also if their names differ, then the common tags. */
function pairTags(from: ListedSide, to: ListedSide): readonly TagPair[] {
  const common = pairCommonTags(from.set, to.set)
  const [source, destination] = [currentTagOf(from), currentTagOf(to)]
  if (source === undefined || destination === undefined) return common
  const isCurrent = (pair: TagPair): boolean => pair.from === source && pair.to === destination
  return [{ from: source, to: destination }, ...common.filter((pair) => !isCurrent(pair))]
}

/** The tags of each side that a comparison needs beside those of `pairTags`. */
function findExtraTags(
  from: ListedSide,
  to: ListedSide,
): { readonly from: readonly string[]; readonly to: readonly string[] } {
  const [source, destination] = [currentTagOf(from), currentTagOf(to)]
  if (source !== undefined && destination !== undefined) return { from: [], to: [] }
  const none = new Map<string, Digest | null>()
  const needed = listTagsToResolve(diffSideOf(from.tags, from.side, none), diffSideOf(to.tags, to.side, none))
  // Common tags are resolved as pairs. `--limit` omits some of them.
  if (Math.max(needed.from.length, needed.to.length) > 1) return { from: [], to: [] }
  if (pairCommonTags(from.set, to.set).length > 0) return needed
  return {
    from: source === undefined ? needed.from : [source],
    to: destination === undefined ? needed.to : [destination],
  }
}

function currentTagOf({ side, set }: ListedSide): string | undefined {
  return side.currentTags.find((tag) => set.tags.has(tag))
}

function namesOf(image: DiffImage, from: DiffSide, to: DiffSide): Names {
  const otherSources = image.from.filter((side) => side !== from).map(({ repository }) => repository)
  return { image: image.image, from, to, otherSources }
}

function unreachable(names: Names, { repository }: DiffSide, error: ErrorInfo): DiffFacts {
  return { ...names, state: 'unreachable', unread: repository, error }
}

/** Returns the targets that the run did not reach. */
function listUnreached(image: DiffImage, call: Call): readonly DiffFacts[] {
  const [from] = image.from
  const error = explainUnreached(from.repository, call)
  return image.to.map((side) => unreachable(namesOf(image, from, side), from, error))
}
