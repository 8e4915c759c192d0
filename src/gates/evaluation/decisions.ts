import {
  type Approval,
  type ApprovalDecision,
  approvalOf,
  approvalPredicateType,
} from '../../audit/attestation/approval-statement.ts'
import type { ApprovalsGate } from '../../config/gates/gate.ts'
import { toDrayError } from '../../lib/errors.ts'
import type { VerifiedSigner } from '../../signing/trust/verdict.ts'
import type { AttachedEvidence, JudgedImage, JudgedSubject } from '../evidence.ts'
import type { Approver } from '../gate-trust.ts'
import type { EvaluationContext } from '../kind-result.ts'
import { type Clocks, clocksOf, isInFuture } from './clocks.ts'
import { isDamagedEvidence } from './damaged-evidence.ts'
import { formatMinute } from './format-time.ts'
import { earliest } from './judge-subjects.ts'
import { mayBeStatement } from './maybe-statement.ts'
import { nameArtifact, whyNotAccepted } from './signers.ts'

/** The newest decision of a person about a manifest and the environment of the gate. */
export interface PersonDecision {
  readonly person: string
  readonly decision: ApprovalDecision
  readonly evidence: AttachedEvidence
  readonly signer: VerifiedSigner
  /** milliseconds since 1970 */
  readonly time: number
  readonly reason?: string
  /** when it stops to count, milliseconds since 1970; undefined: never */
  readonly end?: number
  /** why it does not count */
  readonly why?: string
}

export interface FoundDecisions {
  /** one of each person that decided, in the order of their names */
  readonly decisions: readonly PersonDecision[]
  /** why a statement cannot be read that could be a rejection */
  readonly unreadable?: string
  /** statements that do not count, one line each */
  readonly warnings: readonly string[]
}

/** Returns what people decided about a manifest, by statements that they signed. */
export function decisionsOf(
  gate: ApprovalsGate,
  image: JudgedImage,
  context: EvaluationContext,
  subject: JudgedSubject,
): FoundDecisions {
  const people = peopleOf(gate, context)
  const attached = image.evidence.filter(
    (one) => one.attachedTo === subject.digest && mayBeStatement(one, approvalPredicateType),
  )
  const read = attached.map((evidence) => readDecision(evidence, gate, people, subject))
  const all = read.flatMap(({ decisions }) => decisions ?? [])
  const clocks = clocksOf(image, context)
  const future = all.filter((one) => one.decision === 'approve' && isInFuture(one.time, clocks))
  const byPerson = Map.groupBy(
    all.filter((one) => !future.includes(one)),
    ({ person }) => person,
  )
  const unreadable = read.find((one) => one.unreadable !== undefined)?.unreadable
  return {
    decisions: [...byPerson.values()]
      .flatMap((own) => newestOf(own) ?? [])
      .map((one) => judgeDecision(one, gate, context, clocks, people))
      .toSorted((a, b) => (a.person < b.person ? -1 : 1)),
    ...(unreadable !== undefined && { unreadable }),
    warnings: [...read.flatMap(({ warning }) => warning ?? []), ...future.map(describeFuture)],
  }
}

/** A person who is in several groups is one person. */
type People = ReadonlyMap<string, readonly Approver[]>

function peopleOf({ approvers }: ApprovalsGate, context: EvaluationContext): People {
  return Map.groupBy(
    approvers.flatMap((group) => context.approvers.get(group) ?? []),
    ({ person }) => person,
  )
}

interface ReadDecision {
  readonly decisions?: readonly PersonDecision[]
  readonly unreadable?: string
  readonly warning?: string
}

function readDecision(
  evidence: AttachedEvidence,
  gate: ApprovalsGate,
  people: People,
  subject: JudgedSubject,
): ReadDecision {
  const name = nameArtifact('approval', evidence)
  const ignored = (why: string): ReadDecision => ({ warning: `${name} does not count: ${why}` })
  const signed = [...people].flatMap(([person, entries]) => {
    const signer = evidence.signers.find((one) => entries.some((entry) => entry.signer.name === one.signer))
    return signer === undefined ? [] : [{ person, signer }]
  })
  const { content } = evidence
  if (content.kind === 'unreadable' && isDamagedEvidence(evidence))
    return { unreadable: `${name} cannot be read: ${content.reason}` }
  if (signed.length === 0) return ignored(whyNotAccepted(evidence, gate.approvers))
  const names = signed.map(({ person }) => person).join(', ')
  if (content.kind === 'unreadable')
    return { unreadable: `${name} of ${names} cannot be read: ${content.reason}` }
  if (content.kind !== 'statement') return {}
  if (!content.digests.includes(subject.digest)) return ignored(`${names} decided about another digest`)
  let approval: Approval
  try {
    approval = approvalOf(content.predicate, 'it')
  } catch (error) {
    return { unreadable: `${name} of ${names} cannot be read: ${toDrayError(error).message}` }
  }
  const { digest = subject.digest, environment } = approval
  if (digest !== subject.digest) return ignored(`${names} decided about another digest`)
  if (environment !== gate.environment)
    return ignored(`${names} decided about the environment ${JSON.stringify(environment)}`)
  const decisions = signed.map((by) => decisionBy(by.person, by.signer, approval, evidence))
  if (decisions.some(({ time }) => Number.isNaN(time)))
    return { unreadable: `${name} of ${names} cannot be read: it has no timestamp` }
  return { decisions }
}

/** A verified time is more reliable than the time that the person wrote. */
function decisionBy(
  person: string,
  signer: VerifiedSigner,
  { decision, reason, expires, time = Number.NaN }: Approval,
  evidence: AttachedEvidence,
): PersonDecision {
  const end = earliest([expires, signer.expiresAt])
  return {
    person,
    decision,
    evidence,
    signer,
    time: signer.time ?? time,
    ...(reason !== undefined && { reason }),
    ...(end !== undefined && { end }),
  }
}

/** Of two decisions at the same time, the rejection counts. */
function newestOf(decisions: readonly PersonDecision[]): PersonDecision | undefined {
  return decisions.reduce<PersonDecision | undefined>((a, b) => {
    if (a === undefined || b.time > a.time) return b
    return b.time === a.time && b.decision === 'reject' ? b : a
  }, undefined)
}

function judgeDecision(
  decision: PersonDecision,
  { maxAgeMs, allowSelfApproval }: ApprovalsGate,
  { actors }: EvaluationContext,
  clocks: Clocks,
  people: People,
): PersonDecision {
  const ages = decision.decision === 'approve' && maxAgeMs !== undefined
  const end = earliest([decision.end, ages ? decision.time + maxAgeMs : undefined])
  const judged = { ...decision, ...(end !== undefined && { end }) }
  if (end !== undefined && clocks.later >= end)
    return { ...judged, why: `it expired on ${formatMinute(end)} UTC` }
  if (decision.decision === 'reject' || allowSelfApproval) return judged
  const own = (people.get(decision.person) ?? []).flatMap((entry) => entry.actors)
  return own.some((actor) => isSameAccount(actor, actors))
    ? { ...judged, why: 'the person runs this promotion' }
    : judged
}

/** Accounts of CI services ignore case. */
function isSameAccount(actor: string, actors: readonly string[]): boolean {
  return actors.some((other) => other.toLowerCase() === actor.toLowerCase())
}

function describeFuture({ person, evidence, time }: PersonDecision): string {
  const name = nameArtifact('approval', evidence)
  return `${name} of ${person} does not count: its time ${formatMinute(time)} UTC is in the future`
}
