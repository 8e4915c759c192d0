import type { Call } from '../../lib/call.ts'
import { DrayError, type ErrorInfo } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatRepository, type TagOrDigest } from '../../oci/reference.ts'
import type { DeleteStep, RepositoryPlan } from '../../plan/prune/prune-plan.ts'
import type { RepositoryGraph } from '../../images/graph/repository-graph.ts'
import type { RepositoryReader } from '../../images/graph/repository-reader.ts'
import { resolveTags } from '../../images/tags/tags.ts'
import type { DeleteLedger } from './delete-ledger.ts'
import { findLiveDeletes, PendingDeletes } from './live-set.ts'

/**
 * Between two rescans of the whole repository there are at most so many deletes, and in a small
 * repository as many as it has tags, so that rescans cost no more than deletes.
 */
const deletesPerRescan = { most: 100, least: 16 } as const
/** A list of so many tags is one page, so that it costs little to read the names again. */
const pageSize = 1000

type Reading = ReturnType<RepositoryReader['begin']>

/**
 * Reads a repository again between deletes, and settles the deletes of what is in the live set by
 * then.
 */
export class Rescans {
  readonly #ledger: DeleteLedger
  readonly #deletes: PendingDeletes
  readonly #reader: RepositoryReader
  readonly #usedNow: readonly TagOrDigest[]
  /** digests in use */
  readonly #roots: readonly Digest[]
  readonly #call: Call
  /** tags as the last reading found them, without those that this run deleted */
  #seen: Map<string, Digest | null>
  #deletesSince = 0
  /** no delete has followed the last rescan of the whole repository yet */
  #isCurrent = false

  /** @param usedNow images in use, beside the roots of the plan */
  constructor(
    plan: RepositoryPlan,
    ledger: DeleteLedger,
    reader: RepositoryReader,
    usedNow: readonly TagOrDigest[],
    call: Call,
  ) {
    this.#ledger = ledger
    this.#deletes = new PendingDeletes(plan.steps, (step) => ledger.isPending(step))
    this.#reader = reader
    this.#usedNow = usedNow
    this.#roots = [...plan.roots, ...usedNow.flatMap((at) => ('digest' in at ? [at.digest] : []))]
    this.#seen = new Map(plan.tags.map(({ tag, digest }) => [tag, digest]))
    this.#call = call
  }

  /**
   * Reads the whole repository, with the referrers of all manifests, or only of those that got a
   * tag since the last reading.
   * @throws what the reader throws; `protocol` for an incomplete list of tags
   */
  async all(referrers: 'all' | 'new'): Promise<RepositoryGraph> {
    const reading = this.#reader.begin()
    await reading.addAllTags(this.#call)
    await this.#checkIsComplete(reading.graph)
    await reading.addDigests(this.#roots, this.#call)
    if (referrers === 'all') await reading.addReferrers('all', this.#call)
    let { graph } = reading
    const tagged = referrers === 'all' ? [] : this.#newlyTagged(graph)
    if (tagged.length > 0)
      graph = merge(graph, await this.#read((more) => more.addDigests(tagged, this.#call)))
    this.#seen = new Map(graph.tags)
    this.#deletesSince = 0
    this.#isCurrent = true
    this.#settleLive(graph)
    return graph
  }

  /** Reads what has to be read before so many deletes. @throws as `all` */
  async beforeDeletes(count: number): Promise<void> {
    if (this.#isCurrent) return
    const { most, least } = deletesPerRescan
    const limit = Math.min(most, Math.max(least, this.#seen.size))
    if (this.#deletesSince + count > limit) await this.all('new')
    else if (this.#seen.size <= pageSize) {
      const names = await this.#reader.listTags(this.#call)
      await this.ofTags(names.filter((tag) => !this.#seen.has(tag)))
    }
  }

  /** Reads what these tags reach now, and keeps it. @throws what the reader throws */
  async ofTags(tags: readonly string[]): Promise<void> {
    if (tags.length === 0) return
    const graph = await this.#read((reading) => reading.addTags(tags, this.#call))
    for (const [tag, digest] of graph.tags) this.#seen.set(tag, digest)
    this.#settleLive(graph)
  }

  /**
   * Returns the deletes whose manifests got into the live set by tags that are new since the last
   * reading. It settles none of them, since some may have been sent: the next rescan does that.
   * @throws what the reader throws
   */
  async findNewlyLive(call: Call): Promise<ReadonlyMap<DeleteStep, ErrorInfo>> {
    if (this.#seen.size > pageSize) return new Map()
    const names = await this.#reader.listTags(call)
    const added = names.filter((tag) => !this.#seen.has(tag))
    if (added.length === 0) return new Map()
    return this.#findLive(await this.#read((reading) => reading.addTags(added, call), call))
  }

  countDelete(): void {
    this.#deletesSince += 1
    this.#isCurrent = false
  }

  /** Removes deleted tags: if someone puts them there again, they are new. */
  forget(tags: readonly string[]): void {
    for (const tag of tags) this.#seen.delete(tag)
  }

  tagsOn(digest: Digest): readonly string[] {
    return [...this.#seen].flatMap(([tag, at]) => (at === digest ? [tag] : []))
  }

  async #read(add: (reading: Reading) => Promise<void>, call = this.#call): Promise<RepositoryGraph> {
    const reading = this.#reader.begin()
    await add(reading)
    await reading.addReferrers('all', call)
    return reading.graph
  }

  /** Digests that got a tag since the last reading. */
  #newlyTagged({ tags }: RepositoryGraph): readonly Digest[] {
    return [...tags].flatMap(([tag, digest]) =>
      digest === null || this.#seen.get(tag) === digest ? [] : [digest],
    )
  }

  #settleLive(graph: RepositoryGraph): void {
    this.#ledger.settleConflicts(this.#findLive(graph))
  }

  #findLive(graph: RepositoryGraph): ReadonlyMap<DeleteStep, ErrorInfo> {
    const used = this.#usedNow.flatMap((at) => ('tag' in at ? (graph.tags.get(at.tag) ?? []) : []))
    return findLiveDeletes(this.#deletes, [...this.#roots, ...used], graph)
  }

  /**
   * An incomplete list does not show what was added: a registry that fails for a moment has an
   * empty one.
   */
  async #checkIsComplete({ tags }: RepositoryGraph): Promise<void> {
    const { store } = this.#reader
    const gone = [...this.#seen].flatMap(([tag, digest]) => (digest === null || tags.has(tag) ? [] : [tag]))
    const found = await resolveTags(store, gone, this.#call)
    const unlisted = gone.filter((tag) => (found.get(tag) ?? null) !== null)
    if (unlisted.length === 0) return
    const more = unlisted.length > 3 ? ` and ${unlisted.length - 3} more` : ''
    throw new DrayError(
      'protocol',
      `the list of tags is not whole: it lacks ${unlisted.slice(0, 3).join(', ')}${more}`,
      {
        subject: formatRepository(store.repository),
        why: 'what is needed by now cannot be told from such a list',
        hint: 'If tags were put there just now, run again. Else the registry, or a cache before it, does not list its tags.',
      },
    )
  }
}

function merge(one: RepositoryGraph, other: RepositoryGraph): RepositoryGraph {
  return {
    ...one,
    nodes: new Map([...one.nodes, ...other.nodes]),
    missing: new Set([...one.missing, ...other.missing]),
  }
}
