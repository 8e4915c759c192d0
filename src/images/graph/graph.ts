import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import { blobsOf, childrenOf, type Manifest, parseManifest } from '../../oci/manifest.ts'
import { formatPlatform, type Platform } from '../../oci/platform.ts'
import { formatAt } from '../../oci/reference.ts'
import { joinFirst } from '../../lib/join-first.ts'
import { inParallel } from '../parallel.ts'
import type { ManifestContent, ManifestReader, NamedRepository } from '../ports.ts'
import { isAttestationChild, isBlobSelected, reduceToPlatforms, selectChildren } from './select-platforms.ts'

/** Manifests and indexes that are read at once. */
const readsAtOnce = 16
/** Deeper than any real nesting of indexes. */
const maxDepth = 16
/** More manifests than any real image has below it. */
const maxManifests = 10_000

export interface GraphNode {
  readonly descriptor: Descriptor
  readonly manifest: Manifest
}

/** Everything that an image consists of, each content once. */
export interface Graph {
  readonly root: Descriptor
  /** the root first, then level by level */
  readonly nodes: readonly GraphNode[]
  /** configs and layers of all manifests */
  readonly blobs: readonly Descriptor[]
  /** bytes of all nodes and blobs */
  readonly size: number
  /**
   * children that do not exist, with the descriptor of their index; empty unless the walk keeps
   * them
   */
  readonly missing: readonly Descriptor[]
  /** children of other platforms, which were not read; empty unless the walk selects platforms */
  readonly omitted: readonly Descriptor[]
}

export interface WalkOptions {
  /** the platforms of the children to read; by default all */
  readonly platforms?: readonly Platform[]
  /** the action for a child that does not exist; `fail` by default */
  readonly missing?: 'fail' | 'keep'
}

/**
 * Reads every manifest that `root` reaches, level by level and in parallel, or those of the
 * selected platforms (see `selectChildren`). A child that does not exist is an error, because dray
 * does not copy an incomplete image. Views keep it in `missing` instead. A child does not exist if
 * two reads answer 404.
 * @throws `not-found`, `malformed`, `unsupported`, and what the store throws; `refused` if an index
 * has none of the selected platforms.
 */
export async function walkGraph(
  store: ManifestReader,
  root: ManifestContent | Descriptor,
  call: Call,
  { missing: ifMissing = 'fail', platforms }: WalkOptions = {},
): Promise<Graph> {
  const rootDescriptor = 'bytes' in root ? root.descriptor : root
  const nodes = new Map<Digest, GraphNode>()
  const missing = new Map<Digest, Descriptor>()
  const entries = new Map<Digest, Descriptor>()
  const parents = new Map<Digest, Descriptor>()
  let level: readonly (ManifestContent | Descriptor)[] = [root]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > maxDepth)
      throw tooLarge(store, rootDescriptor, `indexes are nested deeper than ${maxDepth} levels`)
    const answers = await inParallel(level, readsAtOnce, call, async (item, c) => {
      if ('bytes' in item) return [parseNode(store, item)]
      const parent = parents.get(item.digest)
      const content = await (parent === undefined ? store.manifest(item, c) : findTwice(store, item, c))
      if (content !== undefined) return [parseNode(store, content)]
      missing.set(item.digest, item)
      return []
    })
    const read = answers.flat()
    if (missing.size > 0 && ifMissing === 'fail') throw firstMissing(store, level, missing, parents)
    for (const node of read) nodes.set(node.descriptor.digest, node)
    for (const node of read) checkEntries(store, node, entries)
    const children = new Map<Digest, Descriptor>()
    for (const { descriptor, manifest } of read) {
      const selected = platforms === undefined ? childrenOf(manifest) : selectChildren(manifest, platforms)
      for (const child of selected) {
        children.set(child.digest, child)
        if (!parents.has(child.digest)) parents.set(child.digest, descriptor)
      }
    }
    level = [...children.values()].filter(({ digest }) => !nodes.has(digest) && !missing.has(digest))
    if (nodes.size + level.length > maxManifests) {
      throw tooLarge(store, rootDescriptor, `there are more than ${maxManifests} manifests`)
    }
  }
  const all = [...nodes.values()]
  const { nodes: selected, omitted } =
    platforms === undefined
      ? { nodes: all, omitted: [] }
      : reduceToPlatforms(store, all, new Set(missing.keys()), platforms)
  return { ...shape(rootDescriptor, selected, platforms), missing: [...missing.values()], omitted }
}

/** A registry with several replicas may answer 404 once for a manifest that it has. */
async function findTwice(
  store: ManifestReader,
  item: Descriptor,
  call: Call,
): Promise<ManifestContent | undefined> {
  return (await store.findManifest(item, call)) ?? (await store.findManifest(item, call))
}

/**
 * Returns the nodes in waves for writing: every node comes after all of its children, and the root
 * is alone in the last wave.
 */
export function childrenFirst(graph: Graph): readonly (readonly GraphNode[])[] {
  const byDigest = new Map(graph.nodes.map((node) => [node.descriptor.digest, node]))
  const heights = new Map<Digest, number>()
  const heightOf = (node: GraphNode): number => {
    const known = heights.get(node.descriptor.digest)
    if (known !== undefined) return known
    const below = childrenOf(node.manifest).flatMap((child) => byDigest.get(child.digest) ?? [])
    const height = below.length === 0 ? 0 : 1 + Math.max(...below.map(heightOf))
    heights.set(node.descriptor.digest, height)
    return height
  }
  const waves: GraphNode[][] = []
  for (const node of graph.nodes) (waves[heightOf(node)] ??= []).push(node)
  return waves
}

/**
 * Checks that all indexes of an image describe the same content in the same way. Content is read
 * once, so of several descriptors only one is compared with it.
 * @throws `malformed`.
 */
function checkEntries(
  store: NamedRepository,
  { descriptor: { digest }, manifest }: GraphNode,
  known: Map<Digest, Descriptor>,
): void {
  if (manifest.kind !== 'index') return
  for (const entry of manifest.manifests) {
    const other = known.get(entry.digest) ?? entry
    known.set(entry.digest, other)
    const types = new Set([other.mediaType, entry.mediaType])
    // An entry without a media type does not contradict another one.
    if (other.size === entry.size && (types.size === 1 || types.has(''))) continue
    const where = formatAt(store.repository, { digest })
    throw new DrayError('malformed', `${where} has two different descriptors of ${entry.digest}`, {
      subject: where,
      why: `one descriptor has ${other.mediaType} and ${other.size} bytes, another ${entry.mediaType} and ${entry.size} bytes`,
    })
  }
}

function parseNode(store: NamedRepository, { bytes, descriptor }: ManifestContent): GraphNode {
  const where = formatAt(store.repository, { digest: descriptor.digest })
  return { descriptor, manifest: parseManifest(bytes, descriptor.mediaType, where) }
}

function shape(
  root: Descriptor,
  nodes: readonly GraphNode[],
  platforms: readonly Platform[] | undefined,
): Omit<Graph, 'missing' | 'omitted'> {
  const blobs = new Map<Digest, Descriptor>()
  for (const blob of nodes.flatMap((node) => selectedBlobsOf(node.manifest, platforms))) {
    const other = blobs.get(blob.digest)
    if (other !== undefined && other.size !== blob.size) {
      throw new DrayError(
        'malformed',
        `two descriptors of the blob ${blob.digest} have different sizes: ${other.size} and ${blob.size} bytes`,
      )
    }
    blobs.set(blob.digest, other ?? blob)
  }
  const all = [...nodes.map((node) => node.descriptor), ...blobs.values()]
  return { root, nodes, blobs: [...blobs.values()], size: all.reduce((sum, d) => sum + d.size, 0) }
}

function selectedBlobsOf(
  manifest: Manifest,
  platforms: readonly Platform[] | undefined,
): readonly Descriptor[] {
  const blobs = blobsOf(manifest)
  if (platforms === undefined || manifest.kind !== 'index') return blobs
  return blobs.filter((blob) => isBlobSelected(blob, platforms))
}

/** @param level the items that were read together, some of which are missing */
function firstMissing(
  store: NamedRepository,
  level: readonly (ManifestContent | Descriptor)[],
  missing: ReadonlyMap<Digest, Descriptor>,
  parents: ReadonlyMap<Digest, Descriptor>,
): DrayError {
  const [child] = missing.values()
  const index = child && parents.get(child.digest)
  if (child === undefined || index === undefined) throw new DrayError('internal', 'no child is missing')
  const present = level.flatMap((item) =>
    'bytes' in item || missing.has(item.digest) || isAttestationChild(item) ? [] : (item.platform ?? []),
  )
  return missingChild(store, child, index, present)
}

/**
 * Returns the error for an index without one of its manifests.
 * @param present the platforms of children that exist
 */
export function missingChild(
  store: NamedRepository,
  child: Descriptor,
  index: Descriptor,
  present: readonly Platform[] = [],
): DrayError {
  const options = joinFirst(present.map((one) => `--platform ${formatPlatform(one)}`))
  const select =
    present.length === 0
      ? ''
      : ` To copy only platforms that exist, pass ${options}, or set platforms in the sync rule.`
  const platform = child.platform === undefined ? '' : ` for ${formatPlatform(child.platform)}`
  const where = formatAt(store.repository, { digest: index.digest })
  return new DrayError('not-found', `the index ${where} is incomplete: its manifest${platform} is missing`, {
    subject: formatAt(store.repository, { digest: child.digest }),
    why: `${store.repository.registry} does not have ${child.digest}, which the index lists`,
    hint: `Push the image again. A cleanup that deletes untagged manifests may have deleted this one.${select}`,
  })
}

function tooLarge(store: NamedRepository, root: Descriptor, why: string): DrayError {
  return new DrayError(
    'unsupported',
    `cannot read ${formatAt(store.repository, { digest: root.digest })}: ${why}`,
  )
}
