import type { Call } from '../../lib/call.ts'
import { DrayError, isDrayError } from '../../lib/errors.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import { isSchema1Type } from '../../oci/media-types.ts'
import { formatAt, formatRepository } from '../../oci/reference.ts'
import type { ContentStore } from '../cache/content-store.ts'
import { inParallel } from '../parallel.ts'
import type { PreviousScan, RepositoryGraph } from './repository-graph.ts'
import { nodeOf, opaqueNode, type RepositoryNode } from './repository-node.ts'
import type { ManifestContent, SourceRepository } from '../ports.ts'
import { listTags } from '../tags/tags.ts'

/** Tags, manifests and lists of referrers that are read at once; the registry's own limit is the limiter's (http/limit.ts). */
const readsAtOnce = 32
/** A list of tags that breaks off is read again so often: a tag that went while the list was read ends it on some registries. */
const listTries = 3
/** A tag is reported each time that so many have been read. */
const tellEvery = 50
/** Evidence of evidence of evidence …: deeper than anyone signs. */
const maxReferrerLevels = 8
/** More manifests than any repository has that this could clean. */
const maxManifests = 500_000

export interface ReaderOptions {
  /** content that was read by earlier runs */
  readonly contents?: ContentStore
  /** what an earlier run saw: it saves requests, and is never believed */
  readonly last?: PreviousScan
}

export interface ReadOptions {
  /** digests that are looked at though no tag may lead to them */
  readonly roots: readonly Digest[]
  /** whether the referrers API is asked about every manifest; evidence under tags is seen in any case */
  readonly referrers: 'all' | 'none'
}

/**
 * Reads all that can be seen of a repository. What was read once is known by its digest and not read again; tags are listed and resolved anew by each
 * reading. Nothing is left out silently: a list that breaks off or a manifest that cannot be read is an error.
 */
export class RepositoryReader {
  readonly store: SourceRepository
  readonly #contents: ContentStore | undefined
  readonly #last: PreviousScan | undefined
  readonly #known = new Map<Digest, RepositoryNode>()

  constructor(store: SourceRepository, { contents, last }: ReaderOptions = {}) {
    this.store = store
    this.#contents = contents
    this.#last = last
  }

  /** The whole of it. @throws what the store throws; `unsupported` for more manifests than can be held. */
  async read(options: ReadOptions, call: Call): Promise<RepositoryGraph> {
    const reading = this.begin()
    await reading.addAllTags(call)
    await reading.addDigests(options.roots, call)
    if (options.referrers === 'all') await reading.addReferrers('all', call)
    return reading.graph
  }

  /** These tags alone, as far as they are there, and what they reach by children and by tags that are among them. @throws as `read`. */
  async readTags(tags: readonly string[], call: Call): Promise<RepositoryGraph> {
    const reading = this.begin()
    await reading.addTags(tags, call)
    return reading.graph
  }

  /** A reading that is taken step by step. */
  begin(): RepositoryScan {
    return new RepositoryScan(this)
  }

  /** The names of all tags, whole. @throws what the store throws. */
  async listTags(call: Call): Promise<readonly string[]> {
    for (let tried = 1; ; tried++) {
      try {
        return [...new Set(await listTags(this.store, call))]
      } catch (error) {
        if (!isDrayError(error) || error.code !== 'protocol' || tried === listTries) throw error
      }
    }
  }

  /** What a tag is on, read in the fewest requests; null where there is nothing. @throws what the store throws. */
  async resolve(tag: string, call: Call): Promise<RepositoryNode | null> {
    const remembered = this.#last?.tags.get(tag)
    const headFirst =
      this.store.capability('freeReads') === 'no' ||
      (remembered !== undefined && (await this.#recall(remembered)) !== undefined)
    if (!headFirst) return await this.#get({ tag }, call)
    const found = await this.store.resolve({ tag }, call)
    return found === undefined ? null : await this.manifest(found, call)
  }

  /** Undefined where it is not there; content that an earlier run has read is taken to be. @throws what the store throws. */
  async find(digest: Digest, call: Call): Promise<RepositoryNode | null> {
    return (await this.#recall(digest)) ?? (await this.#get({ digest }, call))
  }

  /** The manifest of a descriptor that the registry just gave. */
  async manifest(descriptor: Descriptor, call: Call): Promise<RepositoryNode | null> {
    return (await this.#recall(descriptor)) ?? (await this.#get(descriptor, call))
  }

  /** Index referrers that an earlier run found of a manifest; undefined where it did not look. */
  remembered(subject: Digest): readonly Digest[] | undefined {
    return this.#last?.indexReferrers.get(subject)
  }

  async #recall(at: Digest | Descriptor): Promise<RepositoryNode | undefined> {
    const digest = typeof at === 'string' ? at : at.digest
    const known = this.#known.get(digest)
    if (known !== undefined) return known
    const bytes = await this.#contents?.get(digest)
    if (bytes === undefined) return undefined
    const mediaType = typeof at === 'string' ? '' : at.mediaType
    try {
      return this.#keep(nodeOf({ descriptor: { mediaType, digest, size: bytes.byteLength }, bytes }, digest))
    } catch (error) {
      // content of another kind under that digest, such as a config: the registry says what is wrong
      if (isDrayError(error)) return undefined
      throw error
    }
  }

  async #get(
    at: { readonly tag: string } | { readonly digest: Digest } | Descriptor,
    call: Call,
  ): Promise<RepositoryNode | null> {
    let content: ManifestContent | undefined
    try {
      content = await this.store.findManifest(at, call)
    } catch (error) {
      const opaque =
        isDrayError(error) && error.code === 'unsupported' ? await this.#opaque(at, call) : undefined
      if (opaque === undefined) throw error
      return opaque
    }
    if (content === undefined) return null
    const known = this.#known.get(content.descriptor.digest)
    if (known !== undefined) return known
    const mark = 'digest' in at ? { digest: at.digest } : at
    const node = this.#keep(nodeOf(content, formatAt(this.store.repository, mark)))
    await this.#contents?.put(content.descriptor.digest, content.bytes)
    return node
  }

  /** Docker's schema 1 has no children and no subject: that it is there is all that matters. */
  async #opaque(
    at: { readonly tag: string } | { readonly digest: Digest },
    call: Call,
  ): Promise<RepositoryNode | undefined> {
    const found = await this.store.resolve('digest' in at ? { digest: at.digest } : at, call)
    return found !== undefined && isSchema1Type(found.mediaType) ? this.#keep(opaqueNode(found)) : undefined
  }

  #keep(node: RepositoryNode): RepositoryNode {
    this.#known.set(node.descriptor.digest, node)
    return node
  }
}

/** One reading of a repository: what has been found so far. */
export class RepositoryScan {
  readonly #reader: RepositoryReader
  readonly #tags = new Map<string, Digest | null>()
  readonly #nodes = new Map<Digest, RepositoryNode>()
  readonly #missing = new Set<Digest>()
  /** index referrers of those whose list was read, or is remembered */
  readonly #referrersOf = new Map<Digest, readonly Digest[]>()
  #isRemembered = false

  constructor(reader: RepositoryReader) {
    this.#reader = reader
  }

  get graph(): RepositoryGraph {
    return {
      repository: this.#reader.store.repository,
      tags: this.#tags,
      nodes: this.#nodes,
      missing: this.#missing,
    }
  }

  /** Whether some referrers are known from an earlier run only. */
  get isRemembered(): boolean {
    return this.#isRemembered
  }

  /** What a later run may be given to save requests. */
  get asLast(): PreviousScan {
    const tags = [...this.#tags].flatMap(([tag, digest]) => (digest === null ? [] : [[tag, digest] as const]))
    return { tags: new Map(tags), indexReferrers: this.#referrersOf }
  }

  /** Lists the tags and resolves each. A listed tag without a manifest is looked at again, in a new list, before that is believed. */
  async addAllTags(call: Call): Promise<void> {
    await this.addTags(await this.#reader.listTags(call), call)
    const dangling = [...this.#tags].flatMap(([tag, digest]) => (digest === null ? [tag] : []))
    if (dangling.length === 0) return
    const again = await this.#reader.listTags(call)
    for (const tag of dangling) this.#tags.delete(tag)
    // those that are listed still, and those that have come meanwhile
    await this.addTags(
      again.filter((tag) => !this.#tags.has(tag)),
      call,
    )
  }

  async addTags(tags: readonly string[], call: Call): Promise<void> {
    let done = 0
    // in the order of the list, whichever is read first
    for (const tag of tags) this.#tags.set(tag, null)
    const { repository } = this.#reader.store
    await inParallel(tags, readsAtOnce, call, async (tag, c) => {
      const node = await this.#reader.resolve(tag, c)
      this.#tags.set(tag, node?.descriptor.digest ?? null)
      if (node !== null) this.#add(node)
      if (++done % tellEvery === 0 || done === tags.length)
        call.notify({ kind: 'surveyed', repository, done, of: tags.length })
    })
    await this.#addChildren(call)
  }

  async addDigests(digests: readonly Digest[], call: Call): Promise<void> {
    await this.#addEach(digests, call)
    await this.#addChildren(call)
  }

  /**
   * Adds what the referrers API lists of every manifest so far, and of what that finds, to the end. With `fresh`, manifests outside of it whose list an
   * earlier run has read are taken as they were then: of their referrers only indexes can reach anything else, and those are looked for.
   */
  async addReferrers(fresh: 'all' | ReadonlySet<Digest>, call: Call): Promise<void> {
    const { store } = this.#reader
    const asked = new Set<Digest>()
    for (let level = 0; ; level++) {
      const wave = [...this.#nodes.keys()].filter(
        (digest) => !this.#referrersOf.has(digest) && !asked.has(digest),
      )
      if (wave.length === 0 || store.capability('referrers') === 'no') return
      // a registry can name a new referrer of the last one for ever
      if (level > maxReferrerLevels)
        throw this.#tooMuch(`referrers nested deeper than ${maxReferrerLevels} levels`)
      const isKnown = (digest: Digest): boolean =>
        fresh !== 'all' && !fresh.has(digest) && this.#reader.remembered(digest) !== undefined
      await this.#recallReferrers(wave.filter(isKnown), call)
      const unknown = wave.filter((digest) => !isKnown(digest))
      for (const digest of unknown) asked.add(digest)
      await this.#listReferrers(unknown, call)
      await this.#addChildren(call)
    }
  }

  /** The first alone, where nothing is known yet: most registries without the API are found out by one request. */
  async #listReferrers(subjects: readonly Digest[], call: Call): Promise<void> {
    const { store } = this.#reader
    const isNew = store.capability('referrers') === 'unknown'
    const first = isNew ? subjects.slice(0, 1) : []
    const unlisted = [...(await this.#listOnce(first, call))]
    if (store.capability('referrers') === 'no') return
    unlisted.push(...(await this.#listOnce(subjects.slice(first.length), call)))
    // A registry that listed the referrers of one subject has not lost the ability with the next: that 404 was another's.
    if (store.capability('referrers') === 'yes') await this.#listOnce(unlisted, call)
  }

  /** Gives back the subjects of which there was no list. */
  async #listOnce(subjects: readonly Digest[], call: Call): Promise<readonly Digest[]> {
    const { store } = this.#reader
    const asked = await inParallel(subjects, readsAtOnce, call, async (subject, c) => {
      const listed = await store.referrers(subject, c)
      if (listed === undefined) return [subject]
      const found = await inParallel(listed, readsAtOnce, c, (entry, inner) =>
        this.#reader.manifest(entry, inner),
      )
      const own = found.flatMap((node) => (node !== null && node.subject === subject ? [node] : []))
      for (const node of own) this.#add(node)
      const indexes = own.filter(({ kind }) => kind === 'index').map(({ descriptor }) => descriptor.digest)
      this.#referrersOf.set(subject, indexes)
      return []
    })
    return asked.flat()
  }

  async #recallReferrers(subjects: readonly Digest[], call: Call): Promise<void> {
    if (subjects.length > 0) this.#isRemembered = true
    const { store } = this.#reader
    const last = subjects.map((subject) => [subject, this.#reader.remembered(subject) ?? []] as const)
    const indexes = new Set(last.flatMap(([, found]) => found))
    const resolved = await inParallel([...indexes], readsAtOnce, call, async (digest, c) => {
      return (await store.resolve({ digest }, c)) === undefined ? [] : [digest]
    })
    const there = new Set(resolved.flat())
    for (const [subject, found] of last)
      this.#referrersOf.set(
        subject,
        found.filter((digest) => there.has(digest)),
      )
    await this.#addEach([...there], call)
  }

  async #addChildren(call: Call): Promise<void> {
    for (let level = this.#unread(); level.length > 0; level = this.#unread())
      await this.#addEach(level, call)
  }

  /** Children of indexes that have not been looked for. */
  #unread(): readonly Digest[] {
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
      const node = await this.#reader.find(digest, c)
      if (node === null) this.#missing.add(digest)
      else this.#add(node)
    })
  }

  #add(node: RepositoryNode): void {
    this.#nodes.set(node.descriptor.digest, node)
    this.#missing.delete(node.descriptor.digest)
    if (this.#nodes.size <= maxManifests) return
    throw this.#tooMuch(`more than ${maxManifests} manifests`)
  }

  #tooMuch(what: string): DrayError {
    const repository = formatRepository(this.#reader.store.repository)
    return new DrayError('unsupported', `${repository} has ${what}`, { subject: repository })
  }
}
