import type { SignatureGate } from '../../config/gates/gate.ts'
import { signaturePredicate } from '../../oci/evidence-kind.ts'
import type { VerifiedSigner } from '../../signing/trust/verdict.ts'
import { keyOption, runCommand, sourceReference } from '../evaluation/fix-commands.ts'
import { judgeSubjects, labelOf, shortDigest, type SubjectJudgement } from '../evaluation/judge-subjects.ts'
import {
  acceptedSigners,
  countSigners,
  countOthers,
  describeSigners,
  evidenceBy,
  nameArtifact,
  signersValidUntil,
  whyNotAccepted,
} from '../evaluation/signers.ts'
import type { AttachedEvidence, JudgedImage, JudgedSubject } from '../evidence.ts'
import type { EvaluateKind, EvaluationContext } from '../kind-result.ts'
import { platformsOf } from '../subjects.ts'

/**
 * A signature passes if one of `signedBy` made it and its payload names the digest
 * (docs/gates/signature.md). Signatures that do not count are warnings, because every client that
 * can push could attach one.
 */
export const evaluateSignature: EvaluateKind<SignatureGate> = (gate, image, context) =>
  judgeSubjects(gate, image, (subject) => judgeSignatures(gate, image, context, subject))

/** One attached signature: `why` says why it does not count. */
interface JudgedSignature {
  readonly evidence: AttachedEvidence
  readonly signers: readonly VerifiedSigner[]
  readonly why?: string
  /** It is by a signer of the gate and for this digest. */
  readonly isOwn?: true
}

function judgeSignatures(
  gate: SignatureGate,
  image: JudgedImage,
  context: EvaluationContext,
  subject: JudgedSubject,
): SubjectJudgement {
  const all = signaturesAt(image, subject).map((evidence) => judgeSignature(gate, evidence, subject))
  const counted = all.filter(({ why }) => why === undefined)
  const signers = counted.flatMap((one) => one.signers)
  const passes = countSigners(signers) >= Math.max(1, gate.count)
  if (passes) {
    return {
      passes,
      reason: describeSigners(signers),
      evidence: counted.flatMap((one) => evidenceBy(image, one.evidence, one.signers)),
      validUntil: signersValidUntil(signers, gate.count),
      warnings: all.flatMap(warningsOf),
      facts: { signers: signers.map(({ signer }) => signer) },
    }
  }
  return {
    passes,
    ...explainFailure(gate, image, subject, all, signers),
    evidence: [],
    hint: runCommand(signCommand(gate, image, context, subject)),
  }
}

function signaturesAt({ evidence }: JudgedImage, { digest }: JudgedSubject): readonly AttachedEvidence[] {
  return evidence.filter(({ attachedTo, layout, content }) => {
    if (attachedTo !== digest) return false
    if (layout === 'notation' || content.kind === 'signature') return true
    if (content.kind !== 'unreadable' || (layout !== 'bundle' && layout !== 'simpleSigning')) return false
    return content.predicateType === undefined || content.predicateType === signaturePredicate
  })
}

function judgeSignature(
  gate: SignatureGate,
  evidence: AttachedEvidence,
  subject: JudgedSubject,
): JudgedSignature {
  const { content, layout } = evidence
  const signers = acceptedSigners(evidence, gate.signedBy)
  const refuse = (why: string): JudgedSignature => ({ evidence, signers: [], why })
  if (layout === 'notation') return refuse('Notation is not supported yet')
  if (content.kind === 'unreadable') return refuse(content.reason)
  if (content.kind !== 'signature') return refuse('it is no signature')
  if (signers.length === 0) return refuse(whyNotAccepted(evidence, gate.signedBy))
  if (!content.digests.includes(subject.digest)) {
    const others = content.digests.map(shortDigest).slice(0, 3).join(', ')
    const names = [...new Set(signers.map(({ signer }) => signer))].join(', ')
    return refuse(`${names} signed another digest${others === '' ? '' : `, ${others}`}`)
  }
  const wrong = wrongAnnotation(gate, content.annotations)
  return wrong === undefined ? { evidence, signers } : { ...refuse(wrong), isOwn: true }
}

/** Returns which annotation is not signed with the value that the gate demands. */
function wrongAnnotation(gate: SignatureGate, signed: Readonly<Record<string, string>>): string | undefined {
  for (const [key, value] of Object.entries(gate.annotations)) {
    if (!Object.hasOwn(signed, key)) return `it has no signed annotation ${key}`
    if (signed[key] !== value)
      return `its annotation ${key} is ${JSON.stringify(signed[key])}, not ${JSON.stringify(value)}`
  }
  return undefined
}

function warningsOf({ evidence, why }: JudgedSignature): readonly string[] {
  const name = nameArtifact('signature', evidence)
  if (why !== undefined) return [`${name} does not count: ${why}`]
  return evidence.problems.map((problem) => `${name}: ${problem}`)
}

/** A reason that names a signature needs no warning about it. */
function explainFailure(
  gate: SignatureGate,
  image: JudgedImage,
  subject: JudgedSubject,
  all: readonly JudgedSignature[],
  signers: readonly VerifiedSigner[],
): Pick<SubjectJudgement, 'reason' | 'warnings'> {
  const warnings = all.flatMap(warningsOf)
  if (signers.length > 0) {
    const names = [...new Set(signers.map(({ signer }) => signer))].join(', ')
    return { reason: `${countSigners(signers)} of ${gate.count} signers: ${names}`, warnings }
  }
  const none = `no signature by ${gate.signedBy.join(' or ')}`
  const own = all.find(({ isOwn }) => isOwn === true)
  if (own !== undefined) {
    const others = all.filter((one) => one !== own).flatMap(warningsOf)
    return { reason: `${none} passes: ${warningsOf(own).join('; ')}`, warnings: others }
  }
  const usable = all.filter(({ evidence }) => evidence.layout !== 'notation')
  if (usable.length > 0) return { reason: `${none}; ${countOthers(usable.length)}`, warnings }
  if (all.length > 0) return { reason: 'only a Notation signature, which is not supported yet', warnings }
  const signed = signedPlatforms(gate, image, subject)
  return { reason: signed.length > 0 ? `${none}; only ${signed.join(', ')} is signed` : none, warnings }
}

/** Returns the platform images of an unsigned index that are signed. */
function signedPlatforms(gate: SignatureGate, image: JudgedImage, subject: JudgedSubject): readonly string[] {
  if (subject.digest !== image.root.digest) return []
  return platformsOf(image)
    .filter((platform) => platform.digest !== subject.digest)
    .filter((platform) =>
      signaturesAt(image, platform).some(
        (evidence) => judgeSignature(gate, evidence, platform).why === undefined,
      ),
    )
    .map(labelOf)
}

function signCommand(
  gate: SignatureGate,
  image: JudgedImage,
  context: EvaluationContext,
  subject: JudgedSubject,
): readonly string[] {
  const annotations = Object.entries(gate.annotations).flatMap(([key, value]) => ['-a', `${key}=${value}`])
  const recursive = gate.appliesTo === 'image' ? [] : ['--recursive']
  const digest = gate.appliesTo === 'image' ? subject.digest : image.root.digest
  return [
    'cosign',
    'sign',
    ...keyOption(gate.signedBy, context),
    ...recursive,
    ...annotations,
    sourceReference(image, digest),
  ]
}
