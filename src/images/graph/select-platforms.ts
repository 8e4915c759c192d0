import { DrayError } from '../../lib/errors.ts'
import { joinFirst } from '../../lib/join-first.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import { childrenOf, type Manifest } from '../../oci/manifest.ts'
import { isIndexType } from '../../oci/media-types.ts'
import { fitsPlatform, formatPlatform, type Platform } from '../../oci/platform.ts'
import { formatAt } from '../../oci/reference.ts'
import type { NamedRepository } from '../ports.ts'

/** A manifest of an image, as a graph has it. */
interface SelectableNode {
  readonly descriptor: Descriptor
  readonly manifest: Manifest
}

/** The annotation in which buildkit names the manifest that an attestation describes. */
const describedDigest = 'vnd.docker.reference.digest'

/** Platforms that an error names. */
const namedAtMost = 6

/**
 * Whether this child of an index describes another one and cannot be run. Buildkit stores its
 * attestations like this (moby/buildkit, docs/attestations/attestation-storage.md).
 */
export function isAttestationChild({ annotations, platform }: Descriptor): boolean {
  return (
    annotations?.['vnd.docker.reference.type'] === 'attestation-manifest' ||
    (platform?.os === 'unknown' && platform.architecture === 'unknown')
  )
}

/**
 * Returns the children of one index that a selection of platforms includes: pure.
 *
 * - An entry with a platform is included if one of the selected platforms fits it.
 * - An entry without a platform is included, because a runtime could run it on any platform.
 * - A nested index is included if it may contain a selected platform.
 * - An attestation is included together with the manifest that it describes; if it names none, it
 *   is included.
 *
 * A digest with several entries is included if one of them is.
 */
export function selectChildren(manifest: Manifest, platforms: readonly Platform[]): readonly Descriptor[] {
  const children = childrenOf(manifest)
  const selected = new Set<Digest>()
  for (const child of children)
    if (!isAttestationChild(child) && mayContain(child, platforms)) selected.add(child.digest)
  const attestations = children.filter((child) => isAttestationChild(child) && describes(child, selected))
  for (const { digest } of attestations) selected.add(digest)
  return children.filter(({ digest }) => selected.has(digest))
}

/** Whether an entry of an index that is a blob belongs to a selection of platforms. */
export function isBlobSelected({ platform }: Descriptor, platforms: readonly Platform[]): boolean {
  return platform === undefined || platforms.some((asked) => fitsPlatform(asked, platform))
}

/** A nested index may have children with any variant of its architecture. */
function mayContain({ platform, mediaType }: Descriptor, platforms: readonly Platform[]): boolean {
  if (platform === undefined) return true
  return platforms.some((asked) =>
    isIndexType(mediaType)
      ? asked.os === platform.os && asked.architecture === platform.architecture
      : fitsPlatform(asked, platform),
  )
}

function describes({ annotations }: Descriptor, selected: ReadonlySet<Digest>): boolean {
  const digest: string | undefined = annotations?.[describedDigest]
  return digest === undefined || selected.has(digest as Digest)
}

/** The nodes of a walk that a selection of platforms keeps, and what it omits. */
export interface SelectedNodes<Node extends SelectableNode> {
  readonly nodes: readonly Node[]
  readonly omitted: readonly Descriptor[]
}

/**
 * Removes nested indexes that turned out to contain no selected platform: pure.
 * @throws `refused` if the root is an index without any of the platforms.
 */
export function reduceToPlatforms<Node extends SelectableNode>(
  store: NamedRepository,
  nodes: readonly Node[],
  missing: ReadonlySet<Digest>,
  platforms: readonly Platform[],
): SelectedNodes<Node> {
  const [root] = nodes
  if (root === undefined || root.manifest.kind !== 'index') return { nodes, omitted: [] }
  const byDigest = new Map(nodes.map((node) => [node.descriptor.digest, node]))
  const known = new Map<Digest, boolean>()
  const hasImage = (digest: Digest): boolean => {
    const found = known.get(digest)
    if (found !== undefined) return found
    known.set(digest, false)
    const manifest = byDigest.get(digest)?.manifest
    const has =
      manifest?.kind === 'index'
        ? selectChildren(manifest, platforms).some(
            (child) => !isAttestationChild(child) && hasImage(child.digest),
          )
        : manifest !== undefined || missing.has(digest)
    known.set(digest, has)
    return has
  }
  if (!hasImage(root.descriptor.digest)) throw withoutPlatforms(store, nodes, platforms)
  const kept = new Set<Digest>()
  const enter = ({ descriptor, manifest }: SelectableNode): void => {
    if (kept.has(descriptor.digest)) return
    kept.add(descriptor.digest)
    for (const child of selectChildren(manifest, platforms)) {
      const node = byDigest.get(child.digest)
      if (node !== undefined && (node.manifest.kind !== 'index' || hasImage(child.digest))) enter(node)
    }
  }
  enter(root)
  const remaining = nodes.filter(({ descriptor }) => kept.has(descriptor.digest))
  const omitted = new Map<Digest, Descriptor>()
  for (const { manifest } of remaining)
    for (const child of childrenOf(manifest))
      if (!kept.has(child.digest) && !missing.has(child.digest)) omitted.set(child.digest, child)
  return { nodes: remaining, omitted: [...omitted.values()] }
}

/**
 * Returns the platforms of a selection that an index has, as they were selected: pure. The same
 * children are selected by them.
 */
export function platformsPresent(
  nodes: readonly SelectableNode[],
  platforms: readonly Platform[],
): readonly Platform[] {
  const listed = listedPlatforms(nodes)
  const distinct = new Map(platforms.map((platform) => [formatPlatform(platform), platform]))
  return [...distinct.values()].filter((asked) => listed.some((has) => fitsPlatform(asked, has)))
}

/** Counts the different platforms that the indexes of a graph list, without attestations: pure. */
export function countPlatforms(nodes: readonly SelectableNode[]): number {
  return new Set(listedPlatforms(nodes).map(formatPlatform)).size
}

function listedPlatforms(nodes: readonly SelectableNode[]): readonly Platform[] {
  return nodes
    .flatMap(({ manifest }) => childrenOf(manifest))
    .filter((child) => !isAttestationChild(child) && !isIndexType(child.mediaType))
    .flatMap(({ platform }) => platform ?? [])
}

function withoutPlatforms(
  store: NamedRepository,
  nodes: readonly SelectableNode[],
  platforms: readonly Platform[],
): DrayError {
  const [root] = nodes
  const where = root === undefined ? '' : formatAt(store.repository, { digest: root.descriptor.digest })
  const has = [...new Set(listedPlatforms(nodes).map(formatPlatform))]
  return noSelectedPlatform(where, has, platforms)
}

/** Returns the error for an image that is for none of the selected platforms. */
export function noSelectedPlatform(
  where: string,
  has: readonly string[],
  platforms: readonly Platform[],
): DrayError {
  const asked = platforms.map(formatPlatform)
  return new DrayError('refused', `${where} has none of the selected platforms (${asked.join(', ')})`, {
    subject: where,
    why: has.length === 0 ? 'it names no platform' : `it has ${joinFirst(has, namedAtMost)}`,
    hint: 'Select one of its platforms, or exclude the image.',
  })
}
