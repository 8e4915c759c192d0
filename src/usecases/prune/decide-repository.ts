import type { Digest } from '../../oci/digest.ts'
import { isEvidenceTag } from '../../oci/evidence-tags.ts'
import type {
  DeleteStep,
  ManifestVerdict,
  RepositoryPlan,
  TagVerdict,
  Why,
} from '../../plan/prune/prune-plan.ts'
import { inSemverOrder } from '../../semver/order.ts'
import { plainReading } from '../../semver/version.ts'
import { Reach } from '../../images/graph/reach.ts'
import { tagsOfPeople } from '../../images/graph/repository-graph.ts'
import type { RepositoryNode } from '../../images/graph/repository-node.ts'
import { deleteOrder } from './delete-order.ts'
import { type Fate, fateOf } from './doom.ts'
import { type Finding, judge } from './policy/judge.ts'
import type { RepositoryPolicy, ReferenceInUse } from './policy/policy.ts'
import { describeUse, type Held, type Hold, whatIsHeld } from './policy/protect.ts'
import { SharedReasons } from './shared-reasons.ts'
import { freedBy, sizeOf } from './sizes.ts'
import type { RepositorySnapshot } from './snapshot.ts'
import { Times } from './policy/times.ts'

/** What becomes of a repository. */
export interface Decision {
  readonly plan: RepositoryPlan
  /** names of the protections that found something here */
  readonly matched: ReadonlySet<string>
  /** what something runs, and is not there */
  readonly absent: readonly ReferenceInUse[]
  /** what is kept though the reference names another host */
  readonly atOtherHosts: readonly ReferenceInUse[]
  /** manifests that indexes list, and that are not there */
  readonly missing: number
}

/** What the verdicts of a repository follow from. */
export interface Grounds {
  readonly snapshot: RepositorySnapshot
  /** tags of people that have a manifest */
  readonly tags: ReadonlyMap<string, Digest>
  readonly reach: Reach
  readonly times: Times
  readonly held: Held
  readonly findings: ReadonlyMap<string, Finding>
  readonly fate: Fate
}

/** The verdicts of one repository and the deletes that follow from them: pure. */
export function decideRepository(snapshot: RepositorySnapshot, policy: RepositoryPolicy): Decision {
  return decisionOf(groundsOf(snapshot, policy))
}

/** The decision that follows from its grounds: pure. */
export function decisionOf(grounds: Grounds): Decision {
  const { held, snapshot } = grounds
  const tags = tagVerdicts(grounds)
  const others = manifestVerdicts(grounds)
  const { repository, image, environment, graph, referrers } = snapshot
  const plan: RepositoryPlan = {
    repository,
    image,
    ...(environment !== undefined && { environment }),
    now: new Date(snapshot.now).toISOString(),
    tags,
    others,
    roots: [...held.used.keys()],
    steps: stepsOf(grounds, tags, others),
    count: countOf(grounds),
    freed: freedBy(graph, grounds.fate.doomed),
    referrers,
  }
  const { matched, absent, atOtherHosts } = held
  return { plan, matched, absent, atOtherHosts, missing: graph.missing.size }
}

/** What marked tags reach, as far as it is known without the lists of referrers; where nothing is marked, nobody needs those. Pure. */
export function markedReach(snapshot: RepositorySnapshot, policy: RepositoryPolicy): ReadonlySet<Digest> {
  const { held, findings, tags, reach } = groundsOf(snapshot, policy)
  const marked = [...findings].flatMap(([tag, { marked: is }]) => {
    const digest = tags.get(tag)
    return is && digest !== undefined && !held.digests.has(digest) ? [digest] : []
  })
  return reach.all([...marked, ...snapshot.leftovers.map(({ digest }) => digest)])
}

/** What the policy says of a repository, before verdicts: pure. */
export function groundsOf(snapshot: RepositorySnapshot, policy: RepositoryPolicy): Grounds {
  const { graph, configTimes, now, used, leftovers } = snapshot
  const tags = tagsOfPeople(graph)
  const reach = new Reach(graph)
  const times = new Times(graph, { configTimes, timeFrom: policy.timeFrom, now })
  const held = whatIsHeld(tags, policy.protect, used, reach, (digest) => graph.nodes.has(digest))
  const findings = judge(tags, { rules: policy.rules, times, now, held: held.digests })
  const dying = new Set(
    [...tags].flatMap(([tag, digest]) =>
      findings.get(tag)?.marked === true && !held.digests.has(digest) ? [tag] : [],
    ),
  )
  const fate = fateOf(graph, reach, { dying, tags, used: held.used.keys(), leftovers })
  return { snapshot, tags, reach, times, held, findings, fate }
}

/** Tags with equal reasons share one object: a plan keeps a verdict for each tag of all repositories. */
function tagVerdicts(grounds: Grounds): readonly TagVerdict[] {
  const { snapshot, times } = grounds
  const { graph } = snapshot
  const reasons = new SharedReasons()
  return inSemverOrder(graph.tags.keys(), plainReading).map((tag): TagVerdict => {
    const digest = graph.tags.get(tag) ?? null
    if (digest === null) {
      const text = 'it is listed, and there is no manifest under it'
      return { tag, digest, verdict: 'keep', why: reasons.share({ kind: 'dangling', text }) }
    }
    const { verdict, why: own } = verdictOf(grounds, tag, digest)
    const why = reasons.share(own)
    const size = sizeOf(graph, digest)
    const time = isEvidenceTag(tag) ? undefined : times.of(digest)
    if (time?.kind !== 'dated') return { tag, digest, verdict, why, size }
    return { tag, digest, verdict, why, created: new Date(time.at).toISOString(), size }
  })
}

/** What becomes of one tag that has a manifest. Pure. */
function verdictOf(grounds: Grounds, tag: string, digest: Digest): Pick<TagVerdict, 'verdict' | 'why'> {
  return isEvidenceTag(tag) ? ofEvidenceTag(grounds, tag, digest) : ofTag(grounds, tag, digest)
}

function ofTag(grounds: Grounds, tag: string, digest: Digest): Pick<TagVerdict, 'verdict' | 'why'> {
  const { held, findings, fate } = grounds
  const hold = held.digests.get(digest)
  if (hold !== undefined) return { verdict: 'keep', why: whyHeld(hold, held, tag, digest) }
  const finding = findings.get(tag)
  if (finding === undefined || !finding.marked)
    return { verdict: 'keep', why: finding?.why ?? { kind: 'unmatched', text: 'no rule selects it' } }
  if (fate.orphanTags.has(tag)) {
    const text = 'it is evidence of something that is not there, or that no tag leads to'
    return { verdict: 'keep', why: { kind: 'evidence', text } }
  }
  if (fate.doomed.has(digest)) return { verdict: 'delete', why: finding.why }
  return untagged(grounds, finding.why, digest)
}

/** A dying tag on a digest that something else keeps. */
function untagged({ snapshot }: Grounds, why: Why, digest: Digest): Pick<TagVerdict, 'verdict' | 'why'> {
  if (snapshot.canUntag !== 'no') return { verdict: 'untag', why }
  const text = `${why.text}; but ${digest.slice(0, 19)} stays, and this registry cannot delete a tag alone`
  return { verdict: 'keep', why: { kind: 'cannotUntag', ...(why.by !== undefined && { by: why.by }), text } }
}

function ofEvidenceTag(grounds: Grounds, tag: string, digest: Digest): Pick<TagVerdict, 'verdict' | 'why'> {
  const { fate } = grounds
  if (fate.orphanTags.has(tag)) {
    const text = 'evidence of something that is not there, or that no tag leads to'
    return { verdict: 'keep', why: { kind: 'evidence', text } }
  }
  const subject = subjectOf(grounds, tag)
  if (subject === undefined && fate.doomed.has(digest)) {
    const text = 'left behind by a run that was broken off: what it is evidence of is deleted'
    return { verdict: 'delete', why: { kind: 'orphan', text } }
  }
  if (subject === undefined || !fate.doomed.has(subject)) {
    const text = 'evidence of something that stays'
    return { verdict: 'keep', why: { kind: 'evidence', ...(subject !== undefined && { by: subject }), text } }
  }
  const why: Why = {
    kind: 'orphan',
    by: subject,
    text: `evidence of ${subject.slice(0, 19)}, which is deleted`,
  }
  return fate.doomed.has(digest) ? { verdict: 'delete', why } : untagged(grounds, why, digest)
}

/** The known manifest that an evidence tag speaks of. */
function subjectOf({ reach, snapshot }: Grounds, tag: string): Digest | undefined {
  return reach.subjectsOf(tag).find((digest) => snapshot.graph.nodes.has(digest))
}

function whyHeld(hold: Hold, held: Held, tag: string, digest: Digest): Why {
  const own = held.byTag.get(tag)
  if (own !== undefined) return { kind: 'protection', by: own.name, text: `protected: ${own.name}` }
  const used = held.used.get(digest)
  if (used !== undefined) return { kind: 'inUse', by: used.by, text: `in use: ${describeUse(used)}` }
  if (hold.kind === 'inUse') {
    const text = `part of ${hold.at.slice(0, 19)}, which is in use: ${describeUse(hold.used)}`
    return { kind: 'inUse', by: hold.used.by, text }
  }
  const { name } = hold.protection
  const how = hold.at === digest ? `the same digest as ${hold.tag}` : `part of ${hold.tag}`
  return { kind: 'protection', by: name, text: `protected: ${how} (${name})` }
}

/** Manifests that no tag of a person is on: those that go, and parts of what goes that something else keeps. */
function manifestVerdicts(grounds: Grounds): readonly ManifestVerdict[] {
  const { snapshot, fate, tags, reach } = grounds
  const { graph, leftovers } = snapshot
  const named = new Set(tags.values())
  const left = new Map(leftovers.map(({ digest, of }) => [digest, of]))
  const parents = parentsOf(graph.nodes.keys(), reach)
  const listed = new Set(
    [...graph.nodes.values()].flatMap(({ children }) => children.map((child) => child.digest)),
  )
  const shared = new Set([...fate.doomed].flatMap((digest) => reach.from(digest)))
  const verdicts: ManifestVerdict[] = []
  const reasons = new SharedReasons()
  for (const [digest, node] of graph.nodes) {
    const isDoomed = fate.doomed.has(digest)
    if (named.has(digest) || (!isDoomed && !shared.has(digest))) continue
    const above = parents.get(digest) ?? []
    const role = left.has(digest) ? 'leftover' : isEvidence(grounds, node, listed) ? 'evidence' : 'child'
    const of = left.get(digest) ?? inOrderOf(node.subject, above).filter((parent) => fate.doomed.has(parent))
    const size = node.descriptor.size + node.blobs.reduce((sum, blob) => sum + blob.size, 0)
    const why = isDoomed ? whyDoomed(role, of) : whyShared(above.filter((parent) => fate.alive.has(parent)))
    verdicts.push({ digest, role, of, verdict: isDoomed ? 'delete' : 'keep', why: reasons.share(why), size })
  }
  return verdicts
}

function whyDoomed(role: ManifestVerdict['role'], of: readonly Digest[]): Why {
  const [first] = of
  const what = first === undefined ? 'something that is gone' : first.slice(0, 19)
  const text = {
    leftover: `left behind by a run that was broken off, part of ${what}, which is gone`,
    child: `part of ${what}, which is deleted, and of nothing else`,
    evidence: `evidence of ${what}, which is deleted`,
  }[role]
  return { kind: 'orphan', ...(first !== undefined && { by: first }), text }
}

function whyShared(keeping: readonly Digest[]): Why {
  const [first] = keeping
  const text =
    first === undefined ? 'something else keeps it' : `also part of ${first.slice(0, 19)}, which stays`
  return { kind: 'reached', ...(first !== undefined && { by: first }), text }
}

/**
 * Whether a manifest is an attached artifact: its subject is there, or no index lists it. The index under a fallback tag lists
 * referrers; those name their subject.
 * @param listed the children of all indexes
 */
function isEvidence(
  { snapshot }: Grounds,
  { subject, descriptor }: RepositoryNode,
  listed: ReadonlySet<Digest>,
): boolean {
  const isAttached = subject !== undefined && snapshot.graph.nodes.has(subject)
  return isAttached || !listed.has(descriptor.digest)
}

/** With the subject first, if there is one. */
function inOrderOf(subject: Digest | undefined, above: readonly Digest[]): readonly Digest[] {
  return subject !== undefined && above.includes(subject)
    ? [subject, ...above.filter((digest) => digest !== subject)]
    : above
}

/** By digest: what leads to it in one step. */
function parentsOf(digests: Iterable<Digest>, reach: Reach): ReadonlyMap<Digest, readonly Digest[]> {
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

function stepsOf(
  grounds: Grounds,
  tags: readonly TagVerdict[],
  others: readonly ManifestVerdict[],
): readonly DeleteStep[] {
  const { snapshot, fate, reach } = grounds
  const { graph, repository } = snapshot
  const lost = Map.groupBy(
    tags.filter(({ verdict }) => verdict === 'delete'),
    ({ digest }) => digest,
  )
  const whys = new Map<Digest, Why>(others.map(({ digest, why }) => [digest, why]))
  for (const { digest, why, verdict, tag } of tags)
    if (verdict === 'delete' && digest !== null && !isEvidenceTag(tag) && !whys.has(digest))
      whys.set(digest, why)
  const turns = deleteOrder(graph, reach, fate.doomed)
  const ids = new Map(turns.map(({ digest }, i) => [digest, `m${i + 1}`]))
  const idOf = (digest: Digest): string => ids.get(digest) ?? ''
  const manifests = turns.flatMap(({ digest, after }): readonly DeleteStep[] => {
    const node = graph.nodes.get(digest)
    const why = whys.get(digest)
    if (node === undefined || why === undefined) return []
    return [
      {
        kind: 'deleteManifest',
        id: idOf(digest),
        repository,
        after: after.map(idOf),
        why,
        target: node.descriptor,
        losesTags: (lost.get(digest) ?? []).map(({ tag }) => tag),
        ...(node.subject !== undefined && { subject: node.subject }),
      },
    ]
  })
  const untags = tags.flatMap(({ tag, digest, verdict, why }, i): readonly DeleteStep[] =>
    verdict === 'untag' && digest !== null
      ? [{ kind: 'deleteTag', id: `t${i + 1}`, repository, after: [], why, tag, digest }]
      : [],
  )
  return [...manifests, ...untags]
}

function countOf({ tags, fate }: Grounds): RepositoryPlan['count'] {
  const images = new Set(tags.values())
  const deleted = [...images].filter((digest) => fate.doomed.has(digest)).length
  return { images: images.size, deleted }
}
