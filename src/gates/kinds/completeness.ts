import type { CompletenessGate } from '../../config/gates/gate.ts'
import { statementFacts } from '../evaluation/facts.ts'
import { earliest, judgeSubjects, shortDigest, type SubjectJudgement } from '../evaluation/judge-subjects.ts'
import { findPromotions } from '../evaluation/promotions.ts'
import { evidenceBy, signersValidUntil } from '../evaluation/signers.ts'
import type { JudgedImage, JudgedSubject } from '../evidence.ts'
import type { EvaluateKind } from '../kind-result.ts'

/** Digests in a reason. */
const maxNamed = 3

/**
 * An image passes if all attached artifacts that its verified promotions list are still attached
 * (docs/gates/completeness.md). Without a promotion nothing is known, and the gate fails: the
 * person who removes the evidence could remove the attestation too.
 */
export const evaluateCompleteness: EvaluateKind<CompletenessGate> = (gate, image) =>
  judgeSubjects(gate, image, (subject) => judgeCompleteness(gate, image, subject))

function judgeCompleteness(
  { signedBy }: CompletenessGate,
  image: JudgedImage,
  subject: JudgedSubject,
): SubjectJudgement {
  const { promotions, unreadable, warnings } = findPromotions(image, subject, signedBy)
  const fails = (reason: string, hint: string): SubjectJudgement => ({
    passes: false,
    reason,
    evidence: [],
    warnings,
    hint,
  })
  if (unreadable !== undefined) return fails(unreadable, 'Promote the image to its source again.')
  if (promotions.length === 0)
    return fails(
      `no attestation of a promotion by ${signedBy.join(' or ')} lists attached artifacts`,
      'Promote the image to its source with `attest: true` in that environment.',
    )
  const listed = new Set(promotions.flatMap(({ promotion }) => promotion.evidence))
  const missing = [...listed].filter((digest) => !image.attached.has(digest))
  if (missing.length > 0) {
    const more = missing.length > maxNamed ? ` and ${missing.length - maxNamed} more` : ''
    const names = missing.slice(0, maxNamed).map(shortDigest).join(', ')
    return fails(
      `missing attached artifacts that a promotion lists: ${names}${more} (${missing.length} of ${listed.size})`,
      'Attach them again from a repository that still has them: dray copy copies attached artifacts.',
    )
  }
  return {
    passes: true,
    reason: explainPass(listed.size),
    evidence: promotions.flatMap((one) => evidenceBy(image, one.evidence, one.signers)),
    validUntil: earliest(promotions.map((one) => signersValidUntil(one.signers, 1))),
    warnings,
    facts: statementFacts(promotions, subject),
  }
}

function explainPass(count: number): string {
  if (count === 0) return 'its promotions list no attached artifacts'
  if (count === 1) return 'the attached artifact that its promotions list is there'
  return `all ${count} attached artifacts that its promotions list are there`
}
