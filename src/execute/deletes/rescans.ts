import type { Call } from '../../lib/call.ts'
import type { Digest } from '../../oci/digest.ts'
import type { TagOrDigest } from '../../oci/reference.ts'
import type { RepositoryPlan } from '../../plan/prune/prune-plan.ts'
import type { RepositoryGraph } from '../../images/graph/repository-graph.ts'
import type { RepositoryReader } from '../../images/graph/repository-reader.ts'
import type { DeleteLedger } from './delete-ledger.ts'
import { findLiveDeletes, PendingDeletes } from './live-set.ts'
import { RepositoryWatcher } from './repository-watcher.ts'

/**
 * Between two rescans of the whole repository there are at most so many deletes, and in a small
 * repository as many as it has tags, so that rescans cost no more than deletes.
 */
const deletesPerRescan = { most: 100, least: 16 } as const

/** Reads a repository again between deletes, and settles the deletes of what is in the live set by then. */
export class Rescans {
  readonly #ledger: DeleteLedger
  readonly #deletes: PendingDeletes
  readonly #watcher: RepositoryWatcher
  readonly #usedNow: readonly TagOrDigest[]
  /** digests in use */
  readonly #roots: readonly Digest[]
  readonly #call: Call
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
    this.#usedNow = usedNow
    this.#roots = [...plan.roots, ...usedNow.flatMap((at) => ('digest' in at ? [at.digest] : []))]
    this.#watcher = new RepositoryWatcher(reader, plan.tags, this.#roots)
    this.#call = call
  }

  /** Reads the whole repository. @throws what the reader throws */
  async all(referrers: 'all' | 'new'): Promise<RepositoryGraph> {
    const graph = await this.#watcher.readAll(referrers, this.#call)
    this.#deletesSince = 0
    this.#isCurrent = true
    this.#settleLive(graph)
    return graph
  }

  /** Reads what has to be read before so many deletes. @throws what the reader throws */
  async beforeDeletes(count: number): Promise<void> {
    if (this.#isCurrent) return
    const { most, least } = deletesPerRescan
    const limit = Math.min(most, Math.max(least, this.#watcher.size))
    if (this.#deletesSince + count > limit) await this.all('new')
    else if (this.#watcher.isShort) {
      const graph = await this.#watcher.readNewTags(this.#call)
      if (graph !== undefined) this.#settleLive(graph)
    }
  }

  /** Reads what these tags reach now, and keeps it. @throws what the reader throws */
  async ofTags(tags: readonly string[]): Promise<void> {
    if (tags.length > 0) this.#settleLive(await this.#watcher.readTags(tags, this.#call))
  }

  countDelete(): void {
    this.#deletesSince += 1
    this.#isCurrent = false
  }

  /** Removes deleted tags: if someone puts them there again, they are new. */
  forget(tags: readonly string[]): void {
    this.#watcher.forget(tags)
  }

  tagsOn(digest: Digest): readonly string[] {
    return this.#watcher.tagsOn(digest)
  }

  #settleLive(graph: RepositoryGraph): void {
    const used = this.#usedNow.flatMap((at) => ('tag' in at ? (graph.tags.get(at.tag) ?? []) : []))
    this.#ledger.settleConflicts(findLiveDeletes(this.#deletes, [...this.#roots, ...used], graph))
  }
}
