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
import { imageTags } from '../../images/graph/repository-graph.ts'
import type { RepositoryNode } from '../../images/graph/repository-node.ts'
import { orderDeletes } from './delete-order.ts'
import { type Reachability, markAndSweep } from './mark-and-sweep.ts'
import { type RuleVerdict, applyRules } from './policy/apply-rules.ts'
import type { RepositoryPolicy, ReferenceInUse } from './policy/policy.ts'
import { describeUse, type KeptImages, type Protected, findKept } from './policy/protect.ts'
import { SharedReasons } from './shared-reasons.ts'
import { sumFreedBytes, sumImageBytes } from './sizes.ts'
import type { RepositorySnapshot } from './snapshot.ts'
import { ImageTimes } from './policy/times.ts'

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
export interface Evaluation {
  readonly snapshot: RepositorySnapshot
  /** tags of people that have a manifest */
  readonly tags: ReadonlyMap<string, Digest>
  readonly reach: Reach
  readonly times: ImageTimes
  readonly keptImages: KeptImages
  readonly ruleVerdicts: ReadonlyMap<string, RuleVerdict>
  readonly reachability: Reachability
}

/** The verdicts of one repository and the deletes that follow from them: pure. */
export function decideRepository(snapshot: RepositorySnapshot, policy: RepositoryPolicy): Decision {
  return decideFrom(evaluatePolicy(snapshot, policy))
}

/** The decision that follows from its grounds: pure. */
export function decideFrom(evaluation: Evaluation): Decision {
  const { keptImages, snapshot } = evaluation
  const tags = decideTags(evaluation)
  const others = decideManifests(evaluation)
  const { repository, image, environment, graph, referrers } = snapshot
  const plan: RepositoryPlan = {
    repository,
    image,
    ...(environment !== undefined && { environment }),
    now: new Date(snapshot.now).toISOString(),
    tags,
    others,
    roots: [...keptImages.inUse.keys()],
    steps: planSteps(evaluation, tags, others),
    count: countImages(evaluation),
    freed: sumFreedBytes(graph, evaluation.reachability.garbage),
    referrers,
  }
  const { matched, absent, atOtherHosts } = keptImages
  return { plan, matched, absent, atOtherHosts, missing: graph.missing.size }
}

/** What marked tags reach, as far as it is known without the lists of referrers; where nothing is marked, nobody needs those. Pure. */
export function findCandidates(snapshot: RepositorySnapshot, policy: RepositoryPolicy): ReadonlySet<Digest> {
  const { keptImages, ruleVerdicts, tags, reach } = evaluatePolicy(snapshot, policy)
  const marked = [...ruleVerdicts].flatMap(([tag, { isDeleted: is }]) => {
    const digest = tags.get(tag)
    return is && digest !== undefined && !keptImages.digests.has(digest) ? [digest] : []
  })
  return reach.all([...marked, ...snapshot.orphaned.map(({ digest }) => digest)])
}

/** What the policy says of a repository, before verdicts: pure. */
export function evaluatePolicy(snapshot: RepositorySnapshot, policy: RepositoryPolicy): Evaluation {
  const { graph, configTimes, now, inUse, orphaned } = snapshot
  const tags = imageTags(graph)
  const reach = new Reach(graph)
  const times = new ImageTimes(graph, { configTimes, timeFrom: policy.timeFrom, now })
  const keptImages = findKept(tags, policy.protect, inUse, reach, (digest) => graph.nodes.has(digest))
  const ruleVerdicts = applyRules(tags, { rules: policy.rules, times, now, kept: keptImages.digests })
  const marked = new Set(
    [...tags].flatMap(([tag, digest]) =>
      ruleVerdicts.get(tag)?.isDeleted === true && !keptImages.digests.has(digest) ? [tag] : [],
    ),
  )
  const reachability = markAndSweep(graph, reach, {
    toDelete: marked,
    tags,
    inUse: keptImages.inUse.keys(),
    orphaned,
  })
  return { snapshot, tags, reach, times, keptImages, ruleVerdicts, reachability }
}

/** Tags with equal reasons share one object: a plan keeps a verdict for each tag of all repositories. */
function decideTags(evaluation: Evaluation): readonly TagVerdict[] {
  const { snapshot, times } = evaluation
  const { graph } = snapshot
  const reasons = new SharedReasons()
  return inSemverOrder(graph.tags.keys(), plainReading).map((tag): TagVerdict => {
    const digest = graph.tags.get(tag) ?? null
    if (digest === null) {
      const text = 'it is listed, and there is no manifest under it'
      return { tag, digest, verdict: 'keep', why: reasons.share({ kind: 'dangling', text }) }
    }
    const { verdict, why: own } = decideAnyTag(evaluation, tag, digest)
    const why = reasons.share(own)
    const size = sumImageBytes(graph, digest)
    const time = isEvidenceTag(tag) ? undefined : times.of(digest)
    if (time?.kind !== 'dated') return { tag, digest, verdict, why, size }
    return { tag, digest, verdict, why, created: new Date(time.at).toISOString(), size }
  })
}

/** What becomes of one tag that has a manifest. Pure. */
function decideAnyTag(
  evaluation: Evaluation,
  tag: string,
  digest: Digest,
): Pick<TagVerdict, 'verdict' | 'why'> {
  return isEvidenceTag(tag) ? decideEvidenceTag(evaluation, tag, digest) : decideTag(evaluation, tag, digest)
}

function decideTag(evaluation: Evaluation, tag: string, digest: Digest): Pick<TagVerdict, 'verdict' | 'why'> {
  const { keptImages, ruleVerdicts, reachability } = evaluation
  const protection = keptImages.digests.get(digest)
  if (protection !== undefined)
    return { verdict: 'keep', why: explainKept(protection, keptImages, tag, digest) }
  const ruleVerdict = ruleVerdicts.get(tag)
  if (ruleVerdict === undefined || !ruleVerdict.isDeleted)
    return { verdict: 'keep', why: ruleVerdict?.why ?? { kind: 'unmatched', text: 'no rule selects it' } }
  if (reachability.orphanedTags.has(tag)) {
    const text = 'it is evidence of something that is not there, or that no tag leads to'
    return { verdict: 'keep', why: { kind: 'evidence', text } }
  }
  if (reachability.garbage.has(digest)) return { verdict: 'delete', why: ruleVerdict.why }
  return untag(evaluation, ruleVerdict.why, digest)
}

/** A dying tag on a digest that something else keeps. */
function untag({ snapshot }: Evaluation, why: Why, digest: Digest): Pick<TagVerdict, 'verdict' | 'why'> {
  if (snapshot.canUntag !== 'no') return { verdict: 'untag', why }
  const text = `${why.text}; but ${digest.slice(0, 19)} stays, and this registry cannot delete a tag alone`
  return { verdict: 'keep', why: { kind: 'cannotUntag', ...(why.by !== undefined && { by: why.by }), text } }
}

function decideEvidenceTag(
  evaluation: Evaluation,
  tag: string,
  digest: Digest,
): Pick<TagVerdict, 'verdict' | 'why'> {
  const { reachability } = evaluation
  if (reachability.orphanedTags.has(tag)) {
    const text = 'evidence of something that is not there, or that no tag leads to'
    return { verdict: 'keep', why: { kind: 'evidence', text } }
  }
  const subject = findSubject(evaluation, tag)
  if (subject === undefined && reachability.garbage.has(digest)) {
    const text = 'left behind by a run that was broken off: what it is evidence of is deleted'
    return { verdict: 'delete', why: { kind: 'orphan', text } }
  }
  if (subject === undefined || !reachability.garbage.has(subject)) {
    const text = 'evidence of something that stays'
    return { verdict: 'keep', why: { kind: 'evidence', ...(subject !== undefined && { by: subject }), text } }
  }
  const why: Why = {
    kind: 'orphan',
    by: subject,
    text: `evidence of ${subject.slice(0, 19)}, which is deleted`,
  }
  return reachability.garbage.has(digest) ? { verdict: 'delete', why } : untag(evaluation, why, digest)
}

/** The known manifest that an evidence tag speaks of. */
function findSubject({ reach, snapshot }: Evaluation, tag: string): Digest | undefined {
  return reach.subjectsOf(tag).find((digest) => snapshot.graph.nodes.has(digest))
}

function explainKept(protection: Protected, keptImages: KeptImages, tag: string, digest: Digest): Why {
  const own = keptImages.byTag.get(tag)
  if (own !== undefined) return { kind: 'protection', by: own.name, text: `protected: ${own.name}` }
  const inUse = keptImages.inUse.get(digest)
  if (inUse !== undefined) return { kind: 'inUse', by: inUse.by, text: `in use: ${describeUse(inUse)}` }
  if (protection.kind === 'inUse') {
    const text = `part of ${protection.at.slice(0, 19)}, which is in use: ${describeUse(protection.used)}`
    return { kind: 'inUse', by: protection.used.by, text }
  }
  const { name } = protection.protection
  const how = protection.at === digest ? `the same digest as ${protection.tag}` : `part of ${protection.tag}`
  return { kind: 'protection', by: name, text: `protected: ${how} (${name})` }
}

/** Manifests that no tag of a person is on: those that go, and parts of what goes that something else keeps. */
function decideManifests(evaluation: Evaluation): readonly ManifestVerdict[] {
  const { snapshot, reachability, tags, reach } = evaluation
  const { graph, orphaned } = snapshot
  const named = new Set(tags.values())
  const interrupted = new Map(orphaned.map(({ digest, of }) => [digest, of]))
  const parents = listParents(graph.nodes.keys(), reach)
  const listed = new Set(
    [...graph.nodes.values()].flatMap(({ children }) => children.map((child) => child.digest)),
  )
  const shared = new Set([...reachability.garbage].flatMap((digest) => reach.from(digest)))
  const verdicts: ManifestVerdict[] = []
  const reasons = new SharedReasons()
  for (const [digest, node] of graph.nodes) {
    const isGarbage = reachability.garbage.has(digest)
    if (named.has(digest) || (!isGarbage && !shared.has(digest))) continue
    const above = parents.get(digest) ?? []
    const role = interrupted.has(digest)
      ? 'leftover'
      : isAttachedArtifact(evaluation, node, listed)
        ? 'evidence'
        : 'child'
    const of =
      interrupted.get(digest) ??
      inOrderOf(node.subject, above).filter((parent) => reachability.garbage.has(parent))
    const size = node.descriptor.size + node.blobs.reduce((sum, blob) => sum + blob.size, 0)
    const why = isGarbage
      ? explainGarbage(role, of)
      : explainShared(above.filter((parent) => reachability.live.has(parent)))
    verdicts.push({ digest, role, of, verdict: isGarbage ? 'delete' : 'keep', why: reasons.share(why), size })
  }
  return verdicts
}

function explainGarbage(role: ManifestVerdict['role'], of: readonly Digest[]): Why {
  const [first] = of
  const what = first === undefined ? 'something that is gone' : first.slice(0, 19)
  const text = {
    leftover: `interrupted behind by a run that was broken off, part of ${what}, which is gone`,
    child: `part of ${what}, which is deleted, and of nothing else`,
    evidence: `evidence of ${what}, which is deleted`,
  }[role]
  return { kind: 'orphan', ...(first !== undefined && { by: first }), text }
}

function explainShared(keeping: readonly Digest[]): Why {
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
function isAttachedArtifact(
  { snapshot }: Evaluation,
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

function planSteps(
  evaluation: Evaluation,
  tags: readonly TagVerdict[],
  others: readonly ManifestVerdict[],
): readonly DeleteStep[] {
  const { snapshot, reachability, reach } = evaluation
  const { graph, repository } = snapshot
  const lost = Map.groupBy(
    tags.filter(({ verdict }) => verdict === 'delete'),
    ({ digest }) => digest,
  )
  const whys = new Map<Digest, Why>(others.map(({ digest, why }) => [digest, why]))
  for (const { digest, why, verdict, tag } of tags)
    if (verdict === 'delete' && digest !== null && !isEvidenceTag(tag) && !whys.has(digest))
      whys.set(digest, why)
  const turns = orderDeletes(graph, reach, reachability.garbage)
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

function countImages({ tags, reachability }: Evaluation): RepositoryPlan['count'] {
  const images = new Set(tags.values())
  const deleted = [...images].filter((digest) => reachability.garbage.has(digest)).length
  return { images: images.size, deleted }
}
