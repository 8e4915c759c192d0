import { DrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatAt } from '../../oci/reference.ts'
import type { Evidence } from '../../images/evidence/evidence.ts'
import { cosignEntries } from '../../images/evidence/cosign-entries.ts'
import type { PromoteTarget } from './snapshot.ts'

export type EvidenceConflict = 'refuse' | 'keep' | 'replace'

export type EvidenceDecision =
  | { readonly kind: 'unchanged'; readonly evidence: Evidence }
  | {
      readonly kind: 'attach'
      readonly evidence: Evidence
      /** the manifest under the cosign tag at the target */
      readonly before: Digest | null
      readonly repair: boolean
    }
  | { readonly kind: 'conflict'; readonly evidence: Evidence; readonly error: DrayError }

/**
 * Decides about one attached artifact at one target. A missing referrer is attached. A cosign tag
 * names one manifest: it moves if the source's manifest has all entries of the target's, is up to
 * date if the target's has all of the source's, and is a conflict if each has entries of its own.
 */
export function decideEvidence(
  evidence: Evidence,
  target: PromoteTarget,
  onConflict: EvidenceConflict,
): EvidenceDecision {
  const { subject, manifest, tag } = evidence
  const isDamaged = target.damaged.has(manifest.digest)
  const attach = (before: Digest | null, repair = false): EvidenceDecision => ({
    kind: 'attach',
    evidence,
    before,
    repair,
  })
  if (evidence.via === 'subject') {
    const isAttached = target.referrers.get(subject)?.has(manifest.digest) ?? false
    return isAttached && !isDamaged ? { kind: 'unchanged', evidence } : attach(null, isDamaged)
  }
  const existing = tag === undefined ? undefined : target.evidenceTags.get(tag)
  if (existing === undefined) return attach(null)
  if (existing.digest === manifest.digest) {
    return isDamaged ? attach(existing.digest, true) : { kind: 'unchanged', evidence }
  }
  const root = evidence.graph.nodes.find((node) => node.descriptor.digest === manifest.digest)
  const entries = root === undefined ? [] : cosignEntries(root.manifest)
  if (contains(entries, existing.entries)) return attach(existing.digest)
  if (contains(existing.entries, entries) || onConflict === 'keep') return { kind: 'unchanged', evidence }
  if (onConflict === 'replace') return attach(existing.digest)
  return { kind: 'conflict', evidence, error: conflict(evidence, target) }
}

function contains(all: readonly string[], some: readonly string[]): boolean {
  const set = new Set(all)
  return some.every((entry) => set.has(entry))
}

function conflict(evidence: Evidence, target: PromoteTarget): DrayError {
  const reference = formatAt(target.repository, { tag: evidence.tag ?? '' })
  return new DrayError(
    'conflict',
    `the attached artifacts of ${reference} differ at the source and the destination`,
    {
      subject: evidence.subject,
      why: 'each of the two manifests has entries that the other one lacks',
      hint: 'To keep those of the destination, pass --evidence-conflict keep. To overwrite them, pass --evidence-conflict replace.',
    },
  )
}
