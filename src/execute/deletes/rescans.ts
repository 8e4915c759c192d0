import type { Call } from '../../lib/call.ts'
import type { Clock } from '../../lib/clock.ts'
import { DrayError, type ErrorInfo } from '../../lib/errors.ts'
import { joinFirst } from '../../lib/join-first.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatRepository, type TagOrDigest } from '../../oci/reference.ts'
import type { DeleteStep, RepositoryPlan } from '../../plan/prune/prune-plan.ts'
import type { RepositoryGraph } from '../../images/graph/repository-graph.ts'
import type { RepositoryReader } from '../../images/graph/repository-reader.ts'
import { resolveTags } from '../../images/tags/tags.ts'
import type { DeleteLedger } from './delete-ledger.ts'
import { findLiveDeletes, type PendingDeletes } from './live-set.ts'
import { TagRounds } from './tag-rounds.ts'

/**
 * Requests for rescans that a delete pays for, so that all requests of a run grow with its deletes
 * and kept tags. A tag that is itself to be deleted is checked just before its delete too.
 */
const requestsPerDelete = { lists: 1 / 8, keptTags: 1 / 4, tagsToDelete: 1 / 8 } as const
/** The tags on one page of a list. One page is read before every wave of deletes. */
const pageSize = 1000
/** Longer lists are not read again for a delete that had to wait. */
const maxPagesWhileWaiting = 16

type Reading = ReturnType<RepositoryReader['begin']>

export interface RescanSubject {
  readonly plan: RepositoryPlan
  readonly ledger: DeleteLedger
  readonly deletes: PendingDeletes
  readonly clock: Pick<Clock, 'now'>
  readonly reader: RepositoryReader
  /** images in use, beside the roots of the plan */
  readonly usedNow: readonly TagOrDigest[]
}

/**
 * Reads a repository again between deletes, and settles the deletes of what is in the live set by
 * then.
 */
export class Rescans {
  readonly #ledger: DeleteLedger
  readonly #deletes: PendingDeletes
  readonly #clock: Pick<Clock, 'now'>
  readonly #reader: RepositoryReader
  readonly #usedNow: readonly TagOrDigest[]
  /** digests in use */
  readonly #roots: readonly Digest[]
  readonly #call: Call
  /** tags as the last reading found them, without those that this run deleted */
  readonly #seen: Map<string, Digest | null>
  readonly #keptTags: TagRounds
  /** the tag that is deleted last comes first: it is unchecked for the longest time */
  readonly #tagsToDelete: TagRounds
  /** requests that the deletes so far have paid for and that were not sent */
  readonly #unspent = { lists: 0, keptTags: 0, tagsToDelete: 0 }
  readonly #areDeleted: ReadonlySet<string>
  /** kept tags that were there before the first delete and are gone */
  readonly #gone = new Set<string>()
  #hasDeleted = false
  /** no delete has followed the last rescan of the whole repository yet */
  #isCurrent = false

  constructor({ plan, ledger, deletes, clock, reader, usedNow }: RescanSubject, call: Call) {
    this.#ledger = ledger
    this.#deletes = deletes
    this.#clock = clock
    this.#reader = reader
    this.#usedNow = usedNow
    this.#roots = [...plan.roots, ...usedNow.flatMap((at) => ('digest' in at ? [at.digest] : []))]
    this.#seen = new Map(plan.tags.map(({ tag, digest }) => [tag, digest]))
    const toDelete = plan.steps.flatMap((step) => (step.kind === 'deleteTag' ? step.tag : step.losesTags))
    this.#areDeleted = new Set(toDelete)
    this.#keptTags = new TagRounds([...this.#seen.keys()].filter((tag) => !this.#areDeleted.has(tag)))
    this.#tagsToDelete = new TagRounds(toDelete.toReversed())
    this.#unspent.lists = this.#pages
    this.#call = call
  }

  /**
   * Reads the whole repository, with the referrers of all manifests.
   * @throws what the reader throws; `protocol` for an incomplete list of tags
   */
  async all(): Promise<RepositoryGraph> {
    const reading = this.#reader.begin()
    await reading.addAllTags(this.#call)
    await this.#checkIsComplete(reading.graph.tags)
    await reading.addDigests(this.#roots, this.#call)
    await reading.addReferrers('all', this.#call)
    const { graph } = reading
    this.#note(graph)
    this.#isCurrent = true
    this.#settleLive(graph)
    return graph
  }

  /**
   * Lists the tags, and checks those that are kept. A tag that is deleted is checked just before
   * its delete. @throws as `all`
   */
  async allKept(): Promise<void> {
    const isThere = (tag: string): boolean => this.#seen.has(tag)
    await this.#check(this.#keptTags.take(this.#seen.size, isThere), true)
    this.#isCurrent = true
  }

  /**
   * Reads as much as the next deletes pay for. A manifest without tags pays for a check of kept
   * tags in place of its own, and the list is always read: only a new tag can lead to it.
   * @param count the deletes
   * @param untagged how many of them are of manifests that a rule deletes because they have no tag
   * @throws as `all`
   */
  async beforeDeletes(count: number, untagged = 0): Promise<void> {
    const unspent = this.#unspent
    unspent.lists += count * requestsPerDelete.lists
    unspent.keptTags += count * requestsPerDelete.keptTags + untagged
    unspent.tagsToDelete += count * requestsPerDelete.tagsToDelete
    if (this.#isCurrent) return
    const isThere = (tag: string): boolean => this.#seen.has(tag)
    const kept = this.#keptTags.take(Math.floor(unspent.keptTags), isThere)
    unspent.keptTags -= kept.length
    const toDelete = this.#tagsToDelete.take(Math.floor(unspent.tagsToDelete), isThere)
    unspent.tagsToDelete -= toDelete.length
    const isListed = untagged > 0 || this.#pages === 1 || this.#pages <= unspent.lists
    if (isListed) unspent.lists = Math.max(0, unspent.lists - this.#pages)
    await this.#check([...kept, ...toDelete], isListed)
  }

  /** Reads what these tags reach now, and keeps it. @throws what the reader throws */
  async ofTags(tags: readonly string[]): Promise<void> {
    if (tags.length === 0) return
    const graph = await this.#read((reading) => reading.addTags(tags, this.#call))
    this.#note(graph)
    this.#settleLive(graph)
  }

  /**
   * Reads manifests that no tag may lead to, and keeps what they reach. Returns the part of the
   * repository that they lead to. @throws as `ofTags`
   */
  async ofDigests(digests: readonly Digest[]): Promise<RepositoryGraph> {
    const graph = await this.#read((reading) => reading.addDigests(digests, this.#call))
    this.#settleLive(graph)
    return graph
  }

  /**
   * Returns the deletes whose manifests got into the live set by tags that are new since the last
   * reading. It settles none of them, since some may have been sent: the next rescan does that.
   * @throws what the reader throws
   */
  async findNewlyLive(call: Call): Promise<ReadonlyMap<DeleteStep, ErrorInfo>> {
    if (this.#pages > maxPagesWhileWaiting) return new Map()
    const names = await this.#reader.listTags(call)
    const added = names.filter((tag) => !this.#seen.has(tag))
    if (added.length === 0) return new Map()
    return this.#findLive(await this.#read((reading) => reading.addTags(added, call), call))
  }

  /**
   * Lists the tags after the last delete. Returns those that are new since the last reading, and
   * kept ones that are gone. @throws as `all`
   */
  async listLast(): Promise<{ readonly added: readonly string[]; readonly gone: readonly string[] }> {
    const names = new Set(await this.#reader.listTags(this.#call))
    await this.#checkIsComplete(names)
    return {
      added: [...names].filter((tag) => !this.#seen.has(tag)),
      gone: [...this.#gone].filter((tag) => !names.has(tag)),
    }
  }

  countDelete(): void {
    this.#isCurrent = false
    this.#hasDeleted = true
  }

  /** Removes deleted tags: if another client writes them again, they are new. */
  forget(tags: readonly string[]): void {
    for (const tag of tags) this.#seen.delete(tag)
  }

  tagsOn(digest: Digest): readonly string[] {
    return [...this.#seen].flatMap(([tag, at]) => (at === digest ? [tag] : []))
  }

  get #pages(): number {
    return Math.max(1, Math.ceil(this.#seen.size / pageSize))
  }

  /** Resolves tags, and lists all names if `isListed`; reads what moved and new tags reach. */
  async #check(tags: readonly string[], isListed: boolean): Promise<void> {
    const [found, names] = await Promise.all([
      resolveTags(this.#reader.store, tags, this.#call),
      isListed ? this.#reader.listTags(this.#call) : [],
    ])
    const changed = tags.filter((tag) => found.get(tag) !== this.#seen.get(tag))
    this.#forgetGone(changed.filter((tag) => (found.get(tag) ?? null) === null))
    if (isListed) await this.#checkIsComplete(new Set(names))
    const added = names.filter((tag) => !this.#seen.has(tag))
    await this.ofTags([...new Set([...changed.filter((tag) => this.#seen.has(tag)), ...added])])
  }

  /** Tags that this run did not delete: if another client writes them again, they are new. */
  #forgetGone(tags: readonly string[]): void {
    this.forget(tags)
    if (!this.#hasDeleted) return
    for (const tag of tags) if (!this.#areDeleted.has(tag)) this.#gone.add(tag)
  }

  async #read(add: (reading: Reading) => Promise<void>, call = this.#call): Promise<RepositoryGraph> {
    const reading = this.#reader.begin()
    await add(reading)
    await reading.addReferrers('all', call)
    return reading.graph
  }

  #note({ tags }: RepositoryGraph): void {
    for (const [tag, digest] of tags) {
      if (!this.#seen.has(tag)) this.#keptTags.add(tag)
      this.#seen.set(tag, digest)
    }
  }

  #settleLive(graph: RepositoryGraph): void {
    this.#ledger.settleConflicts(this.#findLive(graph))
  }

  #findLive(graph: RepositoryGraph): ReadonlyMap<DeleteStep, ErrorInfo> {
    const used = this.#usedNow.flatMap((at) => ('tag' in at ? (graph.tags.get(at.tag) ?? []) : []))
    return findLiveDeletes(this.#deletes, [...this.#roots, ...used], graph, this.#clock.now())
  }

  /**
   * An incomplete list does not show what was added: a registry that fails for a moment has an
   * empty one. Tags that are gone are forgotten.
   */
  async #checkIsComplete(listed: { has(tag: string): boolean }): Promise<void> {
    const { store } = this.#reader
    const gone = [...this.#seen].flatMap(([tag, digest]) => (digest === null || listed.has(tag) ? [] : [tag]))
    const found = await resolveTags(store, gone, this.#call)
    const unlisted = gone.filter((tag) => (found.get(tag) ?? null) !== null)
    if (unlisted.length === 0) return this.#forgetGone(gone)
    throw new DrayError('protocol', `the list of tags is incomplete: it lacks ${joinFirst(unlisted, 3)}`, {
      subject: formatRepository(store.repository),
      why: 'the registry has these tags and does not list them',
      hint: 'If the tags are new, run the command again. Otherwise, check the registry, or a cache in front of it.',
    })
  }
}

/** Whether a rule deletes the manifest because nothing reaches it. */
export function isUntagged(step: DeleteStep): boolean {
  return step.kind === 'deleteManifest' && step.untagged === true
}
