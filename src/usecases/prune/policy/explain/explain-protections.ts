import { describeHold } from '../../../../audit/holds/find-holds.ts'
import type { TagProtection } from '../../../../config/retention/policy.ts'
import type { Digest } from '../../../../oci/digest.ts'
import { lineOf } from '../../../../semver/line.ts'
import { formatVersion, parseVersionTag } from '../../../../semver/version.ts'
import type { Evaluation } from '../../evaluate.ts'
import type { ProtectionResult } from '../explanation.ts'
import type { RepositoryPolicy } from '../policy.ts'
import { describeUse, findKept } from '../protect.ts'
import {
  matchVersion,
  readingOfProtections,
  readingOfSelection,
} from '../../../../selectors/select-versions.ts'

/**
 * Returns the result of holds and of each protection for a tag or digest, and that of the images in
 * use. Pure.
 */
export function explainProtections(
  evaluation: Evaluation,
  policy: RepositoryPolicy,
  tag: string | undefined,
  digest: Digest,
): readonly ProtectionResult[] {
  const { keptImages, snapshot, tags, reach } = evaluation
  const own = [
    ...explainHolds(evaluation, digest),
    ...explainListed(evaluation, digest),
    ...policy.protect.map((protection) =>
      explainProtection(evaluation, { ...policy, protect: [protection] }, protection, tag, digest),
    ),
  ]
  if (snapshot.inUse.length === 0) return own
  const nothing = { protect: [], reading: policy.reading }
  const inUse = findKept(tags, nothing, { used: snapshot.inUse, held: new Map() }, reach, (d) =>
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

/** The result of the holds, if the repository has any. */
function explainHolds({ holds, keptImages }: Evaluation, digest: Digest): readonly ProtectionResult[] {
  if (holds.byDigest.size === 0) return []
  const reason = keptImages.digests.get(digest)
  if (reason?.kind !== 'hold') return [{ name: 'hold', matches: false, text: 'no hold reaches it' }]
  const part = reason.at === digest ? '' : `part of ${reason.at.slice(0, 19)}, which is `
  return [{ name: 'hold', matches: true, text: `${part}${describeHold(reason.hold)}` }]
}

/** The locks of the vendor, and disputes, if the repository has an inventory. */
function explainListed({ listed, snapshot, reach }: Evaluation, digest: Digest): readonly ProtectionResult[] {
  const { inventory } = snapshot
  if (inventory === undefined) return []
  const { name } = inventory
  const own = listed.get(digest)
  if (own !== undefined) return [{ name, matches: true, text: own.text }]
  const above = [...listed].find(([at]) => reach.all([at]).has(digest))
  if (above === undefined) return [{ name, matches: false, text: 'no lock reaches it' }]
  const [at, { text }] = above
  return [{ name, matches: true, text: `part of ${at.slice(0, 19)}, which is ${text}` }]
}

function explainProtection(
  { tags, reach, snapshot }: Evaluation,
  policy: RepositoryPolicy,
  protection: TagProtection,
  tag: string | undefined,
  digest: Digest,
): ProtectionResult {
  const { name } = protection
  const kept = findKept(tags, policy, { used: [], held: new Map() }, reach, (d) =>
    snapshot.graph.nodes.has(d),
  )
  if (tag !== undefined && kept.versionLike.has(tag)) {
    const text = 'keeps this version-like tag'
    return { name, matches: true, text }
  }
  if (tag !== undefined && kept.byTag.has(tag)) return { name, matches: true, text: 'matches this tag' }
  const reason = kept.digests.get(digest)
  if (reason?.kind === 'protection') {
    const how =
      reason.at === digest
        ? `matches ${reason.tag}, which has the same digest`
        : `matches ${reason.tag}, which reaches it`
    return { name, matches: true, text: how }
  }
  const text =
    (tag === undefined ? undefined : explainNewest(protection, tag, [...tags.keys()], policy)) ??
    'matches neither this tag nor an image that reaches it'
  return { name, matches: false, text }
}

/** Why a version that a protection selects is not among the highest of its line. */
function explainNewest(
  protection: TagProtection,
  tag: string,
  tags: readonly string[],
  { reading }: RepositoryPolicy,
): string | undefined {
  const { newest } = protection
  const read = readingOfSelection(protection, readingOfProtections(tags, reading))
  const version = parseVersionTag(tag, read)?.version
  if (newest === undefined || version === undefined || matchVersion(protection, tag, read) === undefined)
    return undefined
  const { per, count } = newest
  const of = per === 'repository' ? '' : ` of ${per} ${lineOf(version, per)}`
  const variant = version.variant === '' ? '' : ` of the variant ${version.variant}`
  return `${formatVersion(version)} is not among the highest ${count}${of}${variant}`
}
