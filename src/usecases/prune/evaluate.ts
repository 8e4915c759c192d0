import type { Digest } from '../../oci/digest.ts'
import { Reach } from '../../images/graph/reach.ts'
import { imageTags } from '../../images/graph/repository-graph.ts'
import { markAndSweep, type Reachability } from './mark-and-sweep.ts'
import { applyRules, type RuleVerdict } from './policy/apply-rules.ts'
import type { RepositoryPolicy } from './policy/policy.ts'
import type { RuleOptions } from './policy/rules/rule-options.ts'
import { findKept, type ProtectedImages } from './policy/protect.ts'
import { ImageTimes } from './policy/times.ts'
import type { RepositorySnapshot } from './snapshot.ts'

/** A policy applied to a snapshot: all that the verdicts follow from. */
export interface Evaluation {
  readonly snapshot: RepositorySnapshot
  readonly policy: RepositoryPolicy
  /** tags that have a manifest, except those of attached artifacts */
  readonly tags: ReadonlyMap<string, Digest>
  readonly reach: Reach
  readonly times: ImageTimes
  readonly keptImages: ProtectedImages
  /** the input of the rules */
  readonly ruleOptions: RuleOptions
  readonly ruleVerdicts: ReadonlyMap<string, RuleVerdict>
  readonly reachability: Reachability
}

/** Applies protections, rules and reachability to a snapshot. Pure. */
export function evaluatePolicy(snapshot: RepositorySnapshot, policy: RepositoryPolicy): Evaluation {
  const { graph, configTimes, now, inUse, orphaned } = snapshot
  const tags = imageTags(graph)
  const reach = new Reach(graph)
  const times = new ImageTimes(graph, { configTimes, timeFrom: policy.timeFrom, now })
  const keptImages = findKept(tags, policy, inUse, reach, (digest) => graph.nodes.has(digest))
  const { rules, reading } = policy
  const ruleOptions = { rules, times, now, kept: keptImages.digests, reading }
  const ruleVerdicts = applyRules(tags, ruleOptions)
  const toDelete = new Set(
    [...tags].flatMap(([tag, digest]) =>
      ruleVerdicts.get(tag)?.isDeleted === true && !keptImages.digests.has(digest) ? [tag] : [],
    ),
  )
  const reachability = markAndSweep(graph, reach, {
    toDelete,
    tags,
    inUse: keptImages.inUse.keys(),
    orphaned,
  })
  return { snapshot, policy, tags, reach, times, keptImages, ruleOptions, ruleVerdicts, reachability }
}

/**
 * Returns what the tags to delete reach, before the lists of referrers are read. If it is empty,
 * those lists are not needed. Pure.
 */
export function findCandidates(snapshot: RepositorySnapshot, policy: RepositoryPolicy): ReadonlySet<Digest> {
  const { keptImages, ruleVerdicts, tags, reach } = evaluatePolicy(snapshot, policy)
  const toDelete = [...ruleVerdicts].flatMap(([tag, { isDeleted }]) => {
    const digest = tags.get(tag)
    return isDeleted && digest !== undefined && !keptImages.digests.has(digest) ? [digest] : []
  })
  return reach.all([...toDelete, ...snapshot.orphaned.map(({ digest }) => digest)])
}
