import { isEvidence } from './evidence-tags.ts'
import { Graph, visibleIn } from './oracle/graph.ts'
import { timeOf } from './oracle/times.ts'
import type { ScenarioFacts } from './scenario-facts.ts'
import { milliseconds } from './policy-data.ts'
import { type Verdicts, verdictsOf } from './oracle.ts'
import type { SimulatedRegistry } from './simulated-registry.ts'
import type { Snapshot } from './snapshot.ts'

/** A run without other clients. */
export interface CompleteRun {
  readonly before: Snapshot
  readonly end: Snapshot
  readonly facts: ScenarioFacts
  readonly registry: SimulatedRegistry
  /** the registry refused the first delete that was not of locked content; dray sends no other */
  readonly isRefused: boolean
}

/**
 * After a run without other clients, the garbage that the registry can delete is gone, and nothing
 * else.
 */
export function endComplaints(run: CompleteRun): readonly string[] {
  const { before, end, facts, registry, isRefused } = run
  const verdicts = verdictsOf(before, facts)
  const isChanged = end.manifests.size !== before.manifests.size || end.tags.size !== before.tags.size
  if (verdicts.refused !== undefined)
    return isChanged ? [`something was deleted although ${verdicts.refused} refuses all`] : []
  const complaints: string[] = invariantComplaints(run, verdicts)
  const { reached, locked } = reachedByLocked(run, verdicts)
  const undeletable = undeletableIn(run, verdicts)
  for (const digest of before.manifests.keys()) {
    const isThere = end.manifests.has(digest)
    const [isGarbage, short] = [verdicts.garbage.has(digest), digest.slice(7, 15)]
    if (!isThere && !isGarbage) complaints.push(`${short} is gone although it is kept`)
    if (!isThere && locked.has(digest))
      complaints.push(`${short} is gone although something locked reaches it`)
    const mayStay = reached.has(digest) || undeletable.has(digest) || isRefused
    if (isGarbage && isThere && !mayStay) complaints.push(`${short} exists although it is garbage`)
  }
  const canUntag = registry.abilities.deleteTag === 'yes'
  for (const [tag, digest] of before.tags) {
    const isThere = end.tags.get(tag) === digest
    const isKept = verdicts.kept.has(tag) || facts.locks.has(tag)
    if ((isKept || (verdicts.untagged.has(tag) && !canUntag)) && !isThere)
      complaints.push(`the tag ${tag} is gone although it is kept`)
    if (verdicts.untagged.has(tag) && canUntag && isThere && !isRefused && !isKept)
      complaints.push(`the tag ${tag} exists although it is untagged`)
  }
  return complaints
}

/**
 * What the registry keeps because it is locked, and what that reaches. In a cycle, no order deletes
 * every manifest before what it reaches, so `locked` omits what a locked one in a cycle reaches.
 */
function reachedByLocked(
  { before, facts, registry }: CompleteRun,
  { garbage }: Verdicts,
): { readonly reached: ReadonlySet<string>; readonly locked: ReadonlySet<string> } {
  const locked = [...garbage].filter(
    (digest) =>
      facts.locks.has(digest) || [...before.tags].some(([tag, on]) => on === digest && facts.locks.has(tag)),
  )
  const known = visibleIn(before, [...facts.inUse, ...garbage])
  const graph = new Graph(before, known)
  const straight = locked.filter((digest) => !isUnclear(digest, facts, registry) && !graph.isInCycle(digest))
  return { reached: graph.reach(locked), locked: graph.reach(straight) }
}

/**
 * A registry that wants tags deleted first may keep an untagged image because of its attached
 * artifacts, so dray deletes those before the image.
 */
function isUnclear(digest: string, { locks }: ScenarioFacts, { abilities }: SimulatedRegistry): boolean {
  return !abilities.deleteTagged && locks.has(digest)
}

/**
 * Garbage that the registry cannot delete because an invisible index lists it, and what that
 * reaches.
 */
function undeletableIn({ before, facts, registry }: CompleteRun, { garbage }: Verdicts): ReadonlySet<string> {
  if (registry.abilities.deleteInsideIndex) return new Set()
  const listed = [...before.manifests.values()]
    .filter(({ digest }) => !garbage.has(digest))
    .flatMap(({ children }) => children.map((child) => child.digest))
    .filter((digest) => garbage.has(digest))
  return new Graph(before, visibleIn(before, facts.inUse)).reach(listed)
}

/** Promises of retention.md, checked without the verdicts of the sweep. */
function invariantComplaints(
  { before, end, facts, registry }: CompleteRun,
  { protectedDigests, groups }: Verdicts,
): string[] {
  const complaints: string[] = []
  const gone = [...before.manifests.keys()].filter((digest) => !end.manifests.has(digest))
  for (const digest of gone)
    if (protectedDigests.has(digest)) complaints.push(`${digest.slice(7, 15)} is protected, and gone`)
  for (const { rule, digests } of groups) {
    const left = [...digests].filter((digest) => end.manifests.has(digest)).length
    if (left < Math.min(rule.keepNewest ?? 0, digests.size))
      complaints.push(`${rule.name} keeps ${left} of ${digests.size}`)
  }
  for (const [tag, digest] of end.tags) {
    if (isEvidence(tag) || isUnclear(digest, facts, registry)) continue
    for (const lost of lostOf(digest, before, end))
      complaints.push(`${tag} remains, and lacks its part ${lost.slice(7, 15)}`)
  }
  return [...complaints, ...promotionComplaints(gone, before, facts)]
}

/** Children and attached artifacts of a remaining image that are gone. */
function lostOf(digest: string, before: Snapshot, end: Snapshot): readonly string[] {
  const graph = new Graph(before, visibleIn(before, [digest]))
  const parts = graph.isInCycle(digest) ? [] : [...graph.reach([digest])]
  return parts.filter((part) => !end.manifests.has(part))
}

/** If promotions count and all rules have an age, a digest that was just promoted remains. */
function promotionComplaints(
  gone: readonly string[],
  { manifests, tags }: Snapshot,
  { policy, moves, now }: ScenarioFacts,
): readonly string[] {
  const { rules = [], timeFrom: sources = ['promoted', 'annotation', 'config'] } = policy
  const ages = rules.flatMap(({ olderThan }) => (olderThan === undefined ? [] : [milliseconds(olderThan)]))
  if (sources[0] !== 'promoted' || ages.length < rules.length) return []
  const tagged = new Set([...tags].flatMap(([tag, digest]) => (isEvidence(tag) ? [] : [digest])))
  const promoted = new Map(
    moves.filter(({ repository }) => repository === 'this').map(({ after, at }) => [after, at]),
  )
  const youngest = Math.min(...ages)
  return gone.flatMap((digest) => {
    const time = timeOf(digest, { manifests, sources: ['promoted'], promoted, now })
    return tagged.has(digest) && time !== undefined && now - time <= youngest
      ? [`${digest.slice(7, 15)} was promoted recently, and is gone`]
      : []
  })
}
