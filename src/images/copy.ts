import type { Call } from '../lib/call.ts'
import type { BeforeAttempt } from '../lib/freshness.ts'
import { type Descriptor, isNonDistributable } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { artifactTypeOf, childrenOf, type Manifest } from '../oci/manifest.ts'
import type { Platform } from '../oci/platform.ts'
import { formatRepository, type RepositoryName } from '../oci/reference.ts'
import { childrenFirst, type Graph, type GraphNode, walkGraph } from './graph/graph.ts'
import { inParallel, OncePerKey } from './parallel.ts'
import type {
  BlobReader,
  BlobSource,
  BlobWriter,
  Capabilities,
  ManifestReader,
  ManifestWriter,
  PutManifestResult,
  UnlistedReferrer,
} from './ports.ts'

/**
 * Blobs of one image that are copied at once. `http/limit.ts` limits the requests of a registry.
 */
const blobsAtOnce = 64
const manifestsAtOnce = 16

export interface Copied {
  readonly mounted: number
  readonly uploaded: number
  readonly present: number
  /** bytes of blobs and manifests that were sent to the destination */
  readonly bytes: number
}

/** The result of a copy. It is complete once the unlisted referrers are listed. */
export interface CopyResult {
  readonly transferred: Copied
  readonly unlisted: readonly UnlistedReferrer[]
}

export interface CopyOptions {
  /** `tag`: the caller puts the root manifest under its tag, so that it is not copied */
  readonly rootBy: 'digest' | 'tag'
  /** of an index: copy only the children of these platforms; by default all */
  readonly platforms?: readonly Platform[]
}

/** A manifest with its original bytes, which are never serialised again. */
export interface NodeContent extends GraphNode {
  readonly bytes: Uint8Array
}

/**
 * Copies content between any two repositories: blobs first, then manifests, children before
 * parents, with identical bytes. One copier serves a whole run, so that a blob of several images is
 * uploaded once to a registry and mounted from there.
 */
export class Copier {
  /** by registry and digest: the repository that has the blob, for mounts into the others */
  readonly #inRegistry = new OncePerKey<{
    readonly repository: RepositoryName
    readonly result: BlobResult
  }>()
  /** by registry: whether it accepts an index without all of its manifests */
  readonly #sparse = new OncePerKey<UnlistedReferrer | undefined>()
  /** by repository and digest */
  readonly #inRepository = new OncePerKey<BlobResult>()

  /**
   * With `platforms`, the indexes keep their bytes, and a registry may refuse them for the children
   * that it lacks.
   * @throws what the ports throw; `not-found` if the source lacks content of the image; `refused`
   * if the registry accepts no index without all of its children.
   */
  async copy(
    from: ManifestReader & BlobReader,
    to: ManifestWriter & BlobWriter & Capabilities,
    root: Descriptor,
    options: CopyOptions,
    call: Call,
  ): Promise<CopyResult> {
    const { platforms } = options
    const graph = await walkGraph(from, root, call, platforms === undefined ? {} : { platforms })
    const sparse = sparseIndexesIn(graph)
    await this.#refuseSparse(from, to, graph, sparse, call)
    const blobs = await this.#copyBlobs(from, to, graph, call)
    const unlisted: UnlistedReferrer[] = []
    let bytes = 0
    for (const wave of childrenFirst(graph)) {
      const nodes =
        options.rootBy === 'tag' ? wave.filter((node) => node.descriptor.digest !== root.digest) : wave
      const put = await inParallel(nodes, manifestsAtOnce, call, (node, c) =>
        this.#putNode(from, to, { node, isSparse: sparse.has(node.descriptor.digest) }, c),
      )
      unlisted.push(...put.flatMap((one) => one ?? []))
      bytes += nodes.reduce((sum, node) => sum + node.descriptor.size, 0)
    }
    const count = (result: BlobResult): number => blobs.filter((blob) => blob.result === result).length
    const transferred = {
      mounted: count('mounted'),
      uploaded: count('uploaded'),
      present: count('present'),
      bytes: bytes + blobs.reduce((sum, blob) => sum + (blob.result === 'uploaded' ? blob.size : 0), 0),
    }
    return { transferred, unlisted }
  }

  /**
   * Puts a manifest under tags. Returns it if it is a referrer that the registry does not list.
   */
  async putManifest(
    to: ManifestWriter,
    { bytes, ...node }: NodeContent,
    tags: readonly string[],
    call: Call,
    beforeAttempt?: BeforeAttempt,
  ): Promise<UnlistedReferrer | undefined> {
    return unlistedOf(node, await to.putManifest(node.descriptor, bytes, tags, call, beforeAttempt))
  }

  /** Refuses an image before its content is sent if an earlier one showed that this is in vain. */
  async #refuseSparse(
    from: ManifestReader,
    to: ManifestWriter & Capabilities,
    { nodes }: Graph,
    sparse: ReadonlySet<Digest>,
    call: Call,
  ): Promise<void> {
    const node = nodes.find(({ descriptor }) => sparse.has(descriptor.digest))
    if (node === undefined || to.capability('sparseIndexes') !== 'no') return
    await this.#putNode(from, to, { node, isSparse: true }, call)
  }

  async #putNode(
    from: ManifestReader,
    to: ManifestWriter,
    { node, isSparse }: { readonly node: GraphNode; readonly isSparse: boolean },
    call: Call,
  ): Promise<UnlistedReferrer | undefined> {
    const { bytes } = await from.manifest(node.descriptor, call)
    if (!isSparse) return await this.putManifest(to, { ...node, bytes }, [], call)
    const put = async (): Promise<UnlistedReferrer | undefined> =>
      unlistedOf(node, await to.putSparseIndex(node.descriptor, bytes, call))
    // One attempt shows whether the registry accepts such indexes. The others wait for it.
    const { result, isOwn } = await this.#sparse.run(to.repository.registry, call, put)
    return isOwn ? result : await put()
  }

  async #copyBlobs(
    from: BlobReader,
    to: BlobWriter,
    graph: Graph,
    call: Call,
  ): Promise<readonly { readonly result: BlobResult; readonly size: number }[]> {
    const distributable = graph.blobs.filter((blob) => !isNonDistributable(blob))
    const skipped = graph.blobs.length - distributable.length
    if (skipped > 0) {
      const text = `dray does not copy ${skipped} non-distributable ${skipped === 1 ? 'layer' : 'layers'}`
      call.notify({ kind: 'warning', text, from: formatRepository(from.repository) })
    }
    return inParallel(distributable, blobsAtOnce, call, async (blob, c) => {
      call.notify({ kind: 'content', repository: to.repository, descriptor: blob, state: 'begin' })
      try {
        const result = await this.#copyBlobOnce(from, to, blob, c)
        const state = result === 'uploaded' ? 'transferred' : result
        call.notify({ kind: 'content', repository: to.repository, descriptor: blob, state })
        return { result, size: blob.size }
      } catch (error) {
        call.notify({ kind: 'content', repository: to.repository, descriptor: blob, state: 'failed' })
        throw error
      }
    })
  }

  /** Copies a blob once to each repository, whichever images share it. */
  async #copyBlobOnce(from: BlobReader, to: BlobWriter, blob: Descriptor, call: Call): Promise<BlobResult> {
    const key = `${formatRepository(to.repository)}@${blob.digest}`
    const { result, isOwn } = await this.#inRepository.run(key, call, () =>
      this.#copyBlob(from, to, blob, call),
    )
    return isOwn ? result : 'present'
  }

  async #copyBlob(from: BlobReader, to: BlobWriter, blob: Descriptor, call: Call): Promise<BlobResult> {
    const open: BlobSource['open'] = (offset, c, end) => from.blob(blob, offset, c, end)
    const { registry } = to.repository
    const repository =
      from.repository.registry === registry ? from.repository : from.placedAt?.(blob, registry)
    if (repository !== undefined) return to.putBlob(blob, { repository, open }, call)
    const { result: placed, isOwn } = await this.#inRegistry.run(
      `${registry}@${blob.digest}`,
      call,
      async () => ({ repository: to.repository, result: await to.putBlob(blob, { open }, call) }),
    )
    if (isOwn) return placed.result
    return to.putBlob(blob, { repository: placed.repository, open }, call)
  }
}

type BlobResult = 'mounted' | 'uploaded' | 'present'

function unlistedOf(node: GraphNode, { subjectListed }: PutManifestResult): UnlistedReferrer | undefined {
  const { subject } = node.manifest
  if (subject === undefined || subjectListed) return undefined
  return { subject: subject.digest, entry: asReferrer(node) }
}

/** The indexes of a graph of which children were omitted. */
function sparseIndexesIn({ nodes, omitted }: Graph): ReadonlySet<Digest> {
  const missing = new Set(omitted.map(({ digest }) => digest))
  const sparse = nodes.filter(({ manifest }) =>
    childrenOf(manifest).some(({ digest }) => missing.has(digest)),
  )
  return new Set(sparse.map(({ descriptor }) => descriptor.digest))
}

/**
 * The entry that a list of referrers has for a manifest (distribution-spec, Referrers Tag Schema).
 */
export function asReferrer(node: {
  readonly descriptor: Descriptor
  readonly manifest: Manifest
}): Descriptor {
  const artifactType = artifactTypeOf(node.manifest)
  return {
    mediaType: node.manifest.mediaType,
    digest: node.descriptor.digest,
    size: node.descriptor.size,
    ...(artifactType !== undefined && { artifactType }),
    ...(node.manifest.annotations !== undefined && { annotations: node.manifest.annotations }),
  }
}
