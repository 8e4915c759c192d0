import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatRepository } from '../../oci/reference.ts'
import type { RepositoryPlan } from '../../plan/prune/prune-plan.ts'
import type { RepositoryGraph } from '../../images/graph/repository-graph.ts'
import type { RepositoryReader } from '../../images/graph/repository-reader.ts'
import { resolveTags } from '../../images/tags/tags.ts'

/** A list of so many tags is one page, so that it costs little to read the names again. */
const pageSize = 1000

/** Reads a repository again while deletes are executed in it, and knows what the last reading found. */
export class RepositoryWatcher {
  readonly #reader: RepositoryReader
  readonly #roots: readonly Digest[]
  /** tags as the last reading found them, without those that this run deleted */
  #seen: Map<string, Digest | null>

  constructor(reader: RepositoryReader, tags: RepositoryPlan['tags'], roots: readonly Digest[]) {
    this.#reader = reader
    this.#roots = roots
    this.#seen = new Map(tags.map(({ tag, digest }) => [tag, digest]))
  }

  /** how many tags the repository has, as far as is known */
  get size(): number {
    return this.#seen.size
  }

  /** Whether one request lists all tags. */
  get isShort(): boolean {
    return this.#seen.size <= pageSize
  }

  tagsOn(digest: Digest): readonly string[] {
    return [...this.#seen].flatMap(([tag, at]) => (at === digest ? [tag] : []))
  }

  /** Removes deleted tags: if someone puts them there again, they are new. */
  forget(tags: readonly string[]): void {
    for (const tag of tags) this.#seen.delete(tag)
  }

  /**
   * Reads the whole repository, with the referrers of all manifests, or only of those that got a tag since
   * the last reading.
   * @throws what the reader throws; `protocol` for an incomplete list of tags
   */
  async readAll(referrers: 'all' | 'new', call: Call): Promise<RepositoryGraph> {
    const reading = this.#reader.begin()
    await reading.addAllTags(call)
    await this.#checkIsComplete(reading.graph, call)
    await reading.addDigests(this.#roots, call)
    if (referrers === 'all') await reading.addReferrers('all', call)
    const { graph } = reading
    const added = referrers === 'all' ? [] : this.#newlyTagged(graph)
    this.#seen = new Map(graph.tags)
    return added.length === 0 ? graph : merge(graph, await this.#readDigests(added, call))
  }

  /** Lists the tags, and reads what new ones reach; undefined if there are none. @throws as `readAll` */
  async readNewTags(call: Call): Promise<RepositoryGraph | undefined> {
    const names = await this.#reader.listTags(call)
    const added = names.filter((tag) => !this.#seen.has(tag))
    return added.length === 0 ? undefined : await this.readTags(added, call)
  }

  /** Reads what these tags reach now. @throws as `readAll` */
  async readTags(tags: readonly string[], call: Call): Promise<RepositoryGraph> {
    const reading = this.#reader.begin()
    await reading.addTags(tags, call)
    await reading.addReferrers('all', call)
    for (const [tag, digest] of reading.graph.tags) this.#seen.set(tag, digest)
    return reading.graph
  }

  /** Digests that got a tag since the last reading. */
  #newlyTagged({ tags }: RepositoryGraph): readonly Digest[] {
    return [...tags].flatMap(([tag, digest]) =>
      digest === null || this.#seen.get(tag) === digest ? [] : [digest],
    )
  }

  async #readDigests(digests: readonly Digest[], call: Call): Promise<RepositoryGraph> {
    const reading = this.#reader.begin()
    await reading.addDigests(digests, call)
    await reading.addReferrers('all', call)
    return reading.graph
  }

  /** An incomplete list does not show what was added: a registry that fails for a moment has an empty one. */
  async #checkIsComplete({ tags }: RepositoryGraph, call: Call): Promise<void> {
    const { store } = this.#reader
    const gone = [...this.#seen].flatMap(([tag, digest]) => (digest === null || tags.has(tag) ? [] : [tag]))
    const found = await resolveTags(store, gone, call)
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
