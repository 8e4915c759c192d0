import type { ScanGate } from '../../../config/gates/gate.ts'
import { matchesPackage } from '../../../reports/package-url.ts'
import { isSbomPredicate } from '../../../reports/parse-sbom.ts'
import { isVexDocument, isVexPredicate } from '../../../reports/parse-vex.ts'
import type { VexStatement } from '../../../reports/vex.ts'
import type { Vulnerability } from '../../../reports/vulnerability.ts'
import type { VerifiedSigner } from '../../../signing/trust/verdict.ts'
import { type Clocks, isInFuture } from '../../evaluation/clocks.ts'
import { earliest } from '../../evaluation/judge-subjects.ts'
import { isDamagedEvidence } from '../../evaluation/damaged-evidence.ts'
import { readVex } from '../../evaluation/parsed-evidence.ts'
import { acceptedSigners, nameArtifact, whyNotAccepted } from '../../evaluation/signers.ts'
import { statementTime } from '../../evaluation/statement-time.ts'
import type { AttachedEvidence, JudgedImage, JudgedSubject } from '../../evidence.ts'
import { isAbout } from './report-subject.ts'
import { isProduct, mayBePackage, mayBeProduct } from './vex-product.ts'

/** A statement of a trusted author. */
interface TrustedVexStatement {
  readonly evidence: AttachedEvidence
  readonly signers: readonly VerifiedSigner[]
  readonly statement: VexStatement
  /** milliseconds since 1970; undefined: unknown */
  readonly time: number | undefined
}

export interface CollectedVex {
  /** by each id and alias in lower case: reports have thousands of findings */
  readonly statements: ReadonlyMap<string, readonly TrustedVexStatement[]>
  /** documents of trusted authors that cannot be read: they may withdraw an older statement */
  readonly broken: readonly { readonly evidence: AttachedEvidence; readonly time: number | undefined }[]
  readonly warnings: readonly string[]
}

/** Whether VEX documents suppress a finding. */
export type VexDecision =
  /** the finding does not count */
  | { readonly suppresses: true; readonly by: TrustedVexStatement }
  /** `note` says why a statement that seems to suppress it does not */
  | { readonly suppresses: false; readonly note?: string }

/** Parses the VEX documents of an image that the gate accepts. */
export function collectVex(gate: ScanGate, image: JudgedImage, clocks: Clocks): CollectedVex {
  const { vexSignedBy } = gate
  const statements = new Map<string, TrustedVexStatement[]>()
  const broken: CollectedVex['broken'][number][] = []
  const warnings: string[] = []
  if (vexSignedBy === undefined) return { statements, broken, warnings }
  for (const evidence of image.evidence.filter(mayBeVex)) {
    const signers = acceptedSigners(evidence, vexSignedBy)
    const name = nameArtifact('VEX document', evidence)
    if (signers.length === 0 && !isDamagedEvidence(evidence)) {
      if (isCertainlyVex(evidence))
        warnings.push(`${name} does not count: ${whyNotAccepted(evidence, vexSignedBy)}`)
      continue
    }
    const parsed = readVex(evidence)
    if (parsed.kind === 'malformed') {
      warnings.push(`${name} cannot be read: ${parsed.reason}`)
      const predicate = evidence.content.kind === 'statement' ? evidence.content.predicate : undefined
      broken.push({ evidence, time: statementTime(predicate, signers) })
    }
    if (parsed.kind !== 'parsed') continue
    for (const statement of parsed.document.statements) {
      const time =
        statement.time === undefined
          ? undefined
          : earliest([statement.time, ...signers.map((one) => one.time)])
      if (time !== undefined && isInFuture(time, clocks)) {
        warnings.push(`${name}: the statement about ${statement.vulnerability} is dated in the future`)
        continue
      }
      for (const id of idsOf(statement.vulnerability, statement.aliases)) {
        const known = statements.get(id) ?? []
        known.push({ evidence, signers, statement, time })
        statements.set(id, known)
      }
    }
  }
  return { statements, broken, warnings }
}

/** An SBOM in CycloneDX has the same type as a VEX document. */
function isCertainlyVex({ content }: AttachedEvidence): boolean {
  if (content.kind === 'statement') return isVexDocument(content.predicate)
  return content.kind === 'document' && !isSbomPredicate(content.mediaType, ['cyclonedx'])
}

function mayBeVex({ layout, content }: AttachedEvidence): boolean {
  if (layout === 'simpleSigning' || layout === 'notation' || layout === 'reportFile') return false
  if (content.kind === 'statement') return isVexPredicate(content.predicateType)
  if (content.kind === 'document') return isVexPredicate(content.mediaType)
  return (
    content.kind === 'unreadable' &&
    (content.predicateType === undefined || isVexPredicate(content.predicateType))
  )
}

/**
 * Decides whether a finding is suppressed (docs/gates/scan.md). The newest statement about
 * it decides. One without a time is older than all others if it suppresses, and newer if not.
 */
export function decideByVex(
  { statements, broken }: CollectedVex,
  finding: Vulnerability,
  subject: JudgedSubject,
  image: JudgedImage,
): VexDecision {
  const ofFinding = statementsOf(idsOf(finding.id, finding.aliases), statements)
  const about = ofFinding.filter(
    ({ evidence, statement }) =>
      isAbout(evidence, subject, image) &&
      statement.products.some((product) => mayBeProduct(product, subject, image)),
  )
  const judged = about.map((one) => ({ one, ...judgeStatement(one, finding, subject, image) }))
  const relevant = judged.filter(({ isRelevant }) => isRelevant)
  const latest = Math.max(...relevant.map(({ order }) => order))
  const deciding = relevant.filter(({ order }) => order === latest)
  const [first] = deciding
  const note = judged.find((one) => one.note !== undefined)?.note
  const isUnsure = broken.some(
    ({ evidence, time }) => isAbout(evidence, subject, image) && (time === undefined || time >= latest),
  )
  if (first === undefined || deciding.some(({ suppresses }) => !suppresses) || isUnsure)
    return { suppresses: false, ...(note !== undefined && { note }) }
  return { suppresses: true, by: first.one }
}

/**
 * Returns the statements about any of the ids, and those that do not suppress about an alias that
 * only the others have: a statement can be withdrawn under another id than that of the scanner.
 */
function statementsOf(
  ids: readonly string[],
  statements: CollectedVex['statements'],
): readonly TrustedVexStatement[] {
  const own = ids.flatMap((id) => statements.get(id) ?? [])
  const aliases = new Set(own.flatMap(({ statement }) => idsOf(statement.vulnerability, statement.aliases)))
  const others = [...aliases].filter((id) => !ids.includes(id)).flatMap((id) => statements.get(id) ?? [])
  return [...own, ...others.filter(({ statement }) => !closes(statement))]
}

function closes({ status }: VexStatement): boolean {
  return status === 'fixed' || status === 'not_affected'
}

function idsOf(id: string, aliases: readonly string[]): readonly string[] {
  return [...new Set([id, ...aliases].map((one) => one.toLowerCase()))]
}

interface JudgedStatement {
  /** whether it is about the package of the finding */
  readonly isRelevant: boolean
  readonly suppresses: boolean
  /** the later, the more it decides */
  readonly order: number
  readonly note?: string
}

function judgeStatement(
  { statement, time }: TrustedVexStatement,
  finding: Vulnerability,
  subject: JudgedSubject,
  image: JudgedImage,
): JudgedStatement {
  const { status, justification } = statement
  if (!closes(statement)) {
    // The statement may name the image or the package otherwise than the one that it withdraws.
    const isRelevant = statement.products
      .filter((product) => mayBeProduct(product, subject, image))
      .some(
        ({ subcomponents }) =>
          subcomponents.length === 0 || subcomponents.some((one) => mayBePackage(one, finding.package)),
      )
    return { isRelevant, suppresses: false, order: time ?? Number.POSITIVE_INFINITY }
  }
  const products = statement.products.filter((product) => isProduct(product, subject, image))
  const isOfPackage = products.some(({ subcomponents }) =>
    subcomponents.some((one) => matchesPackage(one, finding.package)),
  )
  const isWhole = products.some(({ subcomponents }) => subcomponents.length === 0)
  const isJustified = status === 'fixed' || justification !== undefined
  const suppresses = isOfPackage && isJustified
  const missing = isJustified ? 'names no subcomponent' : 'has no justification'
  return {
    isRelevant: suppresses,
    suppresses,
    order: time ?? Number.NEGATIVE_INFINITY,
    ...(!suppresses && (isOfPackage || isWhole) && { note: `its VEX statement ${missing}` }),
  }
}
