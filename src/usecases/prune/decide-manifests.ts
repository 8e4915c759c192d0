import type { Digest } from '../../oci/digest.ts'
import type { RepositoryNode } from '../../images/graph/repository-node.ts'
import type { Reach } from '../../images/graph/reach.ts'
import type { ManifestVerdict, Why } from '../../plan/prune/prune-plan.ts'
import type { Evaluation } from './evaluate.ts'
import { SharedReasons } from './shared-reasons.ts'
import { sizeOfContent, sizeOfImage } from './sizes.ts'

/**
 * Decides about the manifests that have no image tag: garbage, manifests that garbage reaches and
 * another manifest keeps, and superseded digests. Pure.
 */
export function decideManifests(evaluation: Evaluation): readonly ManifestVerdict[] {
  const { snapshot, reachability, tags, reach, superseded, untagged } = evaluation
  const { graph, orphaned } = snapshot
  const named = new Set(tags.values())
  const interrupted = new Map(orphaned.map(({ digest, of }) => [digest, of]))
  const parents = listParents(graph.nodes.keys(), reach)
  const listed = new Set(
    [...graph.nodes.values()].flatMap(({ children }) => children.map((child) => child.digest)),
  )
  const shared = new Set([...reachability.garbage].flatMap((digest) => reach.from(digest)))
  const orphans = orphanReasons(evaluation)
  const verdicts: ManifestVerdict[] = []
  const reasons = new SharedReasons()
  for (const [digest, node] of graph.nodes) {
    const isGarbage = reachability.garbage.has(digest)
    const nominated = superseded.get(digest)
    const selected = isGarbage ? untagged.get(digest) : undefined
    if (named.has(digest) || (!isGarbage && !shared.has(digest) && nominated === undefined)) continue
    const above = parents.get(digest) ?? []
    const orphan = orphans.get(digest)
    const role = roleOf(evaluation, node, listed, interrupted.has(digest) || orphan !== undefined)
    const of =
      interrupted.get(digest) ??
      putSubjectFirst(node.subject, above).filter((parent) => reachability.garbage.has(parent))
    // A superseded or untagged digest is an image, and shows the size of all of it, as a tag does.
    const isWhole = nominated !== undefined || selected !== undefined
    const size = isWhole ? sizeOfImage(snapshot, digest) : sizeOfContent(snapshot, node)
    const decided =
      nominated?.isDeleted === isGarbage ? nominated.why : isGarbage ? (selected?.why ?? orphan) : undefined
    const why =
      decided ??
      (isGarbage
        ? explainGarbage(role, of)
        : explainShared(above.filter((parent) => reachability.live.has(parent))))
    verdicts.push({
      digest,
      role,
      of,
      verdict: isGarbage ? 'delete' : 'keep',
      why: reasons.share(why),
      size: size ?? 0,
      ...(nominated !== undefined && {
        formerTags: nominated.tags,
        lastTaggedAt: new Date(nominated.lastUse).toISOString(),
      }),
      ...(selected?.pushedAt !== undefined && { pushedAt: new Date(selected.pushedAt).toISOString() }),
    })
  }
  return verdicts
}

/** By digest: why a rule deletes an attached artifact whose subject is missing. */
function orphanReasons({ orphans, snapshot }: Evaluation): ReadonlyMap<Digest, Why> {
  const reasons = new Map<Digest, Why>()
  for (const [tag, { isDeleted, why }] of orphans) {
    const digest = snapshot.graph.tags.get(tag) ?? null
    if (isDeleted && digest !== null) reasons.set(digest, why)
  }
  return reasons
}

function roleOf(
  evaluation: Evaluation,
  node: RepositoryNode,
  listed: ReadonlySet<Digest>,
  isOrphaned: boolean,
): ManifestVerdict['role'] {
  if (evaluation.superseded.has(node.descriptor.digest)) return 'superseded'
  if (isUntaggedDelete(evaluation, node.descriptor.digest)) return 'untagged'
  if (isOrphaned) return 'orphaned'
  return isAttachedArtifact(evaluation, node, listed) ? 'evidence' : 'child'
}

/** Whether a rule deletes a manifest because nothing reaches it. */
export function isUntaggedDelete(
  { untagged, reachability }: Pick<Evaluation, 'untagged' | 'reachability'>,
  digest: Digest,
): boolean {
  return untagged.get(digest)?.isDeleted === true && reachability.garbage.has(digest)
}

function explainGarbage(role: ManifestVerdict['role'], of: readonly Digest[]): Why {
  const [first] = of
  const parent = first === undefined ? 'a deleted manifest' : first.slice(0, 19)
  const text = {
    superseded: `part of ${parent}, which is deleted`,
    untagged: `part of ${parent}, which is deleted`,
    orphaned: `orphaned by an interrupted run: part of ${parent}, which was deleted`,
    child: `part of ${parent}, which is deleted`,
    evidence: `attached to ${parent}, which is deleted`,
  }[role]
  return { kind: 'orphan', ...(first !== undefined && { by: first }), text }
}

function explainShared(keeping: readonly Digest[]): Why {
  const [first] = keeping
  const text =
    first === undefined ? 'another manifest keeps it' : `also part of ${first.slice(0, 19)}, which is kept`
  return { kind: 'reached', ...(first !== undefined && { by: first }), text }
}

/**
 * Whether a manifest is an attached artifact: its subject is there, or no index lists it. The index
 * under a fallback tag lists referrers; those name their subject.
 * @param listed the children of all indexes
 */
function isAttachedArtifact(
  { snapshot }: Evaluation,
  { subject, descriptor }: RepositoryNode,
  listed: ReadonlySet<Digest>,
): boolean {
  const isAttached = subject !== undefined && snapshot.graph.nodes.has(subject)
  return isAttached || !listed.has(descriptor.digest)
}

/** Puts the subject first, if there is one. */
function putSubjectFirst(subject: Digest | undefined, above: readonly Digest[]): readonly Digest[] {
  return subject !== undefined && above.includes(subject)
    ? [subject, ...above.filter((digest) => digest !== subject)]
    : above
}

/** By digest: the manifests that lead to it in one step. */
function listParents(digests: Iterable<Digest>, reach: Reach): ReadonlyMap<Digest, readonly Digest[]> {
  const parents = new Map<Digest, Digest[]>()
  for (const digest of digests) {
    for (const below of reach.from(digest)) {
      const known = parents.get(below)
      if (known === undefined) parents.set(below, [digest])
      else known.push(digest)
    }
  }
  return parents
}
