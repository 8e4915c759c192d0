import type { Call } from '../../lib/call.ts'
import { isDrayError } from '../../lib/errors.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import { isSchema1Type } from '../../oci/media-types.ts'
import { formatAt } from '../../oci/reference.ts'
import type { ContentStore } from '../cache/content-store.ts'
import type { PreviousScan, RepositoryGraph } from './repository-graph.ts'
import { nodeOf, opaqueNode, type RepositoryNode } from './repository-node.ts'
import { SharedNodes } from './shared-nodes.ts'
import type { ManifestContent, SourceRepository } from '../ports.ts'
import { listTags } from '../tags/tags.ts'
import { RepositoryScan } from './repository-scan.ts'

/** On some registries a tag that is deleted while the list is read ends the list. */
const listAttempts = 3

export interface ReaderOptions {
  /** content that dray has read before */
  readonly contents?: ContentStore
  /** the result of an earlier scan: it saves requests and decides nothing */
  readonly last?: PreviousScan
}

export interface RepositoryReadOptions {
  /** digests that are read even if no tag leads to them */
  readonly roots: readonly Digest[]
  /**
   * whether the referrers of every manifest are listed; attached artifacts under tags are always
   * read
   */
  readonly referrers: 'all' | 'none'
}

/**
 * Reads everything that the API shows of a repository. A manifest that was read once is known by
 * its digest and is not read again; each scan lists and resolves the tags anew. Nothing is skipped
 * silently: an incomplete list or a manifest that cannot be read is an error.
 */
export class RepositoryReader {
  readonly store: SourceRepository
  readonly #contents: ContentStore | undefined
  readonly #last: PreviousScan | undefined
  readonly #known = new Map<Digest, RepositoryNode>()
  readonly #shared = new SharedNodes()
  /** manifests whose content an earlier run read, and that the registry has not shown yet */
  readonly #unconfirmed = new Set<Digest>()
  readonly #requested = new Set<Digest>()

  constructor(store: SourceRepository, { contents, last }: ReaderOptions = {}) {
    this.store = store
    this.#contents = contents
    this.#last = last
  }

  /** The manifests that GET returned until now. */
  get requested(): ReadonlySet<Digest> {
    return this.#requested
  }

  /**
   * Reads the whole repository.
   * @throws what the store throws; `unsupported` if it has too many manifests.
   */
  async read(options: RepositoryReadOptions, call: Call): Promise<RepositoryGraph> {
    const reading = this.begin()
    await reading.addAllTags(call)
    await reading.addDigests(options.roots, call)
    if (options.referrers === 'all') await reading.addReferrers('all', call)
    return reading.graph
  }

  /**
   * Reads these tags, if they exist, and what they reach by children and by tags among them.
   * @throws as `read`.
   */
  async readTags(tags: readonly string[], call: Call): Promise<RepositoryGraph> {
    const reading = this.begin()
    await reading.addTags(tags, call)
    return reading.graph
  }

  /** Starts a scan that the caller extends step by step. */
  begin(): RepositoryScan {
    return new RepositoryScan(this)
  }

  /**
   * Lists the names of all tags. An invalid tag is an error, because an image that only this tag
   * names would count as unused. @throws what the store throws; `refused`.
   */
  async listTags(call: Call): Promise<readonly string[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return [...new Set(await listTags(this.store, call, 'refuse'))]
      } catch (error) {
        if (!isDrayError(error) || error.code !== 'protocol' || attempt === listAttempts) throw error
      }
    }
  }

  /**
   * Resolves a tag in as few requests as possible; null if it does not exist.
   * @throws what the store throws.
   */
  async resolve(tag: string, call: Call): Promise<RepositoryNode | null> {
    const remembered = this.#last?.tags.get(tag)
    const headFirst =
      this.store.capability('freeReads') === 'no' ||
      (remembered !== undefined && (await this.recall(remembered)) !== undefined)
    if (!headFirst) return await this.#get({ tag }, call)
    const found = await this.store.resolve({ tag }, call)
    return found === undefined ? null : await this.manifest(found, call)
  }

  /**
   * Null if it does not exist. A manifest whose content is known counts as existing.
   * @throws what the store throws.
   */
  async find(digest: Digest, call: Call): Promise<RepositoryNode | null> {
    return (await this.recall(digest)) ?? (await this.#get({ digest }, call))
  }

  /**
   * As `find`, but a manifest whose content is known counts only if the registry has it now (HEAD).
   * @throws what the store throws.
   */
  async findExisting(digest: Digest, call: Call): Promise<RepositoryNode | null> {
    const node = await this.recall(digest)
    if (node === undefined) return await this.#get({ digest }, call)
    if (!this.#unconfirmed.has(digest)) return node
    if ((await this.store.resolve({ digest }, call)) === undefined) return null
    this.#unconfirmed.delete(digest)
    return node
  }

  /** The manifest of a descriptor that the registry just gave. */
  async manifest(descriptor: Descriptor, call: Call): Promise<RepositoryNode | null> {
    const node = (await this.recall(descriptor)) ?? (await this.#get(descriptor, call))
    this.#unconfirmed.delete(descriptor.digest)
    return node
  }

  /**
   * The index referrers that an earlier scan found of a manifest; undefined if it did not list
   * them.
   */
  remembered(subject: Digest): readonly Digest[] | undefined {
    return this.#last?.indexReferrers.get(subject)
  }

  /** The manifest by content that was read before; it may not exist any more. */
  async recall(at: Digest | Descriptor): Promise<RepositoryNode | undefined> {
    const digest = typeof at === 'string' ? at : at.digest
    const known = this.#known.get(digest)
    if (known !== undefined) return known
    const bytes = await this.#contents?.get(digest)
    if (bytes === undefined) return undefined
    const mediaType = typeof at === 'string' ? '' : at.mediaType
    try {
      const node = nodeOf({ descriptor: { mediaType, digest, size: bytes.byteLength }, bytes }, digest)
      this.#unconfirmed.add(digest)
      return this.#keep(node)
    } catch (error) {
      // The content has another kind, such as a config. The registry reports the problem.
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
    this.#requested.add(content.descriptor.digest)
    this.#unconfirmed.delete(content.descriptor.digest)
    const known = this.#known.get(content.descriptor.digest)
    if (known !== undefined) return known
    const mark = 'digest' in at ? { digest: at.digest } : at
    const node = this.#keep(nodeOf(content, formatAt(this.store.repository, mark)))
    await this.#contents?.put(content.descriptor.digest, content.bytes)
    if (this.#contents !== undefined) this.store.release?.(content.descriptor.digest)
    return node
  }

  /**
   * A manifest of Docker's schema 1 has no children and no subject: dray only has to know that it
   * exists.
   */
  async #opaque(
    at: { readonly tag: string } | { readonly digest: Digest },
    call: Call,
  ): Promise<RepositoryNode | undefined> {
    const found = await this.store.resolve('digest' in at ? { digest: at.digest } : at, call)
    return found !== undefined && isSchema1Type(found.mediaType) ? this.#keep(opaqueNode(found)) : undefined
  }

  #keep(node: RepositoryNode): RepositoryNode {
    const kept = this.#shared.share(node)
    this.#known.set(kept.descriptor.digest, kept)
    return kept
  }
}
