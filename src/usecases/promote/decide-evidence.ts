import { DrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatAt } from '../../oci/reference.ts'
import type { Evidence } from '../../images/evidence/evidence.ts'
import { piecesOf } from './pieces.ts'
import type { TargetSnapshot } from './snapshot.ts'

export type EvidenceDecision =
  | { readonly kind: 'unchanged'; readonly evidence: Evidence }
  /** `before`: what stands under its tag at the target, with evidence that has a tag */
  | {
      readonly kind: 'attach'
      readonly evidence: Evidence
      readonly before: Digest | null
      readonly repair: boolean
    }
  | { readonly kind: 'conflict'; readonly evidence: Evidence; readonly error: DrayError }

/**
 * What to do with one piece of evidence at one target. Referrers add up: it is there or it goes there. A cosign tag holds one manifest: it moves where
 * the source's carries all that the target's carries, stays where it is the other way round, and is a conflict where each has something of its own.
 */
export function decideEvidence(
  evidence: Evidence,
  target: TargetSnapshot,
  onConflict: 'refuse' | 'keep' | 'replace',
): EvidenceDecision {
  const isDamaged = target.damaged.has(evidence.manifest.digest)
  if (evidence.via === 'subject') {
    const isThere = target.referrers.get(evidence.subject)?.has(evidence.manifest.digest) ?? false
    return isThere && !isDamaged
      ? { kind: 'unchanged', evidence }
      : { kind: 'attach', evidence, before: null, repair: isDamaged }
  }
  const there = evidence.tag === undefined ? undefined : target.evidenceTags.get(evidence.tag)
  if (there === undefined) return { kind: 'attach', evidence, before: null, repair: false }
  if (there.digest === evidence.manifest.digest) {
    return isDamaged
      ? { kind: 'attach', evidence, before: there.digest, repair: true }
      : { kind: 'unchanged', evidence }
  }
  const root = evidence.graph.nodes.find((node) => node.descriptor.digest === evidence.manifest.digest)
  const here = root === undefined ? [] : piecesOf(root.manifest)
  if (contains(here, there.pieces)) return { kind: 'attach', evidence, before: there.digest, repair: false }
  if (contains(there.pieces, here) || onConflict === 'keep') return { kind: 'unchanged', evidence }
  if (onConflict === 'replace') return { kind: 'attach', evidence, before: there.digest, repair: false }
  return { kind: 'conflict', evidence, error: conflict(evidence, target) }
}

function contains(all: readonly string[], some: readonly string[]): boolean {
  const set = new Set(all)
  return some.every((piece) => set.has(piece))
}

function conflict(evidence: Evidence, target: TargetSnapshot): DrayError {
  const where = formatAt(target.repository, { tag: evidence.tag ?? '' })
  return new DrayError(
    'conflict',
    `the evidence under ${where} differs from the source's: each has something of its own`,
    {
      subject: evidence.subject,
      hint: 'Choose with --evidence-conflict keep (the destination stays) or --evidence-conflict replace (the source wins).',
    },
  )
}
