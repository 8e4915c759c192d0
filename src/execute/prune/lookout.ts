import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatRepository } from '../../oci/reference.ts'
import type { RepositoryPlan } from '../../plan/prune/prune-plan.ts'
import type { RepositoryGraph } from '../../images/graph/repository-graph.ts'
import type { RepositoryReader } from '../../images/graph/repository-reader.ts'
import { resolveTags } from '../../images/tags/tags.ts'

/** A list of so many tags is one page: then it costs little to read the names again. */
const pageSize = 1000

/** Looks at a repository again and again while it is pruned, and knows what was there the last time. */
export class Lookout {
  readonly #reader: RepositoryReader
  readonly #roots: readonly Digest[]
  /** tags as they were when they were last looked at; what this run deleted is not among them */
  #seen: Map<string, Digest | null>

  constructor(reader: RepositoryReader, tags: RepositoryPlan['tags'], roots: readonly Digest[]) {
    this.#reader = reader
    this.#roots = roots
    this.#seen = new Map(tags.map(({ tag, digest }) => [tag, digest]))
  }

  /** how many tags there are, as far as is known */
  get size(): number {
    return this.#seen.size
  }

  /** Whether the names of all tags are to be had in one request. */
  get isShort(): boolean {
    return this.#seen.size <= pageSize
  }

  tagsOn(digest: Digest): readonly string[] {
    return [...this.#seen].flatMap(([tag, at]) => (at === digest ? [tag] : []))
  }

  /** These tags were deleted: whoever puts them there again makes new ones. */
  forget(tags: readonly string[]): void {
    for (const tag of tags) this.#seen.delete(tag)
  }

  /**
   * Reads the whole repository anew, with the lists of referrers of all manifests, or of those alone that tags were put on since the last look.
   * @throws what the reader throws; `protocol` for a list of tags that lacks some.
   */
  async lookAtAll(referrers: 'all' | 'new', call: Call): Promise<RepositoryGraph> {
    const reading = this.#reader.begin()
    await reading.addAllTags(call)
    await this.#checkIsWhole(reading.graph, call)
    await reading.addDigests(this.#roots, call)
    if (referrers === 'all') await reading.addReferrers('all', call)
    const { graph } = reading
    const fresh = referrers === 'all' ? [] : this.#newIn(graph)
    this.#seen = new Map(graph.tags)
    return fresh.length === 0 ? graph : together(graph, await this.#lookAt(fresh, call))
  }

  /** What tags that were not there at the last look lead to: lists names, and reads those tags alone. @throws as `lookAtAll`. */
  async lookAtNewTags(call: Call): Promise<RepositoryGraph | undefined> {
    const names = await this.#reader.listTags(call)
    const fresh = names.filter((tag) => !this.#seen.has(tag))
    if (fresh.length === 0) return undefined
    const reading = this.#reader.begin()
    await reading.addTags(fresh, call)
    await reading.addReferrers('all', call)
    for (const [tag, digest] of reading.graph.tags) this.#seen.set(tag, digest)
    return reading.graph
  }

  /** What these tags lead to now: they are on something else than they were. @throws as `lookAtAll`. */
  async lookAtTags(tags: readonly string[], call: Call): Promise<RepositoryGraph> {
    const reading = this.#reader.begin()
    await reading.addTags(tags, call)
    await reading.addReferrers('all', call)
    for (const [tag, digest] of reading.graph.tags) this.#seen.set(tag, digest)
    return reading.graph
  }

  /** Digests that a tag was put on since the last look. */
  #newIn({ tags }: RepositoryGraph): readonly Digest[] {
    return [...tags].flatMap(([tag, digest]) =>
      digest === null || this.#seen.get(tag) === digest ? [] : [digest],
    )
  }

  async #lookAt(digests: readonly Digest[], call: Call): Promise<RepositoryGraph> {
    const reading = this.#reader.begin()
    await reading.addDigests(digests, call)
    await reading.addReferrers('all', call)
    return reading.graph
  }

  /** A list that lacks tags that are there tells nothing of what has come: a registry that answers 404 for a moment has an empty one. */
  async #checkIsWhole({ tags }: RepositoryGraph, call: Call): Promise<void> {
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

function together(one: RepositoryGraph, other: RepositoryGraph): RepositoryGraph {
  return {
    ...one,
    nodes: new Map([...one.nodes, ...other.nodes]),
    missing: new Set([...one.missing, ...other.missing]),
  }
}
