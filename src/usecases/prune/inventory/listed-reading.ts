import type { Call } from '../../../lib/call.ts'
import { toErrorInfo } from '../../../lib/errors.ts'
import { joinFirst } from '../../../lib/join-first.ts'
import { isMissing } from '../../../images/graph/is-missing.ts'
import { Reach, subjectKeyOf } from '../../../images/graph/reach.ts'
import type { RepositoryNode } from '../../../images/graph/repository-node.ts'
import type { RepositoryReader } from '../../../images/graph/repository-reader.ts'
import type { RepositoryScan } from '../../../images/graph/repository-scan.ts'
import type { InventorySnapshot } from '../../../images/inventory/inventory-snapshot.ts'
import { resolveTags } from '../../../images/tags/tags.ts'
import type { Digest } from '../../../oci/digest.ts'
import { fallbackTag, isEvidenceTag } from '../../../oci/evidence-tags.ts'

import type { ListedReadingOptions } from './listed-options.ts'
import { isArchived } from './listed-reasons.ts'

/**
 * Reads a repository whose tags and manifests the inventory lists. A manifest is read only if a
 * decision depends on it: the images that may be deleted, and everything that may reach them.
 * Nothing is deleted by the inventory alone, because it can be out of date.
 */
export class ListedReading {
  readonly #reader: RepositoryReader
  readonly #scan: RepositoryScan
  readonly #inventory: InventorySnapshot
  /** a GET counts as a pull, and the vendor gives the children of indexes */
  readonly #avoidsGets: boolean
  readonly #findsUntagged: boolean
  readonly #disputed = new Map<Digest, string>()
  readonly #unread = new Map<Digest, string>()
  readonly #warnings: string[] = []
  readonly #resolved = new Set<string>()
  readonly #listed = new Set<Digest>()
  readonly #subjects = new Set<Digest>()
  /** tags of attached artifacts that the inventory does not list and that are not resolved yet */
  #unlistedEvidence: readonly string[] = []
  #hasReadIndexes = false
  #hasListedTags = false

  constructor(
    reader: RepositoryReader,
    scan: RepositoryScan,
    inventory: InventorySnapshot,
    { isGetCounted, findsUntagged }: ListedReadingOptions,
  ) {
    this.#findsUntagged = findsUntagged
    this.#reader = reader
    this.#scan = scan
    this.#inventory = inventory
    this.#avoidsGets = isGetCounted && inventory.knows.children
    scan.addListed(inventory)
  }

  /** Manifests that are kept because of a dispute, each with the reason. */
  get disputed(): ReadonlyMap<Digest, string> {
    return this.#disputed
  }

  /** Why it is unknown which manifests nothing reaches; undefined: everything was read. */
  get whyIncomplete(): string | undefined {
    const [first] = this.#unread
    if (first === undefined) return undefined
    const [digest, why] = first
    const more = this.#unread.size === 1 ? '' : ` and ${this.#unread.size - 1} more`
    return `cannot read ${digest}${more}, which may be an index: ${why}`
  }

  /** About differences between the inventory and the OCI API: whole sentences. */
  get warnings(): readonly string[] {
    return this.#warnings
  }

  /** Reads manifests with everything below them. @throws what the store throws. */
  async readWhole(digests: Iterable<Digest>, call: Call): Promise<void> {
    await this.#scan.readListed(digests, call, { below: true })
  }

  /** Reads all manifests that have a tag. @throws what the store throws. */
  async readTagged(call: Call): Promise<void> {
    await this.readWhole(new Set(this.#inventory.tags.values()), call)
  }

  /**
   * Reads until the deletes depend on nothing that is only listed.
   * @param findMarked what would be deleted by what is known now
   * @returns whether it read anything
   * @throws what the store throws
   */
  async confirm(findMarked: () => ReadonlySet<Digest>, call: Call): Promise<boolean> {
    // Before the indexes are read, every child looks like a manifest that nothing reaches.
    if (this.#findsUntagged) await this.#readIndexes(call)
    for (let hasRead = false; ; hasRead = true) {
      const marked = findMarked()
      if (marked.size === 0) return hasRead
      const isMore =
        (await this.#readIndexes(call)) ||
        (await this.#compareTags(marked, call)) ||
        (await this.#readMarked(marked, call)) ||
        (await this.#readReferrers(marked, call)) ||
        (await this.#readSubjects(marked, call))
      if (!isMore) return hasRead
    }
  }

  /** Reads everything that may be an index. It may reach what is marked. */
  async #readIndexes(call: Call): Promise<boolean> {
    if (this.#hasReadIndexes) return false
    this.#hasReadIndexes = true
    const listed = [...this.#scan.graph.nodes.values()].filter(
      (node) => node.isListed === true && mayBeIndex(node) && !this.#isKnown(node),
    )
    const nodes = listed.filter(({ descriptor }) => !this.#isArchived(descriptor.digest))
    for (const { descriptor } of listed)
      if (this.#isArchived(descriptor.digest)) this.#unread.set(descriptor.digest, 'it is archived')
    const [tagged, untagged] = this.#split(nodes)
    await this.#scan.readListed(tagged, call)
    await this.#readUntagged(untagged, call)
    const lost = [...tagged, ...untagged].filter((digest) => this.#scan.graph.missing.has(digest))
    for (const digest of lost) await this.#noteLost(digest, call)
    return nodes.length > 0
  }

  /** One that cannot be read does not stop the rules about tags. */
  async #readUntagged(digests: readonly Digest[], call: Call): Promise<void> {
    await this.#scan.readListed(digests, call, {
      failed: (digest, error) => this.#unread.set(digest, toErrorInfo(error).message),
    })
  }

  /**
   * An index that is listed and not found may be there again later: what it reaches is unknown. A
   * manifest without a tag that HEAD and GET do not find is gone: the inventory lags.
   */
  async #noteLost(digest: Digest, call: Call): Promise<void> {
    const entry = this.#inventory.entries.get(digest)
    const isCertain = entry?.tags.length === 0 && entry.mediaType === undefined
    if (isCertain && (await isMissing(this.#reader.store, digest, call))) return
    this.#unread.set(digest, 'the inventory lists it, and the OCI API does not find it')
  }

  /**
   * Compares the names of all tags with the OCI API, and the digests of the tags on what is marked.
   * If they differ, dray keeps the images of both.
   */
  async #compareTags(marked: ReadonlySet<Digest>, call: Call): Promise<boolean> {
    const { graph } = this.#scan
    const { tags } = this.#inventory
    let isMore = false
    if (!this.#hasListedTags) {
      this.#hasListedTags = true
      const names = new Set(await this.#reader.listTags(call))
      const unlisted = [...names].filter((tag) => !tags.has(tag))
      // Harbor lists attached artifacts as parts of their image, without their tags.
      this.#unlistedEvidence = unlisted.filter(isEvidenceTag)
      const added = unlisted.filter((tag) => !isEvidenceTag(tag))
      await this.#scan.addTags(added, call)
      for (const tag of added)
        this.#dispute(graph.tags.get(tag) ?? undefined, `only the OCI API has the tag ${tag}`)
      this.#warnAbout(added, 'lacks', 'the image of each')
      const gone = [...tags].flatMap(([tag, digest]) =>
        names.has(tag) || this.#isArchived(digest) ? [] : [tag],
      )
      this.#warnAbout(gone, 'has tags that the OCI API does not list:', 'the image of each')
      isMore = added.length > 0
    }
    if (await this.#addEvidence(marked, call)) isMore = true
    const unresolved = [...tags].flatMap(([tag, digest]) =>
      marked.has(digest) && !this.#resolved.has(tag) ? [tag] : [],
    )
    if (unresolved.length === 0) return isMore
    for (const tag of unresolved) this.#resolved.add(tag)
    const found = await resolveTags(this.#reader.store, unresolved, call)
    const moved = unresolved.filter((tag) => (found.get(tag) ?? null) !== (graph.tags.get(tag) ?? null))
    for (const tag of moved) {
      const to = found.get(tag) ?? null
      const text = `the tag ${tag} has different digests in the inventory and in the OCI API`
      this.#dispute(tags.get(tag), text)
      this.#dispute(to ?? undefined, text)
      this.#scan.moveTag(tag, to)
    }
    await this.#scan.addDigests(
      moved.flatMap((tag) => found.get(tag) ?? []),
      call,
    )
    this.#warnAbout(moved, 'has other digests than the OCI API for', 'both images of each')
    return true
  }

  /**
   * Resolves the tags of the attached artifacts of what is marked. Such a tag may also be on a
   * manifest that the inventory lists without one.
   */
  async #addEvidence(marked: ReadonlySet<Digest>, call: Call): Promise<boolean> {
    if (this.#unlistedEvidence.length === 0) return false
    const keys = new Set([...marked].map(fallbackTag))
    const isAll = [...marked].some((digest) => this.#inventory.entries.get(digest)?.tags.length === 0)
    const own = this.#unlistedEvidence.filter((tag) => isAll || keys.has(subjectKeyOf(tag)))
    const wanted = new Set(own)
    this.#unlistedEvidence = this.#unlistedEvidence.filter((tag) => !wanted.has(tag))
    const found = await resolveTags(this.#reader.store, own, call)
    const { nodes } = this.#scan.graph
    const isListed = (tag: string): boolean => {
      const digest = found.get(tag) ?? null
      return digest === null || nodes.has(digest)
    }
    for (const tag of own) if (isListed(tag)) this.#scan.moveTag(tag, found.get(tag) ?? null)
    await this.#scan.addTags(
      own.filter((tag) => !isListed(tag)),
      call,
    )
    return own.length > 0
  }

  async #readMarked(marked: ReadonlySet<Digest>, call: Call): Promise<boolean> {
    const nodes = [...marked].flatMap((digest) => {
      const node = this.#scan.graph.nodes.get(digest)
      return node?.isListed === true && !this.#listed.has(digest) ? [node] : []
    })
    for (const { descriptor } of nodes) this.#listed.add(descriptor.digest)
    const [tagged, untagged] = this.#split(nodes)
    const mayRequest = (node: RepositoryNode): boolean => !this.#isKnown(node)
    await this.#scan.readListed(tagged, call, { mayRequest })
    const reached = this.#avoidsGets ? this.#reachedByTags() : undefined
    await this.#scan.readListed(untagged, call, {
      // The vendor may not give the subject of a manifest that nothing seems to reach.
      mayRequest: (node) =>
        mayRequest(node) || (node.subject === undefined && reached?.has(node.descriptor.digest) !== true),
      failed: (digest, error) => {
        const { message } = toErrorInfo(error)
        this.#dispute(digest, `dray cannot read it: ${message}`)
        const node = this.#scan.graph.nodes.get(digest)
        if (node !== undefined && mayBeIndex(node)) this.#unread.set(digest, message)
      },
    })
    return nodes.length > 0
  }

  #reachedByTags(): ReadonlySet<Digest> {
    const { graph } = this.#scan
    return new Reach(graph).all([...graph.tags.values()].filter((digest) => digest !== null))
  }

  /** An inventory without untagged manifests does not list the referrers of other images. */
  async #readReferrers(marked: ReadonlySet<Digest>, call: Call): Promise<boolean> {
    const fresh = [...marked].filter((digest) => !this.#subjects.has(digest))
    if (fresh.length === 0) return false
    for (const digest of fresh) this.#subjects.add(digest)
    const before = this.#scan.graph.nodes.size
    if (this.#inventory.knows.untagged) await this.#scan.addReferrersOf(fresh, call)
    else await this.#scan.addReferrers(marked, call)
    return this.#scan.graph.nodes.size > before || fresh.length > 0
  }

  /** A subject that the inventory does not list, and that exists, keeps its attached artifacts. */
  async #readSubjects(marked: ReadonlySet<Digest>, call: Call): Promise<boolean> {
    const { nodes } = this.#scan.graph
    const unknown = [...marked].flatMap((digest) => {
      const subject = nodes.get(digest)?.subject
      return subject === undefined || nodes.has(subject) || this.#subjects.has(subject) ? [] : [subject]
    })
    for (const subject of unknown) this.#subjects.add(subject)
    return (await this.#scan.addExisting([...new Set(unknown)], call)).length > 0
  }

  /** The vendor gives what it reaches, and a GET would count as a pull. */
  #isKnown({ kind }: RepositoryNode): boolean {
    return this.#avoidsGets && kind !== 'opaque'
  }

  /** The OCI API does not show it. */
  #isArchived(digest: Digest): boolean {
    const entry = this.#inventory.entries.get(digest)
    return entry !== undefined && isArchived(entry)
  }

  #split(nodes: readonly RepositoryNode[]): readonly [tagged: Digest[], untagged: Digest[]] {
    const tagged: Digest[] = []
    const untagged: Digest[] = []
    for (const { descriptor } of nodes) {
      const hasTags = this.#inventory.entries.get(descriptor.digest)?.tags.length !== 0
      ;(hasTags ? tagged : untagged).push(descriptor.digest)
    }
    return [tagged, untagged]
  }

  #dispute(digest: Digest | undefined, text: string): void {
    if (digest !== undefined && !this.#disputed.has(digest)) this.#disputed.set(digest, text)
  }

  #warnAbout(tags: readonly string[], how: string, what: string): void {
    if (tags.length === 0) return
    this.#warnings.push(
      `the inventory of ${this.#inventory.name} ${how} ${joinFirst(tags)}. dray keeps ${what}. If the difference remains, run: dray doctor --inventory.`,
    )
  }
}

const mayBeIndex = ({ kind }: RepositoryNode): boolean => kind !== 'manifest'
