import { isEvidence, subjectOf } from './evidence-tags.ts'
import { selectTags, protectedTags } from './selected-tags.ts'
import { type PolicyData, readPolicy } from './policy-data.ts'
import type { Snapshot } from './snapshot.ts'

/**
 * The verdicts of retention.md on a repository, computed without code of `src/`. The computation is
 * quadratic if that is simpler.
 */
export interface Verdicts {
  /** image tags that a rule selects and that nothing keeps */
  readonly selected: ReadonlySet<string>
  /** digests that are deleted */
  readonly garbage: ReadonlySet<string>
  /** visible digests that are kept */
  readonly live: ReadonlySet<string>
  /** tags that are deleted with their digest, including evidence tags */
  readonly deletedTags: ReadonlySet<string>
  /** tags that are deleted while their digest is kept */
  readonly untagged: ReadonlySet<string>
  /**
   * tags that may be deleted or kept: evidence tags of deleted subjects at a kept digest, and
   * selected tags at orphaned evidence
   */
  readonly optional: ReadonlySet<string>
  /** tags that are kept */
  readonly kept: ReadonlySet<string>
  /** the exceeded limit; then nothing is deleted */
  readonly refused?: string
  /** digests with an image tag: all, and deleted ones */
  readonly count: { readonly images: number; readonly deleted: number }
}

/**
 * Orphaned evidence is kept (retention.md, Decide). The page is ambiguous about untagged orphaned
 * evidence in an index that is deleted.
 */
const orphansInIndexesStay = false

export interface PruneInput {
  readonly policy: PolicyData
  /** milliseconds since 1970 */
  readonly now: number
  /** digests or tags that are in use */
  readonly inUse?: readonly string[]
}

/** @param policyYaml the section `retention`, one policy */
export function retentionOracle(
  snapshot: Snapshot,
  policyYaml: string,
  now: number,
  inUse: readonly string[] = [],
): Verdicts {
  return verdictsOf(snapshot, { policy: readPolicy(policyYaml), now, inUse })
}

export function verdictsOf(snapshot: Snapshot, input: PruneInput): Verdicts {
  const used = (input.inUse ?? []).flatMap((at) => {
    const digest = at.startsWith('sha256:') ? at : snapshot.tags.get(at)
    return digest !== undefined && snapshot.manifests.has(digest) ? [digest] : []
  })
  const imageTags = [...snapshot.tags].filter(([tag]) => !isEvidence(tag))
  const visible = visibleIn(snapshot, used)
  const graph = new Graph(snapshot, visible)
  const protectedDigests = graph.reach([
    ...used,
    ...(input.policy.protect ?? []).flatMap((one) =>
      protectedTags(
        one,
        imageTags.map(([tag]) => tag),
      ).flatMap((tag) => snapshot.tags.get(tag) ?? []),
    ),
  ])
  const selected = selectTags(input, snapshot, imageTags, protectedDigests)
  const roots = [...used, ...imageTags.filter(([tag]) => !selected.has(tag)).map(([, digest]) => digest)]
  const reachedBySelected = graph.reach([...selected].flatMap((tag) => snapshot.tags.get(tag) ?? []))

  const tagged = new Set(imageTags.map(([, digest]) => digest))
  // Evidence is a root unless its subject is deleted. A new root may keep another subject, so this
  // repeats until nothing changes.
  let live = graph.reach(roots)
  for (;;) {
    const isDeleted = (digest: string): boolean => reachedBySelected.has(digest) && !live.has(digest)
    const more = new Set<string>()
    for (const [tag, digest] of snapshot.tags)
      if (isEvidence(tag) && !isDeleted(subjectOf(tag))) more.add(digest)
    for (const digest of visible) {
      const subject = snapshot.manifests.get(digest)?.subject
      if (subject === undefined || isDeleted(subject)) continue
      const isListed = visible.has(subject) || tagged.has(digest) || !reachedBySelected.has(digest)
      if (isListed || orphansInIndexesStay) more.add(digest)
    }
    const next = graph.reach([...roots, ...more])
    if (next.size === live.size) break
    live = next
  }

  const garbage = new Set([...visible].filter((digest) => !live.has(digest)))
  const verdicts = {
    deletedTags: new Set<string>(),
    untagged: new Set<string>(),
    optional: new Set<string>(),
    kept: new Set<string>(),
  }
  const isOrphan = (digest: string): boolean => {
    const subject = snapshot.manifests.get(digest)?.subject
    return subject !== undefined && !visible.has(subject)
  }
  const orphaned = new Set(
    [...snapshot.tags].flatMap(([tag, digest]) =>
      isEvidence(tag) && !visible.has(subjectOf(tag)) ? [digest] : [],
    ),
  )
  for (const [tag, digest] of snapshot.tags) {
    if (garbage.has(digest)) verdicts.deletedTags.add(tag)
    else if (isEvidence(tag)) (garbage.has(subjectOf(tag)) ? verdicts.optional : verdicts.kept).add(tag)
    else if (!selected.has(tag) || isOrphan(digest)) verdicts.kept.add(tag)
    else (orphaned.has(digest) ? verdicts.optional : verdicts.untagged).add(tag)
  }
  const images = new Set(imageTags.map(([, digest]) => digest))
  const count = { images: images.size, deleted: [...images].filter((digest) => garbage.has(digest)).length }
  const refused = brokenLimit(input.policy.limits ?? {}, count)
  return { selected, garbage, live, ...verdicts, count, ...(refused !== undefined && { refused }) }
}

function brokenLimit(
  limits: NonNullable<PolicyData['limits']>,
  { images, deleted }: Verdicts['count'],
): string | undefined {
  if (limits.maxDeletes !== undefined && deleted > limits.maxDeletes) return 'maxDeletes'
  if (limits.maxPercent !== undefined && deleted * 100 > limits.maxPercent * images) return 'maxPercent'
  if (limits.minRemaining !== undefined && deleted > 0 && images - deleted < limits.minRemaining)
    return 'minRemaining'
  return undefined
}

/** The digests that a client can find from all tags and `roots`. */
export function visibleIn(snapshot: Snapshot, roots: readonly string[]): Set<string> {
  return new Graph(snapshot, new Set()).reach([...snapshot.tags.values(), ...roots])
}

/** Reachability by children, subjects, lists of referrers and evidence tags. */
export class Graph {
  readonly #snapshot: Snapshot
  readonly #known: ReadonlySet<string>

  /** @param known manifests whose `subject` counts, even if the registry does not list them */
  constructor(snapshot: Snapshot, known: ReadonlySet<string>) {
    this.#snapshot = snapshot
    this.#known = known
  }

  /** The existing manifests that a digest leads to directly. */
  neighbours(digest: string): readonly string[] {
    const { manifests, tags } = this.#snapshot
    const children = manifests.get(digest)?.children.map((child) => child.digest) ?? []
    const underTags = [...tags].flatMap(([tag, to]) =>
      isEvidence(tag) && subjectOf(tag) === digest ? [to] : [],
    )
    const bySubject = [...this.#known].filter((other) => manifests.get(other)?.subject === digest)
    const all = [...children, ...this.#snapshot.referrers(digest), ...underTags, ...bySubject]
    return all.filter((to) => manifests.has(to))
  }

  reach(roots: readonly string[]): Set<string> {
    const reached = new Set<string>()
    const open = roots.filter((digest) => this.#snapshot.manifests.has(digest))
    for (let digest = open.pop(); digest !== undefined; digest = open.pop()) {
      if (reached.has(digest)) continue
      reached.add(digest)
      open.push(...this.neighbours(digest))
    }
    return reached
  }
}
