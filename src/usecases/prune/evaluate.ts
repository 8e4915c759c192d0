import { findHolds, findSureHolds, type Holds } from '../../audit/holds/find-holds.ts'
import { isHoldTag } from '../../images/holds/hold-tag.ts'
import type { Digest } from '../../oci/digest.ts'
import { Reach } from '../../images/graph/reach.ts'
import { imageTags, type RepositoryGraph } from '../../images/graph/repository-graph.ts'
import { describeMissingChildren } from '../../oci/missing-children.ts'
import { markAndSweep, type Reachability } from './mark-and-sweep.ts'
import { applyRules, namesOfTimedRules, type RuleVerdict } from './policy/apply-rules.ts'
import type { RepositoryPolicy } from './policy/policy.ts'
import { type BrokenIndex, judgeUse, type RuleOptions } from './policy/rules/rule-options.ts'
import { findKept, type ProtectedImages } from './policy/protect.ts'
import { judgeOrphans, type OrphanVerdict } from './policy/orphaned.ts'
import { selectTag } from '../../selectors/select-tag.ts'
import { judgeSuperseded, type SupersededVerdict } from './policy/superseded.ts'
import { ImageTimes } from './policy/times.ts'
import type { Rule } from '../../config/retention/policy.ts'
import type { Why } from '../../plan/prune/prune-plan.ts'
import { createImageUses } from './inventory/image-uses.ts'
import { findEndangering } from './inventory/cascades.ts'
import { findListedReasons, type ListedReason } from './inventory/listed-reasons.ts'
import { judgeUntagged, type UntaggedVerdict } from './inventory/untagged.ts'
import { noHistory } from './records/history.ts'
import { listMissingChildren } from './records/missing-children.ts'
import type { RepositorySnapshot } from './snapshot.ts'

/** A policy applied to a snapshot: all that the verdicts follow from. */
export interface Evaluation {
  readonly snapshot: RepositorySnapshot
  readonly policy: RepositoryPolicy
  /** tags that have a manifest, except those of attached artifacts and of holds that have ended */
  readonly tags: ReadonlyMap<string, Digest>
  readonly reach: Reach
  readonly times: ImageTimes
  readonly holds: Holds
  readonly keptImages: ProtectedImages
  /** the input of the rules */
  readonly ruleOptions: RuleOptions
  readonly ruleVerdicts: ReadonlyMap<string, RuleVerdict>
  /** by tag: attached artifacts without their subject, if a rule selects them */
  readonly orphans: ReadonlyMap<string, OrphanVerdict>
  /** superseded digests that a rule selects */
  readonly superseded: ReadonlyMap<Digest, SupersededVerdict>
  /** manifests that nothing reaches, if a rule selects them */
  readonly untagged: ReadonlyMap<Digest, UntaggedVerdict>
  /** manifests that the inventory is a reason to keep */
  readonly listed: ReadonlyMap<Digest, ListedReason>
  readonly reachability: Reachability
}

/** Applies protections, rules and reachability to a snapshot. Pure. */
export function evaluatePolicy(
  snapshot: RepositorySnapshot,
  policy: RepositoryPolicy,
  holds: Holds = findHolds(snapshot.graph, snapshot.now),
): Evaluation {
  const evaluation = evaluate(snapshot, policy, holds)
  const endangering = findEndangering(evaluation)
  if (endangering.size === 0) return evaluation
  // One more kept manifest can keep others.
  const disputed = new Map([...(snapshot.disputed ?? []), ...endangering])
  return evaluatePolicy({ ...snapshot, disputed }, policy, holds)
}

function evaluate(snapshot: RepositorySnapshot, policy: RepositoryPolicy, holds: Holds): Evaluation {
  const { graph, now, inUse, orphaned, history = noHistory } = snapshot
  const tags = tagsOfImages(graph, holds)
  const reach = new Reach(graph)
  const times = timesOf(snapshot, policy)
  const listed = findListedReasons(snapshot)
  const keptImages = findKept(tags, policy, { used: inUse, held: holds.byDigest, listed }, reach, (digest) =>
    graph.nodes.has(digest),
  )
  const { rules, reading } = policy
  const broken = findBroken(snapshot)
  const ruleOptions = {
    rules,
    times,
    now,
    kept: keptImages.digests,
    reading,
    broken,
    ...inventoryOptions(snapshot, policy),
  }
  const orphans = judgeOrphans(policy.rules, history.orphaned, now)
  const orphansToDelete = new Set(
    [...orphans].flatMap(([tag, { isDeleted }]) => {
      const digest = graph.tags.get(tag) ?? null
      return isDeleted && digest !== null && !keptImages.digests.has(digest) ? [tag] : []
    }),
  )
  // An orphaned artifact that is deleted takes no slot of the rules that count tags, and no rule is
  // about the tag of a hold.
  const counted = new Map([...tags].filter(([tag]) => !orphansToDelete.has(tag) && !isHoldTag(tag)))
  const ruleVerdicts = applyRules(counted, ruleOptions)
  const toDelete = new Set(deletedTags({ keptImages, ruleVerdicts, tags }).map(({ tag }) => tag))
  const ofRecords = applySupersededRules(snapshot, ruleOptions, keptImages)
  const kept = [...keptImages.inUse.keys(), ...holds.byDigest.keys(), ...listed.keys()]
  const untagged = applyUntaggedRules(snapshot, ruleOptions, reach, [
    ...kept,
    ...orphaned.map(({ digest }) => digest),
    ...[...ofRecords].flatMap(([digest, { why }]) => (comesFirst(why, rules) ? [digest] : [])),
  ])
  const superseded = new Map([...ofRecords].filter(([digest]) => !untagged.has(digest)))
  const reachability = markAndSweep(graph, reach, {
    toDelete,
    tags,
    kept: kept.filter((digest) => graph.nodes.has(digest)),
    endedHolds: holds.endedTags,
    orphaned,
    orphansToDelete,
    selected: new Map([...superseded, ...untagged].map(([digest, { isDeleted }]) => [digest, isDeleted])),
  })
  return {
    snapshot,
    policy,
    tags,
    reach,
    times,
    holds,
    keptImages,
    ruleOptions,
    ruleVerdicts,
    orphans,
    superseded,
    untagged,
    listed,
    reachability,
  }
}

/** The facts of the inventory, as far as rules need them. */
function inventoryOptions(
  snapshot: RepositorySnapshot,
  { rules }: RepositoryPolicy,
): Pick<RuleOptions, 'uses' | 'notApplied'> {
  const isByUse = rules.some(({ notPulledFor }) => notPulledFor !== undefined)
  const uses = isByUse ? createImageUses(snapshot) : undefined
  const notApplied = new Map([...(snapshot.obstacles ?? [])].map(([name, { text }]) => [name, text]))
  return { ...(uses !== undefined && { uses }), notApplied }
}

/** Whether the rule of a verdict comes before the rule about untagged manifests. */
function comesFirst({ by }: Why, rules: readonly Rule[]): boolean {
  const untagged = rules.findIndex(({ kind }) => kind === 'untagged')
  return untagged === -1 || rules.findIndex(({ name }) => name === by) < untagged
}

/** Without an inventory, untagged manifests are unknown. */
function applyUntaggedRules(
  { graph, now, inventory }: RepositorySnapshot,
  options: RuleOptions,
  reach: Reach,
  others: Iterable<Digest>,
): ReadonlyMap<Digest, UntaggedVerdict> {
  if (inventory === undefined || !options.rules.some(({ kind }) => kind === 'untagged')) return new Map()
  return judgeUntagged({
    rules: options.rules,
    graph,
    reach,
    inventory,
    others,
    now,
    judgeUse: (digest, notPulledFor) => judgeUse(options, digest, notPulledFor),
    notApplied: options.notApplied ?? new Map(),
  })
}

/** The tag of a hold that has ended is no reason to keep its image. */
export function tagsOfImages(graph: RepositoryGraph, { endedTags }: Holds): ReadonlyMap<string, Digest> {
  const tags = imageTags(graph)
  return endedTags.size === 0 ? tags : new Map([...tags].filter(([tag]) => !endedTags.has(tag)))
}

function timesOf(
  { graph, configTimes, now, history, pushed }: RepositorySnapshot,
  policy: RepositoryPolicy,
): ImageTimes {
  return new ImageTimes(graph, {
    configTimes,
    timeFrom: policy.timeFrom,
    now,
    ...(history !== undefined && { promoted: history.promoted }),
    ...(pushed !== undefined && { pushed }),
  })
}

/** Broken indexes. Of several tags on one index, the last sighting counts. */
export function findBroken({
  graph,
  history = noHistory,
}: Pick<RepositorySnapshot, 'graph' | 'history'>): ReadonlyMap<Digest, BrokenIndex> {
  const broken = new Map<Digest, BrokenIndex>()
  for (const [tag, { since }] of history.broken) {
    const digest = graph.tags.get(tag) ?? null
    if (digest === null || since < (broken.get(digest)?.since ?? since)) continue
    broken.set(digest, {
      since,
      text: describeMissingChildren(listMissingChildren(graph, digest, history.sparse)),
    })
  }
  return broken
}

/**
 * Records only nominate a digest: one that has a tag, or that is kept, is not superseded. One in an
 * index is: a rule keeps it for a rollback if nothing else does.
 */
function applySupersededRules(
  { graph, now, history = noHistory }: RepositorySnapshot,
  options: RuleOptions,
  { digests: kept }: ProtectedImages,
): ReadonlyMap<Digest, SupersededVerdict> {
  if (history.superseded.length === 0) return new Map()
  const tagged = new Set(graph.tags.values())
  const { rules, reading, notApplied = new Map<string, string>() } = options
  return judgeSuperseded({
    rules,
    superseded: history.superseded,
    select: (rule, tag) => selectTag(rule.tags, tag, reading) !== undefined,
    isUntagged: (digest) => graph.nodes.has(digest) && !tagged.has(digest),
    kept,
    promotedAt: (digest) => history.promoted.get(digest)?.at,
    now,
    judgeUse: (digest, notPulledFor) => judgeUse(options, digest, notPulledFor),
    notApplied,
  })
}

/**
 * Returns what the deletes reach, before the lists of referrers are read. If it is empty, those
 * lists are not needed. Pure.
 */
export function findCandidates(snapshot: RepositorySnapshot, policy: RepositoryPolicy): ReadonlySet<Digest> {
  const evaluation = evaluateSureHolds(snapshot, policy)
  const { orphans, superseded, untagged, reach } = evaluation
  return reach.all([
    ...deletedTags(evaluation).map(({ digest }) => digest),
    ...snapshot.orphaned.map(({ digest }) => digest),
    ...[...orphans].flatMap(([tag, { isDeleted }]) =>
      isDeleted ? (snapshot.graph.tags.get(tag) ?? []) : [],
    ),
    ...[...superseded, ...untagged].flatMap(([digest, { isDeleted }]) => (isDeleted ? [digest] : [])),
  ])
}

/** Evaluates what would be deleted if each hold that is not sure has ended. */
function evaluateSureHolds(snapshot: RepositorySnapshot, policy: RepositoryPolicy): Evaluation {
  return evaluatePolicy(snapshot, policy, findSureHolds(snapshot.graph, snapshot.now))
}

/** Returns the images that rules delete and that a later promotion would keep. Pure. */
export function findDatedDeletes(snapshot: RepositorySnapshot, policy: RepositoryPolicy): readonly Digest[] {
  const evaluation = evaluateSureHolds(snapshot, policy)
  const { superseded, times } = evaluation
  const byTime = namesOfTimedRules(policy)
  const dated = deletedTags(evaluation).flatMap(({ digest, by }) =>
    by !== undefined && byTime.has(by) && times.dependsOnPromotion(digest) ? [digest] : [],
  )
  return [...dated, ...[...superseded].flatMap(([digest, { isDeleted }]) => (isDeleted ? [digest] : []))]
}

/** The image tags that rules delete and nothing protects, with their digests and rules. */
function deletedTags({
  keptImages,
  ruleVerdicts,
  tags,
}: Pick<Evaluation, 'keptImages' | 'ruleVerdicts' | 'tags'>): readonly {
  readonly tag: string
  readonly digest: Digest
  readonly by: string | undefined
}[] {
  return [...ruleVerdicts].flatMap(([tag, { isDeleted, why }]) => {
    const digest = tags.get(tag)
    return isDeleted && digest !== undefined && !keptImages.digests.has(digest)
      ? [{ tag, digest, by: why.by }]
      : []
  })
}
