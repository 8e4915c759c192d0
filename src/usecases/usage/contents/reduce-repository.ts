import { imageTags, type RepositoryGraph } from '../../../images/graph/repository-graph.ts'
import { Reach } from '../../../images/graph/reach.ts'
import type { InventorySnapshot } from '../../../images/inventory/inventory-snapshot.ts'
import { type IndexedChildren, lastPullOf, lastPushOf } from '../../../images/inventory/last-pulls.ts'
import type { Descriptor } from '../../../oci/descriptor.ts'
import type { Digest } from '../../../oci/digest.ts'
import { isEvidenceTag } from '../../../oci/evidence-tags.ts'
import type { RepositoryName } from '../../../oci/reference.ts'
import type { BlobTable } from './blob-table.ts'
import type { BlobIds, ImageContents, ImageVerdict, RepositoryContents } from './repository-contents.ts'

/** Everything that was read of a repository. */
export interface RepositoryReading {
  readonly repository: RepositoryName
  readonly image: string
  readonly graph: RepositoryGraph
  readonly inventory?: InventorySnapshot
  readonly judgement?: PolicyJudgement
}

/** The decisions of a policy about a repository. */
export interface PolicyJudgement {
  /** the verdicts of the image tags, by digest */
  readonly images: ReadonlyMap<Digest, ImageVerdict>
  readonly deletes?: {
    /** digests with an image tag, and superseded or untagged ones that a rule selects */
    readonly images: number
    readonly manifests: ReadonlySet<Digest>
  }
}

/**
 * Reduces a repository to the blobs of its images. The graph is not needed afterwards. Pure, except
 * that it adds to `blobs`.
 * @param since milliseconds since 1970, for `older`
 */
export function reduceRepository(
  { repository, image, graph: whole, inventory, judgement }: RepositoryReading,
  blobs: BlobTable,
  since: number,
): RepositoryContents {
  const graph = inventory?.knows.untagged === true ? whole : withoutReferrers(whole)
  const reach = new Reach(graph)
  const idsOf = (digests: Iterable<Digest>): BlobIds => collectBlobs(graph, digests, blobs)
  const tagged = new Set<Digest>()
  const edges = inventory === undefined ? undefined : indexedChildren(graph)
  const images = [...groupTags(imageTags(graph))].map(([digest, tags]): ImageContents => {
    const all = reach.all([digest])
    for (const one of all) tagged.add(one)
    const judged = judgement?.images.get(digest)
    return {
      digest,
      tags,
      blobs: idsOf(all),
      ...(inventory !== undefined && edges !== undefined && timesOf(inventory, digest, edges)),
      ...(judged !== undefined && { judged }),
    }
  })
  const orphaned = findOrphaned(graph, tagged).map((digest) => {
    const all = reach.all([digest], tagged)
    for (const one of all) tagged.add(one)
    return idsOf(all)
  })
  const untaggedIn = (isIn: (manifest: Descriptor) => boolean): BlobIds =>
    idsOf(digestsIn(graph, (one) => !tagged.has(one.digest) && isIn(one)))
  const deletes = judgement?.deletes
  return {
    repository,
    image,
    images,
    orphaned,
    untagged: untaggedIn(() => true),
    manifests: graph.nodes.size,
    ...(inventory !== undefined && {
      inventory: {
        kind: inventory.kind,
        name: inventory.name,
        untagged: inventory.knows.untagged,
        pulledAt: inventory.knows.pulledAt,
      },
    }),
    ...(inventory?.knows.pushedAt === true && {
      older: joinIds([
        ...images.flatMap((one) => (isOld(inventory, one.digest, since) ? [one.blobs] : [])),
        ...orphaned,
        untaggedIn(({ digest }) => isOld(inventory, digest, since)),
      ]),
    }),
    ...(deletes !== undefined && {
      planned: {
        images: deletes.images,
        manifests: deletes.manifests.size,
        deleted: collectBlobs(whole, deletes.manifests, blobs),
        remaining: collectBlobs(
          whole,
          digestsIn(whole, ({ digest }) => !deletes.manifests.has(digest)),
          blobs,
        ),
      },
    }),
  }
}

/**
 * Removes attached artifacts that only the referrers API lists. A planner reads the lists of some
 * images, and the sizes of a repository must not depend on that.
 */
function withoutReferrers(graph: RepositoryGraph): RepositoryGraph {
  const { nodes, tags } = graph
  const byTags = new Set([...tags.values()].filter((digest) => digest !== null))
  for (const digest of byTags) for (const child of nodes.get(digest)?.children ?? []) byTags.add(child.digest)
  if ([...nodes.keys()].every((digest) => byTags.has(digest))) return graph
  const all = new Reach(graph).all(byTags)
  const kept = [...nodes].filter(([digest]) => byTags.has(digest) || !all.has(digest))
  return { ...graph, nodes: new Map(kept) }
}

/** The distinct blobs of manifests, and the manifests themselves. */
function collectBlobs({ nodes }: RepositoryGraph, digests: Iterable<Digest>, blobs: BlobTable): BlobIds {
  const ids = new Set<number>()
  for (const digest of digests) {
    const node = nodes.get(digest)
    if (node === undefined) continue
    ids.add(blobs.addManifest(digest, node.descriptor.size))
    for (const blob of node.blobs) ids.add(blobs.add(blob.digest, blob.size))
  }
  return Uint32Array.from(ids)
}

function* digestsIn({ nodes }: RepositoryGraph, isIn: (manifest: Descriptor) => boolean): Iterable<Digest> {
  for (const { descriptor } of nodes.values()) if (isIn(descriptor)) yield descriptor.digest
}

/** A manifest without a push time counts as an old one. A new tag does not make it new. */
function isOld({ entries }: InventorySnapshot, digest: Digest, since: number): boolean {
  const entry = entries.get(digest)
  const at = entry?.pushedAt ?? (entry && lastPushOf(entry))
  return at === undefined || at < since
}

function timesOf(
  inventory: InventorySnapshot,
  digest: Digest,
  edges: IndexedChildren,
): Pick<ImageContents, 'pushedAt' | 'pulledAt' | 'pulledBy'> {
  const entry = inventory.entries.get(digest)
  const pushedAt = entry && lastPushOf(entry)
  const last =
    inventory.knows.pulledAt === 'no' ? { kind: 'unknown' as const } : lastPullOf(inventory, digest, edges)
  return {
    ...(pushedAt !== undefined && { pushedAt }),
    ...(last.kind === 'never' && { pulledAt: last.kind }),
    ...(last.kind === 'pulled' && { pulledAt: last.at }),
    ...(last.kind === 'pulled' && last.by !== undefined && { pulledBy: last.by }),
  }
}

function indexedChildren({ nodes }: RepositoryGraph): IndexedChildren {
  const indexes = new Map<Digest, Digest[]>()
  for (const [index, { children }] of nodes) {
    for (const { digest } of children) {
      const known = indexes.get(digest)
      if (known === undefined) indexes.set(digest, [index])
      else known.push(index)
    }
  }
  return {
    children: (digest) => nodes.get(digest)?.children.map((child) => child.digest) ?? [],
    indexes: (digest) => indexes.get(digest) ?? [],
  }
}

function joinIds(lists: readonly BlobIds[]): BlobIds {
  const joined = new Set<number>()
  for (const ids of lists) for (const id of ids) joined.add(id)
  return Uint32Array.from(joined)
}

function groupTags(tags: ReadonlyMap<string, Digest>): ReadonlyMap<Digest, readonly string[]> {
  const groups = new Map<Digest, string[]>()
  for (const [tag, digest] of tags) {
    const known = groups.get(digest)
    if (known === undefined) groups.set(digest, [tag])
    else known.push(tag)
  }
  return groups
}

/** Digests under the tags of attached artifacts that no image leads to. */
function findOrphaned({ tags, nodes }: RepositoryGraph, tagged: ReadonlySet<Digest>): readonly Digest[] {
  const found = [...tags].flatMap(([tag, digest]) =>
    digest !== null && isEvidenceTag(tag) && nodes.has(digest) && !tagged.has(digest) ? [digest] : [],
  )
  return [...new Set(found)]
}
