import { isEvidence, subjectOf } from './evidence-tags.ts'
import type { PruneInput } from './oracle/facts.ts'
import { Graph, visibleIn } from './oracle/graph.ts'
import { holdsIn } from './oracle/holds.ts'
import { protectedTags } from './oracle/protections.ts'
import { appliesTo } from './oracle/repositories.ts'
import { supersededDigests, type SupersededVerdicts } from './oracle/superseded.ts'
import { type CountedGroup, tagsToDelete } from './oracle/tag-rules.ts'
import { timeOf } from './oracle/times.ts'
import { milliseconds, type PolicyData } from './policy-data.ts'
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
  /** digests that protections and references in use keep, with everything that they reach */
  readonly protectedDigests: ReadonlySet<string>
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
  /** the groups that `keepNewest` counts */
  readonly groups: readonly CountedGroup[]
  readonly superseded: SupersededVerdicts
  /** the exceeded limit; then nothing is deleted */
  readonly refused?: string
  /** digests with an image tag: all, and deleted ones */
  readonly count: { readonly images: number; readonly deleted: number; readonly superseded: number }
}

export function verdictsOf(snapshot: Snapshot, input: PruneInput): Verdicts {
  const { manifests } = snapshot
  const { policy, reading, now } = input
  const used = input.inUse.flatMap((at) => {
    const digest = at.startsWith('sha256:') ? at : snapshot.tags.get(at)
    return digest !== undefined && manifests.has(digest) ? [digest] : []
  })
  const rules = (policy.rules ?? []).filter(appliesTo)
  const moves = input.moves.filter((move) => move.repository === 'this')
  const supersededRules = rules.filter(({ kind }) => kind === 'superseded')
  const supersededFacts = { reading, now, moves, promoted: lastMoves(moves) }
  const { nominated } = supersededDigests(supersededRules, { ...supersededFacts, isCandidate: () => false })
  const readable = visibleIn(snapshot, [...used, ...withSubjects(nominated, snapshot)])
  const { held, endedTags } = holdsIn(snapshot, readable, now)
  const imageTags = [...snapshot.tags].filter(([tag]) => !isEvidence(tag) && !endedTags.has(tag))
  const names = imageTags.map(([tag]) => tag)
  const protectedRoots = [
    ...used,
    ...held,
    ...(policy.protect ?? [])
      .filter(appliesTo)
      .flatMap((one) => protectedTags(one, names, reading).flatMap((tag) => snapshot.tags.get(tag) ?? [])),
  ]
  const everything = new Graph(snapshot, new Set(manifests.keys()))
  const protectedDigests = everything.reach(protectedRoots)
  const orphans = orphansIn(snapshot)
  const orphansToDelete = new Map(
    [...orphans].filter(([, digest]) => isOldOrphan(digest, input) && !protectedDigests.has(digest)),
  )
  const { promoted } = supersededFacts
  const sources = policy.timeFrom ?? ['promoted', 'annotation', 'config']
  const groups: CountedGroup[] = []
  const selected = tagsToDelete(
    imageTags.filter(([tag]) => !orphansToDelete.has(tag) && !/^hold-[0-9a-f]{12}$/.test(tag)),
    rules,
    {
      reading,
      now,
      manifests,
      protectedDigests,
      firstSeen: input.firstSeen,
      timeOf: (digest) => timeOf(digest, { manifests, sources, promoted, now }),
    },
    (group) => groups.push(group),
  )
  const tagged = new Set(snapshot.tags.values())
  const superseded = supersededDigests(supersededRules, {
    ...supersededFacts,
    isCandidate: (digest) => manifests.has(digest) && !tagged.has(digest) && !protectedDigests.has(digest),
  })
  const visible = visibleIn(snapshot, [...used, ...withSubjects(superseded.nominated, snapshot)])
  const graph = new Graph(snapshot, visible)
  const digestsOf = (tags: Iterable<string>): readonly string[] =>
    [...tags].flatMap((tag) => snapshot.tags.get(tag) ?? [])
  const { live, garbage } = sweep(snapshot, graph, visible, {
    roots: [
      ...used,
      ...held,
      ...superseded.kept,
      ...digestsOf(names.filter((tag) => !selected.has(tag) && !orphansToDelete.has(tag))),
    ],
    candidates: [...superseded.deleted, ...orphansToDelete.values(), ...digestsOf(selected)],
    orphansToDelete,
  })
  const images = new Set([...snapshot.tags].flatMap(([tag, digest]) => (isEvidence(tag) ? [] : [digest])))
  const count = {
    images: images.size,
    deleted: [...images].filter((digest) => garbage.has(digest)).length,
    superseded: [...superseded.deleted].filter((digest) => garbage.has(digest)).length,
  }
  const refused = brokenLimit(policy.limits ?? {}, count)
  return {
    selected,
    garbage,
    live,
    protectedDigests,
    ...tagVerdicts(snapshot, visibleIn(snapshot, used), selected, garbage),
    groups,
    superseded,
    count,
    ...(refused !== undefined && { refused }),
  }
}

/** Digests with their subjects, and the subjects of these: dray reads whether they exist. */
function withSubjects(
  digests: Iterable<string>,
  { manifests }: Pick<Snapshot, 'manifests'>,
): readonly string[] {
  return [...digests].flatMap((digest) => {
    const subject = manifests.get(digest)?.subject
    return subject === undefined ? [digest] : [digest, ...withSubjects([subject], { manifests })]
  })
}

/** By digest: when dray last put a tag on it. */
function lastMoves(moves: PruneInput['moves']): ReadonlyMap<string, number> {
  const last = new Map<string, number>()
  for (const { after, at } of moves) last.set(after, Math.max(at, last.get(after) ?? at))
  return last
}

/** The tags on attached artifacts whose subject does not exist, with their digests. */
function orphansIn({ tags, manifests }: Snapshot): Map<string, string> {
  const orphans = [...tags].filter(([tag, digest]) => {
    const subject = isEvidence(tag) ? subjectOf(tag) : manifests.get(digest)?.subject
    return subject !== undefined && !manifests.has(subject)
  })
  return new Map(orphans)
}

function isOldOrphan(digest: string, { policy, now, firstSeen }: PruneInput): boolean {
  const rule = policy.rules?.find((one) => one.kind === 'orphaned' && appliesTo(one))
  const seen = firstSeen.get(digest)
  return rule?.olderThan !== undefined && seen !== undefined && now - seen > milliseconds(rule.olderThan)
}

interface SweepInput {
  readonly roots: readonly string[]
  readonly candidates: readonly string[]
  readonly orphansToDelete: ReadonlyMap<string, string>
}

/**
 * Evidence is a root unless its subject is deleted. A new root may keep another subject, so this
 * repeats until nothing changes.
 */
function sweep(
  { tags, manifests }: Snapshot,
  graph: Graph,
  visible: ReadonlySet<string>,
  { roots, candidates, orphansToDelete }: SweepInput,
): Pick<Verdicts, 'live' | 'garbage'> {
  const reachedByCandidates = graph.reach(candidates)
  const imageTagged = new Set([...tags].flatMap(([tag, digest]) => (isEvidence(tag) ? [] : [digest])))
  const orphanedDigests = new Set(orphansToDelete.values())
  let live = graph.reach(roots)
  for (;;) {
    const isDeleted = (digest: string): boolean => reachedByCandidates.has(digest) && !live.has(digest)
    // Nothing to delete leads to these, such as an untagged subject of a superseded image.
    const more = new Set([...visible].filter((digest) => !reachedByCandidates.has(digest)))
    for (const [tag, digest] of tags)
      if (isEvidence(tag) && !isDeleted(subjectOf(tag)) && !orphansToDelete.has(tag)) more.add(digest)
    for (const digest of visible) {
      const subject = manifests.get(digest)?.subject
      if (subject === undefined || isDeleted(subject) || orphanedDigests.has(digest)) continue
      if (visible.has(subject) || imageTagged.has(digest)) more.add(digest)
    }
    const next = graph.reach([...roots, ...more])
    if (next.size === live.size) break
    live = next
  }
  return { live, garbage: new Set([...visible].filter((digest) => !live.has(digest))) }
}

function tagVerdicts(
  { tags, manifests }: Snapshot,
  visible: ReadonlySet<string>,
  selected: ReadonlySet<string>,
  garbage: ReadonlySet<string>,
): Pick<Verdicts, 'deletedTags' | 'untagged' | 'optional' | 'kept'> {
  const verdicts = {
    deletedTags: new Set<string>(),
    untagged: new Set<string>(),
    optional: new Set<string>(),
    kept: new Set<string>(),
  }
  const isOrphan = (digest: string): boolean => {
    const subject = manifests.get(digest)?.subject
    return subject !== undefined && !visible.has(subject)
  }
  // An untagged subject is unknown, unless dray reads it for another reason.
  const hasSubject = (digest: string): boolean => manifests.has(manifests.get(digest)?.subject ?? '')
  const orphaned = new Set(
    [...tags].flatMap(([tag, digest]) => (isEvidence(tag) && !visible.has(subjectOf(tag)) ? [digest] : [])),
  )
  for (const [tag, digest] of tags) {
    if (garbage.has(digest)) verdicts.deletedTags.add(tag)
    else if (isEvidence(tag)) (garbage.has(subjectOf(tag)) ? verdicts.optional : verdicts.kept).add(tag)
    else if (!selected.has(tag)) verdicts.kept.add(tag)
    else if (isOrphan(digest)) (hasSubject(digest) ? verdicts.optional : verdicts.kept).add(tag)
    else (orphaned.has(digest) ? verdicts.optional : verdicts.untagged).add(tag)
  }
  return verdicts
}

function brokenLimit(
  limits: NonNullable<PolicyData['limits']>,
  { images, deleted, superseded }: Verdicts['count'],
): string | undefined {
  if (limits.maxDeletes !== undefined && deleted + superseded > limits.maxDeletes) return 'maxDeletes'
  if (limits.maxPercent !== undefined && deleted * 100 > limits.maxPercent * images) return 'maxPercent'
  if (limits.minRemaining !== undefined && deleted > 0 && images - deleted < limits.minRemaining)
    return 'minRemaining'
  return undefined
}
