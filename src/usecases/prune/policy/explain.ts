import type { Limits } from '../../../config/retention/policy.ts'
import { DrayError, toErrorInfo } from '../../../lib/errors.ts'
import type { Digest } from '../../../oci/digest.ts'
import { isHoldTag } from '../../../images/holds/hold-tag.ts'
import { isEvidenceTag } from '../../../oci/evidence-tags.ts'
import { formatAt, formatRepository, type TagOrDigest } from '../../../oci/reference.ts'
import type { RepositoryPlan, TagVerdict, Why } from '../../../plan/prune/prune-plan.ts'
import { suggestTags } from '../../../semver/suggest-tags.ts'
import { decideFrom } from '../decide-repository.ts'
import type { Evaluation } from '../evaluate.ts'
import { GraphEdges } from '../inventory/image-uses.ts'
import { lastPullOf, lastPushOf } from '../../../images/inventory/last-pulls.ts'
import { explainRules } from './apply-rules.ts'
import { explainProtections } from './explain/explain-protections.ts'
import { explainVersion } from './explain/explain-version.ts'
import type { ExplainedTime, Explanation, RuleResult } from './explanation.ts'
import { checkRepositoryLimits } from './limits.ts'
import type { RepositoryPolicy } from './policy.ts'

/**
 * Explains the verdict on one tag or digest from the evaluation that the plan follows from. Pure.
 * @throws `not-found` if it was not read.
 */
export function explain(
  evaluation: Evaluation,
  policy: RepositoryPolicy,
  at: TagOrDigest,
  limits: Limits = {},
): Explanation {
  const { plan } = decideFrom(evaluation)
  const explanation = explainVerdict(evaluation, plan, policy, at)
  if (explanation.verdict === 'keep') return explanation
  const breach = checkRepositoryLimits(plan.repository, plan.count, limits)
  return breach === undefined ? explanation : { ...explanation, refusal: toErrorInfo(breach) }
}

function explainVerdict(
  evaluation: Evaluation,
  plan: RepositoryPlan,
  policy: RepositoryPolicy,
  at: TagOrDigest,
): Explanation {
  const { snapshot } = evaluation
  const { repository, image } = snapshot
  const tag = 'tag' in at ? at.tag : undefined
  const digest = 'tag' in at ? snapshot.graph.tags.get(at.tag) : at.digest
  if (digest === undefined || (digest !== null && !snapshot.graph.nodes.has(digest)))
    throw unseen(evaluation, at)
  const rest = {
    repository,
    image,
    digest,
    time: timeOf(evaluation, digest),
    ...(digest !== null && listingOf(evaluation, digest)),
    otherTags: plan.tags.filter((one) => one.digest === digest && one.tag !== tag && digest !== null),
    reachedBy: digest === null ? [] : reachedBy(evaluation, digest),
    protections: digest === null ? [] : explainProtections(evaluation, policy, tag, digest),
  }
  if (tag === undefined) {
    const selected =
      digest === null ? undefined : (evaluation.superseded.get(digest) ?? evaluation.untagged.get(digest))
    return { ...rest, ...ofDigest(plan, at, selected?.why), rules: selected?.results ?? [] }
  }
  const row = plan.tags.find((one) => one.tag === tag)
  if (row === undefined) throw unseen(evaluation, at)
  const { verdict, why } = row
  const rules = rulesOf(evaluation, policy, tag)
  const version = explainVersion(tag, [...evaluation.tags.keys()], policy.reading)
  return { ...rest, tag, verdict, why, ...(version !== undefined && { version }), rules }
}

/** @param kept why a rule about manifests without a tag keeps it */
function ofDigest(
  plan: RepositoryPlan,
  at: TagOrDigest,
  kept: Why | undefined,
): Pick<Explanation, 'verdict' | 'why'> {
  const digest = 'digest' in at ? at.digest : undefined
  const other = plan.others.find((one) => one.digest === digest)
  if (other !== undefined) return { verdict: other.verdict, why: other.why }
  const tags = plan.tags.filter((one) => one.digest === digest && !isEvidenceTag(one.tag))
  const deciding = tags.find(({ verdict }) => verdict === 'delete') ?? keeping(tags)
  if (deciding === undefined)
    return { verdict: 'keep', why: kept ?? { kind: 'reached', text: 'no deleted manifest leads to it' } }
  const { tag, verdict, why } = deciding
  return verdict === 'delete'
    ? { verdict, why }
    : { verdict: 'keep', why: { kind: 'reached', by: tag, text: `its tag ${tag} is kept: ${why.text}` } }
}

function keeping(tags: readonly TagVerdict[]): TagVerdict | undefined {
  return tags.find(({ verdict }) => verdict === 'keep')
}

function timeOf({ times, snapshot }: Evaluation, digest: Digest | null): ExplainedTime {
  const { now, history } = snapshot
  const base = { now: new Date(now).toISOString() }
  if (digest === null) return { ...base, text: 'the tag has no manifest' }
  const time = times.of(digest)
  const text = [time.text, ...(history?.ignored.get(digest) ?? []).map((why) => `ignored: ${why}`)].join('; ')
  if (time.kind === 'undated') return { ...base, text }
  return { ...base, created: new Date(time.at).toISOString(), age: now - time.at, text }
}

/** The facts of the inventory about a manifest. */
function listingOf({ snapshot }: Evaluation, digest: Digest): Pick<Explanation, 'listing'> {
  const { inventory, graph } = snapshot
  const entry = inventory?.entries.get(digest)
  if (inventory === undefined || entry === undefined) return {}
  const pushedAt = lastPushOf(entry)
  const pull = lastPullOf(inventory, digest, new GraphEdges(graph))
  const isKnown = inventory.knows.pulledAt !== 'no'
  return {
    listing: {
      vendor: inventory.name,
      ...(pushedAt !== undefined && { pushedAt: new Date(pushedAt).toISOString() }),
      ...(isKnown && pull.kind === 'pulled' && { pulledAt: new Date(pull.at).toISOString() }),
      ...(isKnown && pull.kind === 'pulled' && pull.by !== undefined && { pulledBy: pull.by }),
      pulls: isKnown ? pull.kind : 'unknown',
      precision: inventory.knows.pulledAt,
      deletesBy: snapshot.deletesBy ?? 'oci',
    },
  }
}

/** The results of all rules for a tag. The rule of the kind `orphaned` decides about orphans. */
function rulesOf(
  { tags, ruleOptions, orphans }: Evaluation,
  { rules }: RepositoryPolicy,
  tag: string,
): readonly RuleResult[] {
  const orphan = orphans.get(tag)
  const orphanRule = orphan === undefined ? undefined : rules.find(({ kind }) => kind === 'orphaned')
  const other = isHoldTag(tag) ? notForHolds : isEvidenceTag(tag) ? notForArtifacts : undefined
  const ruled = new Map([...tags].filter(([one]) => !isHoldTag(one)))
  const results =
    other !== undefined
      ? rules.map(({ name }): RuleResult => ({ name, ...other }))
      : ruled.has(tag)
        ? explainRules(tag, ruled, ruleOptions)
        : []
  return results.map((result, i) =>
    orphan === undefined || rules[i] !== orphanRule
      ? result
      : {
          name: result.name,
          verdict: orphan.isDeleted ? 'delete' : 'keep',
          text: orphan.text,
          conditions: [],
        },
  )
}

const notForHolds = {
  verdict: 'notSelected',
  text: 'rules do not apply to the tags of holds',
  conditions: [],
} as const

const notForArtifacts = {
  verdict: 'notSelected',
  text: 'rules do not apply to attached artifacts: they are deleted together with their image',
  conditions: [],
} as const

/** Describes what is kept and leads to a manifest. */
function reachedBy({ snapshot, reachability, reach }: Evaluation, digest: Digest): readonly string[] {
  const { graph } = snapshot
  const tags = [...graph.tags].flatMap(([tag, on]) =>
    on === digest && reachability.live.has(digest) ? [`tag ${tag}`] : [],
  )
  const nodes = [...graph.nodes.values()].flatMap(({ descriptor, kind, children }) => {
    const above = descriptor.digest
    if (above === digest || !reachability.live.has(above) || !reach.from(above).includes(digest)) return []
    const isChild = children.some((child) => child.digest === digest)
    return [isChild ? `${kind} ${above}, which lists it` : `${kind} ${above}, which it is attached to`]
  })
  return [...tags, ...nodes]
}

function unseen({ snapshot, policy }: Evaluation, at: TagOrDigest): DrayError {
  const { repository, graph } = snapshot
  const reference = formatAt(repository, at)
  const message = `cannot explain ${reference}`
  const list = `To list the tags, run: dray ls ${formatRepository(repository)}`
  if ('digest' in at) {
    return new DrayError('not-found', message, {
      subject: reference,
      why: 'no tag or index that dray read refers to this digest; dray reads attached artifacts only of images that a rule deletes',
      hint: `Explain a tag. ${list}`,
    })
  }
  if (graph.tags.size === 0) {
    return new DrayError('not-found', message, {
      subject: reference,
      why: `${formatRepository(repository)} has no tags, or does not exist`,
      hint: 'Check the name of the repository.',
    })
  }
  return new DrayError('not-found', message, {
    subject: reference,
    why: `the repository has no tag ${at.tag}`,
    hint: suggestTags(
      at.tag,
      [...graph.tags.keys()].filter((tag) => !isEvidenceTag(tag)),
      policy.reading,
    ),
  })
}
