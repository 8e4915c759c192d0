import type { ApprovalsGate } from '../../config/gates/gate.ts'
import { decisionsOf, type PersonDecision } from '../evaluation/decisions.ts'
import { statementFacts } from '../evaluation/facts.ts'
import { formatMinute } from '../evaluation/format-time.ts'
import {
  commandPrefix,
  judgeSubjects,
  type SubjectFacts,
  type SubjectJudgement,
} from '../evaluation/judge-subjects.ts'
import { runCommand, sourceReference } from '../evaluation/fix-commands.ts'
import { countSigners, evidenceBy } from '../evaluation/signers.ts'
import type { JudgedImage, JudgedSubject } from '../evidence.ts'
import type { EvaluateKind, EvaluationContext } from '../kind-result.ts'

/**
 * An image passes if enough people approve it for the environment and no person rejects it
 * (docs/gates/approvals.md). The newest decision of a person counts.
 */
export const evaluateApprovals: EvaluateKind<ApprovalsGate> = (gate, image, context) =>
  judgeSubjects(gate, image, (subject) => judgeApprovals(gate, image, context, subject))

function judgeApprovals(
  gate: ApprovalsGate,
  image: JudgedImage,
  context: EvaluationContext,
  subject: JudgedSubject,
): SubjectJudgement {
  const { decisions, unreadable, warnings } = decisionsOf(gate, image, context, subject)
  const counted = decisions.filter((one) => one.decision === 'approve' && one.why === undefined)
  const rejected = decisions.filter((one) => one.decision === 'reject' && one.why === undefined)
  const count = countPeople(counted)
  const passes = unreadable === undefined && rejected.length === 0 && count >= Math.max(1, gate.count)
  const deciding = rejected.length > 0 ? rejected : counted
  const judged = {
    passes,
    evidence: deciding.flatMap((one) => evidenceBy(image, one.evidence, [one.signer], one.time)),
    warnings,
  }
  if (passes)
    return {
      ...judged,
      reason: tally(gate, counted),
      validUntil: endOf(gate, counted),
      facts: factsOf(counted, subject),
    }
  if (unreadable !== undefined) return { ...judged, reason: unreadable }
  const notCounted = decisions
    .filter((one) => one.why !== undefined)
    .map(({ person, why }) => `${person} does not count: ${why ?? ''}`)
  if (rejected.length > 0)
    return {
      ...judged,
      reason: [...rejected.map(describeRejection), ...notCounted].join('; '),
      hint: hintForRejection(rejected, approveCommand(gate, image, context, subject)),
    }
  return {
    ...judged,
    reason: [tally(gate, counted), ...notCounted].join('; '),
    hint: runCommand(approveCommand(gate, image, context, subject)),
  }
}

function tally({ count }: ApprovalsGate, counted: readonly PersonDecision[]): string {
  const names = counted.map(({ person }) => person).join(', ')
  return `${countPeople(counted)} of ${Math.max(1, count)}${names === '' ? '' : `: ${names}`}`
}

function describeRejection({ person, time, reason }: PersonDecision): string {
  return `${person} rejected it on ${formatMinute(time)} UTC${reason === undefined ? '' : `: ${reason}`}`
}

/** Only the person who rejected can withdraw it. */
function hintForRejection(rejected: readonly PersonDecision[], command: readonly string[]): string {
  const names = [...new Set(rejected.map(({ person }) => person))].join(' and ')
  return `To withdraw the rejection, ${names} can run: ${runCommand(command).slice(commandPrefix.length)}`
}

function factsOf(counted: readonly PersonDecision[], subject: JudgedSubject): SubjectFacts {
  return statementFacts(
    counted.map(({ evidence, signer }) => ({ evidence, signers: [signer] })),
    subject,
  )
}

/** One key that is configured for two people counts once. */
function countPeople(counted: readonly PersonDecision[]): number {
  return countSigners(counted.map(({ person, signer: { identity } }) => ({ signer: person, identity })))
}

/** When fewer than `count` approvals remain. */
function endOf({ count }: ApprovalsGate, counted: readonly PersonDecision[]): number | undefined {
  const ends = [...new Set(counted.flatMap(({ end }) => end ?? []))].toSorted((a, b) => a - b)
  return ends.find(
    (time) => countPeople(counted.filter(({ end }) => end === undefined || end > time)) < Math.max(1, count),
  )
}

function approveCommand(
  gate: ApprovalsGate,
  image: JudgedImage,
  { from }: EvaluationContext,
  { digest }: JudgedSubject,
): readonly string[] {
  const isNamed =
    from.environment !== undefined &&
    from.environment !== gate.environment &&
    image.tag !== undefined &&
    digest === image.root.digest
  const reference = isNamed ? `${image.image}:${image.tag ?? ''}` : sourceReference(image, digest)
  return ['dray', 'approve', reference, '--to', gate.environment, '--key', 'FILE']
}
