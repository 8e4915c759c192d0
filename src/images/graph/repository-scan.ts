import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatRepository } from '../../oci/reference.ts'
import { unlistedError } from '../evidence/referrers.ts'
import { inParallel } from '../parallel.ts'
import type { InventorySnapshot } from '../inventory/inventory-snapshot.ts'
import type { ListedReadOptions, PreviousScan, RepositoryGraph } from './repository-graph.ts'
import { listedNode, type RepositoryNode, withListed } from './repository-node.ts'
import type { ScanSource } from './scan-source.ts'

/**
 * Tags, manifests and lists of referrers that are read at once. The limit of the registry is in
 * `http/limit.ts`.
 */
const readsAtOnce = 32
/** Progress is reported each time that this many tags have been read. */
const tagsPerReport = 50
/** The maximum of levels of artifacts on artifacts. Real evidence is less deep. */
const maxReferrerLevels = 8
const maxManifests = 500_000

/** One scan of a repository: its findings until now. */
export class RepositoryScan {
  readonly #source: ScanSource
  readonly #tags = new Map<string, Digest | null>()
  readonly #nodes = new Map<Digest, RepositoryNode>()
  readonly #missing = new Set<Digest>()
  /** index referrers of each manifest whose list was read or is remembered */
  readonly #referrersOf = new Map<Digest, readonly Digest[]>()
  #isRemembered = false

  constructor(source: ScanSource) {
    this.#source = source
  }

  get graph(): RepositoryGraph {
    return {
      repository: this.#source.store.repository,
      tags: this.#tags,
      nodes: this.#nodes,
      missing: this.#missing,
    }
  }

  /** Whether some referrers are known from an earlier scan only. */
  get isRemembered(): boolean {
    return this.#isRemembered
  }

  /** The facts that save requests in a later run. */
  get asLast(): PreviousScan {
    const tags = [...this.#tags].flatMap(([tag, digest]) => (digest === null ? [] : [[tag, digest] as const]))
    return { tags: new Map(tags), indexReferrers: this.#referrersOf }
  }

  /**
   * Lists the tags and resolves each. If a listed tag has no manifest, dray lists and resolves it
   * again.
   */
  async addAllTags(call: Call): Promise<void> {
    await this.addTags(await this.#source.listTags(call), call)
    const dangling = [...this.#tags].flatMap(([tag, digest]) => (digest === null ? [tag] : []))
    if (dangling.length === 0) return
    const again = await this.#source.listTags(call)
    for (const tag of dangling) this.#tags.delete(tag)
    // those that are still listed, and those that are new
    await this.addTags(
      again.filter((tag) => !this.#tags.has(tag)),
      call,
    )
  }

  /** Adds the tags and manifests of a complete inventory. Reads none of them. */
  addListed({ entries, tags }: Pick<InventorySnapshot, 'entries' | 'tags'>): void {
    for (const [tag, digest] of tags) this.#tags.set(tag, digest)
    for (const entry of entries.values()) this.#add(listedNode(entry))
  }

  /**
   * Reads listed manifests, and the listed manifests below them if `below`. One that does not exist
   * any more is removed, and its tags have no manifest.
   * @param failed is called for each manifest that cannot be read; without it, that is thrown
   */
  async readListed(
    digests: Iterable<Digest>,
    call: Call,
    { below = false, ...options }: ListedReadOptions = {},
  ): Promise<void> {
    const isListed = (digest: Digest): boolean => this.#nodes.get(digest)?.isListed === true
    const tried = new Set<Digest>()
    for (let wave = [...new Set(digests)].filter(isListed); wave.length > 0;) {
      for (const digest of wave) tried.add(digest)
      await inParallel(wave, readsAtOnce, call, (digest, c) => this.#readOne(digest, c, options))
      const children = below
        ? wave.flatMap((digest) => this.#nodes.get(digest)?.children.map((child) => child.digest) ?? [])
        : []
      wave = [...new Set(children)].filter((digest) => isListed(digest) && !tried.has(digest))
    }
    for (const [tag, digest] of this.#tags)
      if (digest !== null && tried.has(digest) && this.#missing.has(digest)) this.#tags.set(tag, null)
    await this.#addChildren(call)
  }

  async #readOne(
    digest: Digest,
    call: Call,
    { failed, mayRequest }: Omit<ListedReadOptions, 'below'>,
  ): Promise<void> {
    const listed = this.#nodes.get(digest)
    try {
      const isCachedOnly = listed !== undefined && mayRequest?.(listed) === false
      const node = await (isCachedOnly ? this.#source.recall(digest) : this.#source.find(digest, call))
      if (node !== null && node !== undefined) return this.#add(node)
      if (isCachedOnly) return
      this.#nodes.delete(digest)
      this.#missing.add(digest)
    } catch (error) {
      if (failed === undefined || call.signal.aborted) throw error
      failed(digest, error)
    }
  }

  /** Puts a tag on the manifest that the OCI API shows; null: it is absent. */
  moveTag(tag: string, digest: Digest | null): void {
    this.#tags.set(tag, digest)
  }

  async addTags(tags: readonly string[], call: Call): Promise<void> {
    let done = 0
    // Tags keep the order of the list. The order of the reads does not matter.
    for (const tag of tags) this.#tags.set(tag, null)
    const { repository } = this.#source.store
    await inParallel(tags, readsAtOnce, call, async (tag, c) => {
      const node = await this.#source.resolve(tag, c)
      this.#tags.set(tag, node?.descriptor.digest ?? null)
      if (node !== null) this.#add(node)
      if (++done % tagsPerReport === 0 || done === tags.length)
        call.notify({ kind: 'surveyed', repository, done, of: tags.length })
    })
    await this.#addChildren(call)
  }

  async addDigests(digests: readonly Digest[], call: Call): Promise<void> {
    await this.#addEach(digests, call)
    await this.#addChildren(call)
  }

  /** Adds those of the digests that exist, with what they reach; it returns them. */
  async addExisting(digests: readonly Digest[], call: Call): Promise<readonly Digest[]> {
    const found = await inParallel(digests, readsAtOnce, call, async (digest, c) => {
      const node = await this.#source.findExisting(digest, c)
      if (node !== null) this.#add(node)
      return node === null ? [] : [digest]
    })
    await this.#addChildren(call)
    return found.flat()
  }

  /** Removes those of the manifests whose content is known and that do not exist any more. */
  async confirm(digests: readonly Digest[], call: Call): Promise<void> {
    await inParallel(digests, readsAtOnce, call, async (digest, c) => {
      if (!this.#nodes.has(digest) || (await this.#source.findExisting(digest, c)) !== null) return
      this.#nodes.delete(digest)
      this.#missing.add(digest)
    })
  }

  /** Adds the referrers of these manifests alone. `addReferrers` does not list them again. */
  async addReferrersOf(subjects: readonly Digest[], call: Call): Promise<void> {
    if (this.#source.store.capability('referrers') === 'no') return
    const unlisted = subjects.filter((digest) => !this.#referrersOf.has(digest))
    if (unlisted.length > 0) await this.#listReferrers(unlisted, call)
    await this.#addChildren(call)
  }

  /**
   * Adds the referrers of every manifest so far, and of those that this finds, until there are
   * none. With a set as `fresh`, manifests outside of it keep the referrers that an earlier scan
   * found: only index referrers can reach anything else, and dray checks that those still exist.
   */
  async addReferrers(fresh: 'all' | ReadonlySet<Digest>, call: Call): Promise<void> {
    const { store } = this.#source
    const listed = new Set<Digest>()
    for (let level = 0; ; level++) {
      const wave = [...this.#nodes.keys()].filter(
        (digest) => !this.#referrersOf.has(digest) && !listed.has(digest),
      )
      if (wave.length === 0 || store.capability('referrers') === 'no') return
      // A hostile registry can list a new referrer of the last one without end.
      if (level > maxReferrerLevels)
        throw this.#tooMuch(`referrers nested deeper than ${maxReferrerLevels} levels`)
      const isKnown = (digest: Digest): boolean =>
        fresh !== 'all' && !fresh.has(digest) && this.#source.remembered(digest) !== undefined
      await this.#recallReferrers(wave.filter(isKnown), call)
      const unknown = wave.filter((digest) => !isKnown(digest))
      for (const digest of unknown) listed.add(digest)
      await this.#listReferrers(unknown, call)
      await this.#addChildren(call)
    }
  }

  /**
   * Lists one subject first if support is unknown: one request then shows whether a registry has
   * the API.
   */
  async #listReferrers(subjects: readonly Digest[], call: Call): Promise<void> {
    const { store } = this.#source
    const isNew = store.capability('referrers') === 'unknown'
    const first = isNew ? subjects.slice(0, 1) : []
    const unlisted = [...(await this.#listOnce(first, call))]
    if (store.capability('referrers') === 'no') return
    unlisted.push(...(await this.#listOnce(subjects.slice(first.length), call)))
    // If the registry listed the referrers of one subject, its answer for another had another
    // cause.
    if (store.capability('referrers') !== 'yes') return
    const [hidden] = await this.#listOnce(unlisted, call)
    if (hidden !== undefined) throw unlistedError(store, hidden)
  }

  /** Returns the subjects that had no list. */
  async #listOnce(subjects: readonly Digest[], call: Call): Promise<readonly Digest[]> {
    const { store } = this.#source
    const answers = await inParallel(subjects, readsAtOnce, call, async (subject, c) => {
      const listed = await store.referrers(subject, c)
      if (listed === undefined) return [subject]
      const found = await inParallel(listed, readsAtOnce, c, (entry, inner) =>
        this.#source.manifest(entry, inner),
      )
      const own = found.flatMap((node) => (node !== null && node.subject === subject ? [node] : []))
      for (const node of own) this.#add(node)
      const indexes = own.filter(({ kind }) => kind === 'index').map(({ descriptor }) => descriptor.digest)
      this.#referrersOf.set(subject, indexes)
      return []
    })
    return answers.flat()
  }

  async #recallReferrers(subjects: readonly Digest[], call: Call): Promise<void> {
    if (subjects.length > 0) this.#isRemembered = true
    const { store } = this.#source
    const last = subjects.map((subject) => [subject, this.#source.remembered(subject) ?? []] as const)
    const indexes = new Set(last.flatMap(([, found]) => found))
    const resolved = await inParallel([...indexes], readsAtOnce, call, async (digest, c) => {
      return (await store.resolve({ digest }, c)) === undefined ? [] : [digest]
    })
    const existing = new Set(resolved.flat())
    for (const [subject, found] of last)
      this.#referrersOf.set(
        subject,
        found.filter((digest) => existing.has(digest)),
      )
    await this.#addEach([...existing], call)
  }

  async #addChildren(call: Call): Promise<void> {
    for (let level = this.#unreadChildren(); level.length > 0; level = this.#unreadChildren())
      await this.#addEach(level, call)
  }

  /** Children of indexes that have not been read. */
  #unreadChildren(): readonly Digest[] {
    const children = new Set<Digest>()
    for (const node of this.#nodes.values()) {
      for (const { digest } of node.children)
        if (!this.#nodes.has(digest) && !this.#missing.has(digest)) children.add(digest)
    }
    return [...children]
  }

  async #addEach(digests: readonly Digest[], call: Call): Promise<void> {
    await inParallel(digests, readsAtOnce, call, async (digest, c) => {
      if (this.#nodes.has(digest)) return
      const node = await this.#source.find(digest, c)
      if (node === null) this.#missing.add(digest)
      else this.#add(node)
    })
  }

  #add(node: RepositoryNode): void {
    const known = this.#nodes.get(node.descriptor.digest)
    this.#nodes.set(node.descriptor.digest, known === undefined ? node : withListed(node, known))
    this.#missing.delete(node.descriptor.digest)
    if (this.#nodes.size <= maxManifests) return
    throw this.#tooMuch(`more than ${maxManifests} manifests`)
  }

  #tooMuch(what: string): DrayError {
    const repository = formatRepository(this.#source.store.repository)
    return new DrayError('unsupported', `${repository} has ${what}`, { subject: repository })
  }
}
