import type { AttestationGate } from '../../config/gates/gate.ts'
import type { VerifiedSigner } from '../../signing/trust/verdict.ts'
import { type CelCondition, compileCondition } from '../cel/condition.ts'
import { type Clocks, clocksOf, isInFuture } from '../evaluation/clocks.ts'
import { statementFacts } from '../evaluation/facts.ts'
import { attestCommand, runCommand } from '../evaluation/fix-commands.ts'
import { formatMinute } from '../evaluation/format-time.ts'
import { judgeSubjects, labelOf, shortDigest, type SubjectJudgement } from '../evaluation/judge-subjects.ts'
import { isDamagedEvidence } from '../evaluation/damaged-evidence.ts'
import {
  acceptedSigners,
  countOthers,
  countSigners,
  describeSigners,
  evidenceBy,
  nameArtifact,
  signersValidUntil,
  whyNotAccepted,
} from '../evaluation/signers.ts'
import { statementTime } from '../evaluation/statement-time.ts'
import type { AttachedEvidence, JudgedImage, JudgedSubject } from '../evidence.ts'
import type { EvaluateKind, EvaluationContext } from '../kind-result.ts'
import { platformsOf } from '../subjects.ts'

/**
 * An attestation passes if a signer of the gate made it, it has the type, one subject is the
 * digest, and the expression is true (docs/gates/attestation.md).
 */
export const evaluateAttestation: EvaluateKind<AttestationGate> = (gate, image, context) => {
  const condition =
    gate.expression === undefined ? undefined : compileCondition(gate.expression, 'attestation')
  const judging = { gate, image, context, condition, clocks: clocksOf(image, context) }
  return judgeSubjects(gate, image, (subject) => judgeAttestations(judging, subject))
}

interface Judging {
  readonly gate: AttestationGate
  readonly image: JudgedImage
  readonly context: EvaluationContext
  readonly condition: CelCondition | undefined
  readonly clocks: Clocks
}

/** One attestation of the type. */
interface JudgedAttestation {
  readonly evidence: AttachedEvidence
  /** whether it was made by a signer of the gate about this digest, or may have been */
  readonly counts: boolean
  /** the signers of the gate that made it */
  readonly by: readonly VerifiedSigner[]
  /** those for which the expression is true */
  readonly matching: readonly VerifiedSigner[]
  /** milliseconds since 1970 */
  readonly time?: number | undefined
  /** why it does not match, or does not count */
  readonly why?: string
}

function judgeAttestations(judging: Judging, subject: JudgedSubject): SubjectJudgement {
  const { gate, image, context } = judging
  const all = attestationsAt(judging, subject).map((one) => judgeAttestation(judging, one, subject))
  const deciding = gate.newestOnly ? newestOf(all, gate.count) : all
  const matching = deciding.filter((one) => one.matching.length > 0)
  const signers = matching.flatMap((one) => one.matching)
  const isEnough = countSigners(signers) >= Math.max(1, gate.count)
  const outdated = gate.newestOnly ? latestOf(deciding).find((one) => one.matching.length === 0) : undefined
  if (isEnough && outdated === undefined) {
    return {
      passes: true,
      reason: describeSigners(signers),
      evidence: matching.flatMap((one) => evidenceBy(image, one.evidence, one.matching, one.time)),
      validUntil: signersValidUntil(signers, gate.count),
      warnings: all.flatMap(warningsOf),
      facts: statementFacts(
        matching.map((one) => ({ evidence: one.evidence, signers: one.matching })),
        subject,
      ),
    }
  }
  const elsewhere = platformsWithAttestation(judging, subject)
  return {
    passes: false,
    ...explainFailure(gate, all, signers, outdated, elsewhere),
    evidence: [],
    hint:
      elsewhere.length > 0
        ? `Set \`appliesTo: platforms\` for the gate ${gate.name}.`
        : runCommand(attestCommand({ ...gate, file: 'FILE' }, image, subject.digest, context)),
  }
}

/** Returns the attached artifacts that have or may have an attestation of the type. */
function attestationsAt(
  { gate, image }: Pick<Judging, 'gate' | 'image'>,
  { digest }: JudgedSubject,
): readonly AttachedEvidence[] {
  return image.evidence.filter((evidence) => {
    const { attachedTo, content } = evidence
    if (attachedTo !== digest) return false
    if (content.kind === 'statement') return content.predicateType === gate.type
    if (content.kind !== 'unreadable') return false
    if (content.predicateType !== undefined) return content.predicateType === gate.type
    if (evidence.layout === 'simpleSigning' || evidence.layout === 'notation') return false
    return isDamagedEvidence(evidence) || acceptedSigners(evidence, gate.signedBy).length > 0
  })
}

function judgeAttestation(
  { gate, condition, clocks }: Pick<Judging, 'gate' | 'condition' | 'clocks'>,
  evidence: AttachedEvidence,
  subject: JudgedSubject,
): JudgedAttestation {
  const { content } = evidence
  const by = acceptedSigners(evidence, gate.signedBy)
  const refuse = (why: string): JudgedAttestation => ({ evidence, counts: false, by: [], matching: [], why })
  if (content.kind === 'unreadable' && (by.length > 0 || isDamagedEvidence(evidence)))
    return {
      evidence,
      counts: true,
      by,
      matching: [],
      time: statementTime(undefined, by),
      why: content.reason,
    }
  if (by.length === 0) {
    const unread = content.kind === 'unreadable' ? `${content.reason}; ` : ''
    return refuse(`${unread}${whyNotAccepted(evidence, gate.signedBy)}`)
  }
  if (content.kind !== 'statement') return refuse('it is no statement')
  if (!content.digests.includes(subject.digest)) {
    const others = content.digests.map(shortDigest).slice(0, 3).join(', ')
    return refuse(`it is about another digest${others === '' ? '' : `, ${others}`}`)
  }
  const time = statementTime(content.predicate, by)
  if (time !== undefined && isInFuture(time, clocks))
    return refuse(`it is dated in the future, ${formatMinute(time)} UTC`)
  const results = by.map((signer) => ({
    signer,
    result: condition?.evaluate({
      predicate: content.predicate,
      subject: subject.digest,
      signer: signer.signer,
    }) ?? { ok: true as const },
  }))
  const matching = results.flatMap(({ signer, result }) => (result.ok ? [signer] : []))
  const why = results.flatMap(({ result }) => (result.ok ? [] : [result.reason]))[0]
  return {
    evidence,
    counts: true,
    by,
    matching,
    time,
    ...(matching.length === 0 && why !== undefined && { why }),
  }
}

/**
 * Returns the attestations that decide if only the newest does: with a count above one, the newest
 * of each signer. An attestation without a time may be the newest.
 */
function newestOf(all: readonly JudgedAttestation[], count: number): readonly JudgedAttestation[] {
  const counted = all.filter(({ counts }) => counts)
  if (count <= 1) return latestOf(counted)
  const names = new Set(counted.flatMap(({ by }) => by.map(({ signer }) => signer)))
  const newest = [...names].flatMap((name) =>
    latestOf(counted.filter(({ by }) => by.some(({ signer }) => signer === name))),
  )
  return [...new Set([...newest, ...counted.filter(({ by }) => by.length === 0)])]
}

/** Returns those with the latest time, and those without a time. */
function latestOf(all: readonly JudgedAttestation[]): readonly JudgedAttestation[] {
  const latest = Math.max(...all.map(({ time }) => time ?? Number.NEGATIVE_INFINITY))
  return all.filter(({ time }) => time === undefined || time === latest)
}

function warningsOf({ evidence, counts, why }: JudgedAttestation): readonly string[] {
  const name = nameArtifact('attestation', evidence)
  if (why !== undefined) return [`${name} does not ${counts ? 'match' : 'count'}: ${why}`]
  return evidence.problems.map((problem) => `${name}: ${problem}`)
}

/** A reason that names an attestation needs no warning about it. */
function explainFailure(
  gate: AttestationGate,
  all: readonly JudgedAttestation[],
  signers: readonly VerifiedSigner[],
  outdated: JudgedAttestation | undefined,
  elsewhere: readonly string[],
): Pick<SubjectJudgement, 'reason' | 'warnings'> {
  const warnings = all.flatMap(warningsOf)
  const warningsWithout = (named: JudgedAttestation): readonly string[] =>
    all.filter((one) => one !== named).flatMap(warningsOf)
  if (outdated !== undefined) {
    const digest = shortDigest(outdated.evidence.artifact)
    const reason = `the newest attestation, ${digest}, does not match: ${outdated.why ?? ''}`
    return { reason, warnings: warningsWithout(outdated) }
  }
  if (signers.length > 0) {
    const names = [...new Set(signers.map(({ signer }) => signer))].join(', ')
    return { reason: `${countSigners(signers)} of ${gate.count} signers: ${names}`, warnings }
  }
  if (elsewhere.length > 0) {
    const reason = `no attestation ${gate.type} of the index; the gate would pass for ${elsewhere.join(', ')}`
    return { reason, warnings }
  }
  const none = `no attestation ${gate.type} by ${gate.signedBy.join(' or ')}`
  const own = all.find(({ counts }) => counts)
  if (own !== undefined)
    return { reason: `${none} passes: ${warningsOf(own).join('; ')}`, warnings: warningsWithout(own) }
  return { reason: all.length > 0 ? `${none}; ${countOthers(all.length)}` : none, warnings }
}

/** Returns the platform images with an attestation that the index lacks, as buildx attaches it. */
function platformsWithAttestation(judging: Judging, subject: JudgedSubject): readonly string[] {
  const { image, gate } = judging
  if (gate.appliesTo !== 'image' || attestationsAt(judging, subject).length > 0) return []
  return platformsOf(image)
    .filter(({ digest }) => digest !== subject.digest)
    .filter((platform) =>
      attestationsAt(judging, platform).some(
        (one) => judgeAttestation(judging, one, platform).matching.length > 0,
      ),
    )
    .map(labelOf)
}
