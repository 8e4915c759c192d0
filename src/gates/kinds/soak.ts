import type { SoakGate } from '../../config/gates/gate.ts'
import { type Clocks, clocksOf, isInFuture } from '../evaluation/clocks.ts'
import { statementFacts } from '../evaluation/facts.ts'
import { formatMinute, formatSpan } from '../evaluation/format-time.ts'
import { judgeSubjects, type SubjectJudgement } from '../evaluation/judge-subjects.ts'
import { findPromotions, type VerifiedPromotion } from '../evaluation/promotions.ts'
import { evidenceBy, nameArtifact, signersValidUntil } from '../evaluation/signers.ts'
import type { JudgedImage, JudgedSubject } from '../evidence.ts'
import type { EvaluateKind, EvaluationContext } from '../kind-result.ts'

/**
 * An image passes if its newest promotion to a repository of the environment is old enough
 * (docs/gates/soak.md). The time runs by the clock that is behind.
 */
export const evaluateSoak: EvaluateKind<SoakGate> = (gate, image, context) =>
  judgeSubjects(gate, image, (subject) => judgeSoak(gate, image, context, subject))

function judgeSoak(
  gate: SoakGate,
  image: JudgedImage,
  context: EvaluationContext,
  subject: JudgedSubject,
): SubjectJudgement {
  const { soakEnvironment, signedBy, requireCurrent } = gate
  const clocks = clocksOf(image, context)
  const found = findPromotions(image, subject, signedBy)
  const there = found.promotions.filter(({ promotion }) =>
    context.environmentsOf(promotion.to.repository).includes(soakEnvironment),
  )
  const warnings = [...found.warnings, ...there.flatMap((one) => warnOfFuture(one, clocks))]
  const fails = (reason: string, hint?: string): SubjectJudgement => ({
    passes: false,
    reason,
    evidence: [],
    warnings,
    ...(hint !== undefined && { hint }),
  })
  if (found.unreadable !== undefined) return fails(found.unreadable)
  const newest = there
    .filter(({ time }) => !isInFuture(time, clocks))
    .reduce<VerifiedPromotion | undefined>((a, b) => (a === undefined || b.time > a.time ? b : a), undefined)
  if (newest === undefined)
    return fails(
      `no attestation by ${signedBy.join(' or ')} of a promotion to ${soakEnvironment}`,
      `Promote the image to ${soakEnvironment} with \`attest: true\` in that environment.`,
    )
  if (requireCurrent && image.isCurrentIn.get(soakEnvironment) !== true)
    return fails(`the current-version tag of ${soakEnvironment} is not on this image now`)
  return {
    ...judgeAge(gate, image, context, clocks, newest),
    warnings,
    facts: statementFacts([newest], subject),
  }
}

function warnOfFuture({ evidence, time }: VerifiedPromotion, clocks: Clocks): readonly string[] {
  if (!isInFuture(time, clocks)) return []
  const name = nameArtifact('promotion', evidence)
  return [`${name} does not count: its time ${formatMinute(time)} UTC is in the future`]
}

function judgeAge(
  { minSoakMs, soakEnvironment }: SoakGate,
  image: JudgedImage,
  context: EvaluationContext,
  clocks: Clocks,
  { evidence, signers, time }: VerifiedPromotion,
): SubjectJudgement {
  const soaked = clocks.earlier - time
  const judged = { evidence: evidenceBy(image, evidence, signers, time) }
  if (soaked >= minSoakMs) {
    const reason = `${formatSpan(soaked)} in ${soakEnvironment}, at least ${formatSpan(minSoakMs)}`
    return { ...judged, passes: true, reason, validUntil: signersValidUntil(signers, 1) }
  }
  const passesAfter = time + minSoakMs + (context.now - clocks.earlier)
  return {
    ...judged,
    passes: false,
    reason: `${formatSpan(soaked)} of ${formatSpan(minSoakMs)} in ${soakEnvironment}; passes after ${formatMinute(passesAfter)} UTC`,
    passesAfter,
  }
}
