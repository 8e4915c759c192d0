import type { SbomGate } from '../../config/gates/gate.ts'
import type { Digest } from '../../oci/digest.ts'
import { isSbomPredicate } from '../../reports/parse-sbom.ts'
import type { SbomDocument } from '../../reports/sbom.ts'
import type { VerifiedSigner } from '../../signing/trust/verdict.ts'
import { statementFacts } from '../evaluation/facts.ts'
import { attestCommand, runCommand, sourceReference } from '../evaluation/fix-commands.ts'
import {
  judgeSubjects,
  shortDigest,
  type SubjectJudgement,
  withoutPlatforms,
} from '../evaluation/judge-subjects.ts'
import { readSbom } from '../evaluation/parsed-evidence.ts'
import {
  acceptedSigners,
  countOthers,
  describeSigners,
  evidenceBy,
  nameArtifact,
  signersValidUntil,
  whyNotAccepted,
} from '../evaluation/signers.ts'
import type { AttachedEvidence, JudgedImage, JudgedSubject } from '../evidence.ts'
import type { EvaluateKind, EvaluationContext } from '../kind-result.ts'
import { platformsOf, subjectsOf } from '../subjects.ts'
import { isUnspecificType } from '../unspecific-types.ts'

/**
 * An SBOM passes if it can be parsed, describes the digest, lists components, and is signed by a
 * signer of the gate if that has any (docs/gates/sbom.md).
 */
export const evaluateSbom: EvaluateKind<SbomGate> = (gate, image, context) => {
  if (platformsOf(image).length === 0) return withoutPlatforms(gate, image)
  const used = usedSboms(gate, image)
  return judgeSubjects(gate, image, (subject) => judgeSboms(gate, image, subject, context, used))
}

/** The SBOMs that pass for a manifest. Those of other platforms of an index are no problem. */
function usedSboms(gate: SbomGate, image: JudgedImage): ReadonlySet<AttachedEvidence> {
  return new Set(
    subjectsOf(gate, image).flatMap((subject) =>
      sbomsAt(gate, image, subject).filter((one) => judgeSbom(gate, one, image, subject).why === undefined),
    ),
  )
}

/** One SBOM: `why` says why it does not pass. */
interface JudgedSbom {
  readonly evidence: AttachedEvidence
  readonly signers: readonly VerifiedSigner[]
  readonly document?: SbomDocument
  readonly why?: string
  /** It is by a signer of the gate, if it has any. */
  readonly isOwn: boolean
}

function judgeSboms(
  gate: SbomGate,
  image: JudgedImage,
  subject: JudgedSubject,
  context: EvaluationContext,
  used: ReadonlySet<AttachedEvidence>,
): SubjectJudgement {
  const all = sbomsAt(gate, image, subject).map((one) => judgeSbom(gate, one, image, subject))
  const passing = all.filter(({ why }) => why === undefined)
  const warnings = all
    .filter(({ evidence, why }) => why === undefined || !used.has(evidence))
    .flatMap(warningsOf)
  if (passing.length === 0) {
    return {
      passes: false,
      ...explainFailure(gate, all, warnings),
      evidence: [],
      hint: hintFor(gate, image, subject, context),
    }
  }
  const signers = passing.flatMap((one) => one.signers)
  return {
    passes: true,
    reason: describe(passing),
    evidence: passing.flatMap((one) => evidenceBy(image, one.evidence, one.signers)),
    validUntil: gate.signedBy === undefined ? undefined : signersValidUntil(signers, 1),
    warnings,
    facts: {
      ...statementFacts(passing, subject),
      components: passing.flatMap(({ document }) =>
        (document?.components ?? []).map((one) => ({ ...one, subject: subject.digest })),
      ),
    },
  }
}

/** Returns the attached artifacts that have or may have an SBOM of a manifest. */
function sbomsAt(
  gate: SbomGate,
  { evidence, root }: JudgedImage,
  { digest }: JudgedSubject,
): readonly AttachedEvidence[] {
  return evidence.filter((one) => {
    const { attachedTo, content, layout } = one
    if (attachedTo !== digest && attachedTo !== root.digest) return false
    if (layout === 'reportFile' || layout === 'simpleSigning' || layout === 'notation') return false
    if (content.kind === 'statement') return isSbomPredicate(content.predicateType, gate.formats)
    if (content.kind === 'document') return isSbomDocument(content.mediaType, one, gate)
    return (
      content.kind === 'unreadable' &&
      content.predicateType !== undefined &&
      isSbomPredicate(content.predicateType, gate.formats)
    )
  })
}

/** A document of a type that says nothing is an SBOM if it can be parsed as one. */
function isSbomDocument(mediaType: string, evidence: AttachedEvidence, { formats }: SbomGate): boolean {
  if (isSbomPredicate(mediaType, formats)) return true
  return isUnspecificType(mediaType) && readSbom(evidence).kind === 'parsed'
}

function judgeSbom(
  gate: SbomGate,
  evidence: AttachedEvidence,
  image: JudgedImage,
  subject: JudgedSubject,
): JudgedSbom {
  const signers = gate.signedBy === undefined ? evidence.signers : acceptedSigners(evidence, gate.signedBy)
  const isOwn = gate.signedBy === undefined || signers.length > 0
  const refuse = (why: string): JudgedSbom => ({ evidence, signers, why, isOwn })
  if (gate.signedBy !== undefined && signers.length === 0)
    return refuse(whyNotAccepted(evidence, gate.signedBy))
  const parsed = readSbom(evidence)
  if (parsed.kind !== 'parsed') return refuse(parsed.kind === 'malformed' ? parsed.reason : 'it is no SBOM')
  const { document } = parsed
  const { format, components } = document
  if (!gate.formats.includes(format)) return refuse(`its format is ${format}`)
  const elsewhere = describesAnother(evidence, document, image, subject)
  if (elsewhere !== undefined) return refuse(elsewhere)
  const least = Math.max(1, gate.minComponents)
  if (components.length < least) {
    const count = components.length === 0 ? 'no components' : `${components.length} of ${least} components`
    return refuse(`it lists ${count}`)
  }
  return { evidence, signers, document, isOwn }
}

/**
 * Returns why an SBOM does not describe a manifest; undefined if it does. The statement around it
 * says what it is about, and without one the artifact that it is attached to. The document may name
 * the index in which the platform image is, but no other image.
 */
function describesAnother(
  { attachedTo, content }: AttachedEvidence,
  { describes }: SbomDocument,
  { root }: JudgedImage,
  { digest, config }: JudgedSubject,
): string | undefined {
  const isOwn = (one: Digest): boolean => one === digest || one === config
  const about = content.kind === 'statement' ? content.digests : [attachedTo]
  const isStated = about.includes(digest)
  if (!isStated && !about.includes(root.digest)) return `it is about ${listDigests(about)}`
  if (describes.some(isOwn)) return undefined
  if (isStated && (describes.length === 0 || describes.includes(root.digest))) return undefined
  return describes.length === 0
    ? 'it does not name a platform image'
    : `it describes ${listDigests(describes)}`
}

function listDigests(digests: readonly Digest[]): string {
  return digests.length === 0 ? 'no digest' : digests.slice(0, 3).map(shortDigest).join(', ')
}

function warningsOf({ evidence, why }: JudgedSbom): readonly string[] {
  const name = nameArtifact('SBOM', evidence)
  if (why !== undefined) return [`${name} does not count: ${why}`]
  return evidence.problems.map((problem) => `${name}: ${problem}`)
}

/** `spdx 2.3, 214 components, build (key sha256:0123456789ab)` */
function describe(passing: readonly JudgedSbom[]): string {
  const [first] = passing
  const { format, specVersion, components } = first?.document ?? {}
  const count = components?.length ?? 0
  const signers = first === undefined ? '' : describeSigners(first.signers)
  return `${format ?? ''} ${specVersion ?? ''}, ${count} ${count === 1 ? 'component' : 'components'}, ${signers === '' ? 'not signed' : signers}`
}

/** A reason that names an SBOM needs no warning about it. */
function explainFailure(
  gate: SbomGate,
  all: readonly JudgedSbom[],
  warnings: readonly string[],
): Pick<SubjectJudgement, 'reason' | 'warnings'> {
  const by = gate.signedBy === undefined ? '' : ` by ${gate.signedBy.join(' or ')}`
  const none = `no ${gate.formats.join(' or ')} SBOM${by}`
  const own = all.find(({ isOwn }) => isOwn)
  if (own === undefined)
    return { reason: all.length > 0 ? `${none}; ${countOthers(all.length)}` : none, warnings }
  const named = warningsOf(own)
  return {
    reason: `${none} passes: ${named.join('; ')}`,
    warnings: warnings.filter((one) => !named.includes(one)),
  }
}

function hintFor(
  gate: SbomGate,
  image: JudgedImage,
  { digest }: JudgedSubject,
  context: EvaluationContext,
): string {
  const [format = 'spdx'] = gate.formats
  const [tool, type, file] =
    format === 'spdx'
      ? ['spdx-json', 'spdxjson', 'sbom.spdx.json']
      : ['cyclonedx', 'cyclonedx', 'sbom.cdx.json']
  const make = ['trivy', 'image', '--format', tool, '--output', file, sourceReference(image, digest)]
  const attest = attestCommand({ type, file, signedBy: gate.signedBy ?? [] }, image, digest, context)
  return runCommand(make, attest)
}
