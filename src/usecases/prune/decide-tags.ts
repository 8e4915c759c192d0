import type { Digest } from '../../oci/digest.ts'
import { isEvidenceTag } from '../../oci/evidence-tags.ts'
import { describeHold, type Hold } from '../../audit/holds/find-holds.ts'
import type { TagVerdict, Why } from '../../plan/prune/prune-plan.ts'
import { sortBySemver } from '../../semver/order.ts'
import type { Evaluation } from './evaluate.ts'
import { describeUse, type ProtectedImages, type Protected } from './policy/protect.ts'
import { listMissingChildren } from './records/missing-children.ts'
import { noHistory } from './records/history.ts'
import { SharedReasons } from './shared-reasons.ts'
import { sizeOfImage } from './sizes.ts'
import type { RepositorySnapshot } from './snapshot.ts'

type ReasonedVerdict = Pick<TagVerdict, 'verdict' | 'why'>

/**
 * Decides about each tag, in semver order. Tags with equal reasons share one object, because a plan
 * keeps a verdict for each tag of all repositories. Pure.
 */
export function decideTags(evaluation: Evaluation): readonly TagVerdict[] {
  const { snapshot, policy, times } = evaluation
  const { graph } = snapshot
  const reasons = new SharedReasons()
  const verdicts = sortBySemver(graph.tags.keys(), policy.reading).map((tag): TagVerdict => {
    const digest = graph.tags.get(tag) ?? null
    if (digest === null) {
      const text = 'the tag is listed and has no manifest'
      return { tag, digest, verdict: 'keep', why: reasons.share({ kind: 'dangling', text }) }
    }
    const { verdict, why: own } = (isEvidenceTag(tag) ? decideEvidenceTag : decideTag)(
      evaluation,
      tag,
      digest,
    )
    const why = reasons.share(own)
    const size = sizeOfImage(snapshot, digest)
    const time = isEvidenceTag(tag) ? undefined : times.of(digest)
    return {
      tag,
      digest,
      verdict,
      why,
      ...(time?.kind === 'dated' && { created: new Date(time.at).toISOString() }),
      ...(size !== undefined && { size }),
      ...missingChildrenOf(snapshot, digest),
    }
  })
  return snapshot.inventory?.deletes.lastTagDeletesManifest === true ? keepLastTags(verdicts) : verdicts
}

/** The registry deletes a manifest with its last tag: one tag of a kept digest stays. */
function keepLastTags(verdicts: readonly TagVerdict[]): readonly TagVerdict[] {
  const staying = new Set(
    verdicts.flatMap(({ digest, verdict }) => (verdict === 'untag' || digest === null ? [] : [digest])),
  )
  return verdicts.map((one) => {
    const { digest, verdict, why } = one
    if (verdict !== 'untag' || digest === null || staying.has(digest)) return one
    staying.add(digest)
    const text = `${why.text}, but ${digest.slice(0, 19)} is kept, and this registry deletes it with its last tag`
    return {
      ...one,
      verdict: 'keep',
      why: { kind: 'cannotUntag', ...(why.by !== undefined && { by: why.by }), text },
    }
  })
}

/** The missing children of an index, unless it was copied without them on purpose. */
function missingChildrenOf(
  { graph, history = noHistory }: RepositorySnapshot,
  digest: Digest,
): Pick<TagVerdict, 'missingChildren'> {
  const missingChildren = listMissingChildren(graph, digest, history.sparse)
  return missingChildren.length === 0 ? {} : { missingChildren }
}

function decideTag(evaluation: Evaluation, tag: string, digest: Digest): ReasonedVerdict {
  const { holds, keptImages, ruleVerdicts, reachability } = evaluation
  if (holds.endedTags.has(tag)) return decideEndedHold(evaluation, digest)
  const protection = keptImages.digests.get(digest)
  if (protection !== undefined)
    return { verdict: 'keep', why: explainKept(protection, keptImages, tag, digest) }
  const orphan = decideOrphan(evaluation, tag, digest)
  if (orphan !== undefined) return orphan
  const ruleVerdict = ruleVerdicts.get(tag)
  if (ruleVerdict === undefined || !ruleVerdict.isDeleted)
    return { verdict: 'keep', why: ruleVerdict?.why ?? { kind: 'unmatched', text: 'no rule selects it' } }
  if (reachability.orphanedTags.has(tag)) {
    const text = 'orphaned: it is attached to a manifest that is missing or has no tag'
    return { verdict: 'keep', why: { kind: 'evidence', text } }
  }
  if (reachability.garbage.has(digest)) return { verdict: 'delete', why: ruleVerdict.why }
  return untag(evaluation, ruleVerdict.why, digest)
}

/** The tag of a hold that has ended goes with its image. */
function decideEndedHold({ reachability }: Evaluation, digest: Digest): ReasonedVerdict {
  if (!reachability.garbage.has(digest))
    return { verdict: 'keep', why: { kind: 'unmatched', text: 'the hold has ended, and its image is kept' } }
  const text = 'the hold has ended, and its image is deleted'
  return { verdict: 'delete', why: { kind: 'orphan', by: digest, text } }
}

/** The verdict of a rule on the tag of an attached artifact whose subject is missing. */
function decideOrphan(
  { orphans, reachability }: Evaluation,
  tag: string,
  digest: Digest,
): ReasonedVerdict | undefined {
  const orphan = orphans.get(tag)
  if (orphan === undefined) return undefined
  const { isDeleted, why } = orphan
  if (!isDeleted) return { verdict: 'keep', why }
  if (reachability.garbage.has(digest)) return { verdict: 'delete', why }
  return {
    verdict: 'keep',
    why: { kind: 'reached', text: `${why.text}, but something kept needs its digest` },
  }
}

/** A tag to delete whose digest is kept. */
function untag({ snapshot }: Evaluation, why: Why, digest: Digest): ReasonedVerdict {
  if (snapshot.canUntag !== 'no') return { verdict: 'untag', why }
  const text = `${why.text}, but ${digest.slice(0, 19)} is kept, and this registry cannot delete single tags`
  return { verdict: 'keep', why: { kind: 'cannotUntag', ...(why.by !== undefined && { by: why.by }), text } }
}

function decideEvidenceTag(evaluation: Evaluation, tag: string, digest: Digest): ReasonedVerdict {
  const { reachability } = evaluation
  const orphan = decideOrphan(evaluation, tag, digest)
  if (orphan !== undefined) return orphan
  if (reachability.orphanedTags.has(tag)) {
    const text = 'orphaned: it is attached to a manifest that is missing or has no tag'
    return { verdict: 'keep', why: { kind: 'evidence', text } }
  }
  const subject = findSubject(evaluation, tag)
  if (subject === undefined && reachability.garbage.has(digest)) {
    const text = 'orphaned by an interrupted run: its image was deleted'
    return { verdict: 'delete', why: { kind: 'orphan', text } }
  }
  if (subject === undefined || !reachability.garbage.has(subject)) {
    const text = 'attached to a kept image'
    return { verdict: 'keep', why: { kind: 'evidence', ...(subject !== undefined && { by: subject }), text } }
  }
  const why: Why = {
    kind: 'orphan',
    by: subject,
    text: `attached to ${subject.slice(0, 19)}, which is deleted`,
  }
  return reachability.garbage.has(digest) ? { verdict: 'delete', why } : untag(evaluation, why, digest)
}

/** The known subject of an evidence tag. */
function findSubject({ reach, snapshot }: Evaluation, tag: string): Digest | undefined {
  return reach.subjectsOf(tag).find((digest) => snapshot.graph.nodes.has(digest))
}

function explainKept(protection: Protected, keptImages: ProtectedImages, tag: string, digest: Digest): Why {
  if (protection.kind === 'hold') return explainHeld(protection.hold, digest)
  if (protection.kind === 'listed') {
    const { kind, by, text } = protection.reason
    const part = protection.at === digest ? '' : `part of ${protection.at.slice(0, 19)}, which is `
    return { kind, by, text: `${part}${text}` }
  }
  const own = keptImages.byTag.get(tag)
  if (own !== undefined && keptImages.versionLike.has(tag)) {
    const text = `protected: ${own.name} (version-like tag)`
    return { kind: 'versionLike', by: own.name, text }
  }
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

function explainHeld(hold: Hold, digest: Digest): Why {
  const text = describeHold(hold)
  const part = hold.digest === digest ? '' : `part of ${hold.digest.slice(0, 19)}, which is `
  return { kind: 'hold', by: hold.by, text: `${part}${text}` }
}
