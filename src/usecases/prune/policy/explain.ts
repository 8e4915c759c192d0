import type { TagProtection } from '../../../config/retention/policy.ts'
import { DrayError } from '../../../lib/errors.ts'
import type { Digest } from '../../../oci/digest.ts'
import { isEvidenceTag } from '../../../oci/evidence-tags.ts'
import { formatAt, type TagOrDigest } from '../../../oci/reference.ts'
import type { RepositoryPlan, TagVerdict } from '../../../plan/prune/prune-plan.ts'
import { decisionOf, type Grounds } from '../decide-repository.ts'
import type { ExplainedTime, Explanation, Opinion, RuleOpinion } from './explanation.ts'
import type { RepositoryPolicy } from './policy.ts'
import { describeUse, whatIsHeld } from './protect.ts'

/**
 * Why one tag or digest stays or goes, by what the plan was decided on: pure. A digest without a tag is judged by what reaches it.
 * @throws `not-found` for what is not among what was read.
 */
export function explain(grounds: Grounds, policy: RepositoryPolicy, at: TagOrDigest): Explanation {
  const { snapshot } = grounds
  const { plan } = decisionOf(grounds)
  const { repository, image } = snapshot
  const tag = 'tag' in at ? at.tag : undefined
  const digest = 'tag' in at ? snapshot.graph.tags.get(at.tag) : at.digest
  if (digest === undefined || (digest !== null && !snapshot.graph.nodes.has(digest)))
    throw unseen(grounds, at)
  const rest = {
    repository,
    image,
    digest,
    time: timeOf(grounds, digest),
    otherTags: plan.tags.filter((one) => one.digest === digest && one.tag !== tag && digest !== null),
    reachedBy: digest === null ? [] : reachedBy(grounds, digest),
    protections: digest === null ? [] : protectionsOf(grounds, policy, tag, digest),
  }
  if (tag === undefined) return { ...rest, ...ofDigest(plan, at), rules: [] }
  const row = plan.tags.find((one) => one.tag === tag)
  if (row === undefined) throw unseen(grounds, at)
  return { ...rest, tag, verdict: row.verdict, why: row.why, rules: rulesOf(grounds, policy, tag) }
}

function ofDigest(plan: RepositoryPlan, at: TagOrDigest): Pick<Explanation, 'verdict' | 'why'> {
  const digest = 'digest' in at ? at.digest : undefined
  const other = plan.others.find((one) => one.digest === digest)
  if (other !== undefined) return { verdict: other.verdict, why: other.why }
  const tags = plan.tags.filter((one) => one.digest === digest && !isEvidenceTag(one.tag))
  const deciding = tags.find(({ verdict }) => verdict === 'delete') ?? keeping(tags)
  if (deciding === undefined)
    return { verdict: 'keep', why: { kind: 'reached', text: 'nothing that goes reaches it' } }
  const { tag, verdict, why } = deciding
  return verdict === 'delete'
    ? { verdict, why }
    : { verdict: 'keep', why: { kind: 'reached', by: tag, text: `its tag ${tag} stays: ${why.text}` } }
}

function keeping(tags: readonly TagVerdict[]): TagVerdict | undefined {
  return tags.find(({ verdict }) => verdict === 'keep')
}

function timeOf({ times, snapshot: { now } }: Grounds, digest: Digest | null): ExplainedTime {
  const said = { now: new Date(now).toISOString() }
  if (digest === null) return { ...said, text: 'there is no manifest' }
  const time = times.of(digest)
  if (time.kind === 'undated') return { ...said, text: time.text }
  return { ...said, created: new Date(time.at).toISOString(), age: now - time.at, text: time.text }
}

function rulesOf({ findings }: Grounds, { rules }: RepositoryPolicy, tag: string): readonly RuleOpinion[] {
  const found = findings.get(tag)
  if (found !== undefined) return found.opinions
  const text = 'evidence is not judged by its tag: it stays and goes with what it is about'
  return isEvidenceTag(tag)
    ? rules.map(({ name }) => ({ name, says: 'notSelected', text, conditions: [] }))
    : []
}

function protectionsOf(
  grounds: Grounds,
  policy: RepositoryPolicy,
  tag: string | undefined,
  digest: Digest,
): readonly Opinion[] {
  const { held, snapshot } = grounds
  const own = policy.protect.map((protection) => opinionOf(grounds, protection, tag, digest))
  if (snapshot.used.length === 0) return own
  const inUse = whatIsHeld(grounds.tags, [], snapshot.used, grounds.reach, (d) => snapshot.graph.nodes.has(d))
  const hold = inUse.digests.get(digest)
  const here = snapshot.used.filter(({ otherHost }) => otherHost === undefined).length
  const used = held.used.get(digest)
  const text =
    used !== undefined
      ? `in use: ${describeUse(used)}`
      : hold?.kind === 'inUse'
        ? `part of ${hold.at.slice(0, 19)}, which is in use: ${describeUse(hold.used)}`
        : `none of the ${here} images in use here reaches it`
  return [...own, { name: 'in use', holds: hold !== undefined, text }]
}

function opinionOf(
  { tags, reach, snapshot }: Grounds,
  protection: TagProtection,
  tag: string | undefined,
  digest: Digest,
): Opinion {
  const { name } = protection
  const alone = whatIsHeld(tags, [protection], [], reach, (d) => snapshot.graph.nodes.has(d))
  const hold = alone.digests.get(digest)
  if (tag !== undefined && alone.byTag.has(tag)) return { name, holds: true, text: 'it names this tag' }
  if (hold?.kind === 'protection') {
    const how = hold.at === digest ? `${hold.tag} is on the same digest` : `it is part of ${hold.tag}`
    return { name, holds: true, text: how }
  }
  return { name, holds: false, text: 'nothing that it holds is or reaches this' }
}

/** What stays and leads to it, in words. */
function reachedBy({ snapshot, fate, reach }: Grounds, digest: Digest): readonly string[] {
  const { graph } = snapshot
  const tags = [...graph.tags].flatMap(([tag, on]) =>
    on === digest && fate.alive.has(digest) ? [`tag ${tag}`] : [],
  )
  const nodes = [...graph.nodes.values()].flatMap(({ descriptor, kind, children }) => {
    const above = descriptor.digest
    if (above === digest || !fate.alive.has(above) || !reach.from(above).includes(digest)) return []
    const isChild = children.some((child) => child.digest === digest)
    return [isChild ? `${kind} ${above}, which lists it` : `${kind} ${above}, which it is evidence of`]
  })
  return [...tags, ...nodes]
}

function unseen({ snapshot }: Grounds, at: TagOrDigest): DrayError {
  const where = formatAt(snapshot.repository, at)
  return new DrayError('not-found', `${where} is not there, or nothing that is known leads to it`, {
    subject: where,
    hint: 'A manifest without a tag, that no index lists and that is no evidence, cannot be seen through this API: it is never deleted.',
  })
}
