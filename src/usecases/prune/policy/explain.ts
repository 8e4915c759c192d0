import type { Limits, TagProtection } from '../../../config/retention/policy.ts'
import { DrayError, toErrorInfo } from '../../../lib/errors.ts'
import type { Digest } from '../../../oci/digest.ts'
import { isEvidenceTag } from '../../../oci/evidence-tags.ts'
import { formatAt, formatRepository, type TagOrDigest } from '../../../oci/reference.ts'
import type { RepositoryPlan, TagVerdict } from '../../../plan/prune/prune-plan.ts'
import { suggestTags } from '../../../semver/suggest-tags.ts'
import { decideFrom } from '../decide-repository.ts'
import type { Evaluation } from '../evaluate.ts'
import type { ExplainedTime, Explanation, ProtectionResult, RuleResult } from './explanation.ts'
import { checkRepositoryLimits } from './limits.ts'
import type { RepositoryPolicy } from './policy.ts'
import { describeUse, findKept } from './protect.ts'

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
    otherTags: plan.tags.filter((one) => one.digest === digest && one.tag !== tag && digest !== null),
    reachedBy: digest === null ? [] : reachedBy(evaluation, digest),
    protections: digest === null ? [] : protectionsOf(evaluation, policy, tag, digest),
  }
  if (tag === undefined) return { ...rest, ...ofDigest(plan, at), rules: [] }
  const row = plan.tags.find((one) => one.tag === tag)
  if (row === undefined) throw unseen(evaluation, at)
  return { ...rest, tag, verdict: row.verdict, why: row.why, rules: rulesOf(evaluation, policy, tag) }
}

function ofDigest(plan: RepositoryPlan, at: TagOrDigest): Pick<Explanation, 'verdict' | 'why'> {
  const digest = 'digest' in at ? at.digest : undefined
  const other = plan.others.find((one) => one.digest === digest)
  if (other !== undefined) return { verdict: other.verdict, why: other.why }
  const tags = plan.tags.filter((one) => one.digest === digest && !isEvidenceTag(one.tag))
  const deciding = tags.find(({ verdict }) => verdict === 'delete') ?? keeping(tags)
  if (deciding === undefined)
    return { verdict: 'keep', why: { kind: 'reached', text: 'no deleted manifest leads to it' } }
  const { tag, verdict, why } = deciding
  return verdict === 'delete'
    ? { verdict, why }
    : { verdict: 'keep', why: { kind: 'reached', by: tag, text: `its tag ${tag} is kept: ${why.text}` } }
}

function keeping(tags: readonly TagVerdict[]): TagVerdict | undefined {
  return tags.find(({ verdict }) => verdict === 'keep')
}

function timeOf({ times, snapshot: { now } }: Evaluation, digest: Digest | null): ExplainedTime {
  const base = { now: new Date(now).toISOString() }
  if (digest === null) return { ...base, text: 'the tag has no manifest' }
  const time = times.of(digest)
  if (time.kind === 'undated') return { ...base, text: time.text }
  return { ...base, created: new Date(time.at).toISOString(), age: now - time.at, text: time.text }
}

function rulesOf(
  { ruleVerdicts }: Evaluation,
  { rules }: RepositoryPolicy,
  tag: string,
): readonly RuleResult[] {
  const found = ruleVerdicts.get(tag)
  if (found !== undefined) return found.results
  const text = 'rules do not apply to attached artifacts: they are deleted together with their image'
  return isEvidenceTag(tag)
    ? rules.map(({ name }) => ({ name, verdict: 'notSelected', text, conditions: [] }))
    : []
}

function protectionsOf(
  evaluation: Evaluation,
  policy: RepositoryPolicy,
  tag: string | undefined,
  digest: Digest,
): readonly ProtectionResult[] {
  const { keptImages, snapshot } = evaluation
  const own = policy.protect.map((protection) => checkProtection(evaluation, protection, tag, digest))
  if (snapshot.inUse.length === 0) return own
  const inUse = findKept(evaluation.tags, [], snapshot.inUse, evaluation.reach, (d) =>
    snapshot.graph.nodes.has(d),
  )
  const reason = inUse.digests.get(digest)
  const ownCount = snapshot.inUse.filter(({ otherHost }) => otherHost === undefined).length
  const used = keptImages.inUse.get(digest)
  const text =
    used !== undefined
      ? `in use: ${describeUse(used)}`
      : reason?.kind === 'inUse'
        ? `part of ${reason.at.slice(0, 19)}, which is in use: ${describeUse(reason.used)}`
        : `none of the ${ownCount} images in use reaches it`
  return [...own, { name: 'in use', matches: reason !== undefined, text }]
}

function checkProtection(
  { tags, reach, snapshot }: Evaluation,
  protection: TagProtection,
  tag: string | undefined,
  digest: Digest,
): ProtectionResult {
  const { name } = protection
  const kept = findKept(tags, [protection], [], reach, (d) => snapshot.graph.nodes.has(d))
  const reason = kept.digests.get(digest)
  if (tag !== undefined && kept.byTag.has(tag)) return { name, matches: true, text: 'matches this tag' }
  if (reason?.kind === 'protection') {
    const how =
      reason.at === digest
        ? `matches ${reason.tag}, which has the same digest`
        : `matches ${reason.tag}, which reaches it`
    return { name, matches: true, text: how }
  }
  return { name, matches: false, text: 'matches neither this tag nor an image that reaches it' }
}

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

function unseen({ snapshot }: Evaluation, at: TagOrDigest): DrayError {
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
    ),
  })
}
