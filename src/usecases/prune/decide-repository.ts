import { imageTags } from '../../images/graph/repository-graph.ts'
import type { Digest } from '../../oci/digest.ts'
import { isEvidenceTag } from '../../oci/evidence-tags.ts'
import type {
  DeleteStep,
  ManifestVerdict,
  MissingChild,
  PruneRefusal,
  RepositoryPlan,
  TagVerdict,
  Why,
} from '../../plan/prune/prune-plan.ts'
import { decideManifests, isUntaggedDelete } from './decide-manifests.ts'
import { decideTags } from './decide-tags.ts'
import { orderDeletes } from './delete-order.ts'
import { type Evaluation, evaluatePolicy } from './evaluate.ts'
import { noHistory } from './records/history.ts'
import { namesOfTimedRules } from './policy/apply-rules.ts'
import type { ReferenceInUse, RepositoryPolicy } from './policy/policy.ts'
import { warnAboutPolicy } from './policy/warnings/warn-about-policy.ts'
import { sumFreedBytes } from './sizes.ts'
import type { RepositorySnapshot } from './snapshot.ts'

/** A missing child with its index. */
export interface MissingChildOfIndex extends MissingChild {
  readonly index: Digest
  /** the tags on the index */
  readonly tags: readonly string[]
}

/** The plan of one repository, and what a run has to know of it beside its plan. */
export interface RepositoryDecision {
  readonly plan: RepositoryPlan
  /** names of the protections that match something here */
  readonly matched: ReadonlySet<string>
  /** references in use to images that do not exist */
  readonly absent: readonly ReferenceInUse[]
  /** references in use that keep an image although they name another host */
  readonly atOtherHosts: readonly ReferenceInUse[]
  /** manifests that are listed by an index and are not there */
  readonly missing: readonly MissingChildOfIndex[]
  /** whole sentences with the fix, without the name of the repository */
  readonly warnings: readonly string[]
  /** the rules that dray cannot apply here; other rules delete */
  readonly refusals: readonly PruneRefusal[]
}

/** Decides what to delete in one repository. Pure. */
export function decideRepository(snapshot: RepositorySnapshot, policy: RepositoryPolicy): RepositoryDecision {
  return decideFrom(evaluatePolicy(snapshot, policy))
}

/** Makes the plan that follows from an evaluation. Pure. */
export function decideFrom(evaluation: Evaluation): RepositoryDecision {
  const { keptImages, snapshot } = evaluation
  const tags = decideTags(evaluation)
  const others = decideManifests(evaluation)
  const { repository, image, environment, referrers } = snapshot
  const { freed, isMost } = sumFreedBytes(snapshot, evaluation.reachability.garbage)
  const restorableBy = snapshot.inventory?.deletes.restorableBy
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
    freed,
    ...(isMost && { isFreedMost: true as const }),
    referrers,
    ...(snapshot.inventory !== undefined && { inventory: snapshot.inventory.kind }),
    ...(restorableBy !== undefined && { restorableBy }),
  }
  const { matched, absent, atOtherHosts } = keptImages
  const warnings = [
    ...(snapshot.warnings ?? []),
    ...warnAboutPolicy(evaluation),
    ...warnAboutRecords(snapshot),
    ...warnAboutBuildTimes(evaluation, tags),
  ]
  return {
    plan,
    matched,
    absent,
    atOtherHosts,
    missing: listMissingWithIndex(snapshot),
    warnings,
    refusals: listRefusedRules(snapshot),
  }
}

/** The rules that dray cannot apply here. */
function listRefusedRules({
  repository,
  obstacles = new Map(),
}: RepositorySnapshot): readonly PruneRefusal[] {
  return [...obstacles].flatMap(([rule, { error }]) =>
    error === undefined ? [] : [{ repository, rule, error }],
  )
}

/**
 * Each missing child once, with the first index that lists it. An index that was copied without
 * some platforms is not broken.
 */
function listMissingWithIndex({
  graph,
  history = noHistory,
}: RepositorySnapshot): readonly MissingChildOfIndex[] {
  const { nodes, missing, tags } = graph
  if (missing.size === 0) return []
  const found = new Map<Digest, MissingChildOfIndex>()
  for (const { descriptor, children } of nodes.values()) {
    const index = descriptor.digest
    if (history.sparse.has(index)) continue
    for (const { digest, platform } of children) {
      if (!missing.has(digest) || found.has(digest)) continue
      const own = [...tags].flatMap(([tag, on]) => (on === index ? [tag] : []))
      found.set(digest, { index, tags: own, digest, ...(platform !== undefined && { platform }) })
    }
  }
  return [...found.values()]
}

/** Without records, a rule of the kind `superseded` never selects anything. */
function warnAboutRecords({ history }: RepositorySnapshot): readonly string[] {
  if (history?.hasRecords !== false) return []
  return [
    'a rule of the kind superseded found no audit records about its tags. Pass the audit log of the promotions with --audit-file, or set attest: true in the environment.',
  ]
}

/** Without records of promotions, an image that was promoted a minute ago has its build time. */
function warnAboutBuildTimes(
  { policy, snapshot: { history = noHistory } }: Evaluation,
  tags: readonly TagVerdict[],
): readonly string[] {
  const { isPromotionTarget, timeFrom } = policy
  const isUsed = isPromotionTarget === true && timeFrom.includes('promoted')
  if (!isUsed || history.promoted.size > 0) return []
  const byTime = namesOfTimedRules(policy)
  const isDeletedByTime = tags.some(
    ({ verdict, why }) => verdict !== 'keep' && why.kind === 'rule' && byTime.has(why.by ?? ''),
  )
  if (!isDeletedByTime) return []
  return [
    'dray found no records of promotions to this repository, and the build times of the images decide. Pass the audit log of the promotions with --audit-file, or set attest: true in the environment.',
  ]
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
  const reasons = new Map<Digest, Why>(others.map(({ digest, why }) => [digest, why]))
  for (const { digest, why, verdict, tag } of tags)
    if (verdict === 'delete' && digest !== null && !isEvidenceTag(tag) && !reasons.has(digest))
      reasons.set(digest, why)
  const turns = orderDeletes(graph, reach, reachability.garbage)
  const ids = new Map(turns.map(({ digest }, i) => [digest, `m${i + 1}`]))
  const idOf = (digest: Digest): string => ids.get(digest) ?? ''
  const manifests = turns.flatMap(({ digest, after }): readonly DeleteStep[] => {
    const node = graph.nodes.get(digest)
    const why = reasons.get(digest)
    if (node === undefined || why === undefined) return []
    const nominated = evaluation.superseded.get(digest)
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
        ...absentFor(evaluation, lost.get(digest) ?? []),
        ...(nominated !== undefined && { formerTags: nominated.tags }),
        ...(isUntaggedDelete(evaluation, digest) && { untagged: true as const }),
      },
    ]
  })
  const untags = tags.flatMap((one, i): readonly DeleteStep[] => {
    const { tag, digest, verdict, why } = one
    if (verdict !== 'untag' || digest === null) return []
    const absent = absentFor(evaluation, [one])
    return [{ kind: 'deleteTag', id: `t${i + 1}`, repository, after: [], why, ...absent, tag, digest }]
  })
  return [...manifests, ...untags]
}

/** Manifests that must still be missing before tags are deleted because of that. */
function absentFor(
  { snapshot: { history = noHistory } }: Evaluation,
  tags: readonly TagVerdict[],
): Pick<DeleteStep, 'absent'> {
  const absent = tags.flatMap(({ tag }) => [
    ...(history.broken.get(tag)?.digests ?? []),
    ...(history.orphaned.get(tag)?.digests ?? []),
  ])
  return absent.length === 0 ? {} : { absent: [...new Set(absent)] }
}

function countImages({ snapshot, reachability, superseded, untagged }: Evaluation): RepositoryPlan['count'] {
  const images = new Set(imageTags(snapshot.graph).values())
  const deleted = [...images].filter((digest) => reachability.garbage.has(digest)).length
  const more = [...superseded.keys()].filter((digest) => reachability.garbage.has(digest)).length
  const bare = [...untagged.keys()].filter((digest) => reachability.garbage.has(digest)).length
  return {
    images: images.size,
    deleted,
    ...(more > 0 && { superseded: more }),
    ...(bare > 0 && { untaggedManifests: bare }),
  }
}
