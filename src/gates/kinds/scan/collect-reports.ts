import type { ScanGate } from '../../../config/gates/gate.ts'
import { isSbomPredicate } from '../../../reports/parse-sbom.ts'
import { isScanPredicate, isScanReport } from '../../../reports/parse-scan-report.ts'
import type { ScanReport } from '../../../reports/vulnerability.ts'
import type { VerifiedSigner } from '../../../signing/trust/verdict.ts'
import { type Clocks, isInFuture } from '../../evaluation/clocks.ts'
import { formatMinute } from '../../evaluation/format-time.ts'
import { earliest } from '../../evaluation/judge-subjects.ts'
import { isDamagedEvidence } from '../../evaluation/damaged-evidence.ts'
import { readScanReport } from '../../evaluation/parsed-evidence.ts'
import { acceptedSigners, nameArtifact, whyNotAccepted } from '../../evaluation/signers.ts'
import { statementTime } from '../../evaluation/statement-time.ts'
import type { AttachedEvidence, JudgedImage } from '../../evidence.ts'

/** A report that a signer of the gate made, or that the user passed in a file. */
export interface TrustedReport {
  readonly evidence: AttachedEvidence
  /** none: it is a file */
  readonly signers: readonly VerifiedSigner[]
  readonly report: ScanReport
  /** when the scan ended, milliseconds since 1970; undefined: unknown */
  readonly time: number | undefined
}

/**
 * A report of a signer of the gate, or a file, that cannot be read. Its findings are unknown. An
 * artifact whose bytes are missing or damaged may be one.
 */
export interface BrokenReport {
  readonly evidence: AttachedEvidence
  readonly reason: string
  /** The scan ended no later, milliseconds since 1970; undefined: unknown */
  readonly time: number | undefined
}

export interface CollectedReports {
  readonly trusted: readonly TrustedReport[]
  readonly broken: readonly BrokenReport[]
  /** of those that do not count, one line each */
  readonly warnings: readonly string[]
  /** dates of trusted reports that are in the future */
  readonly future: readonly number[]
}

/** Parses the reports of an image that its gate accepts. */
export function collectReports(gate: ScanGate, image: JudgedImage, clocks: Clocks): CollectedReports {
  const trusted: TrustedReport[] = []
  const broken: BrokenReport[] = []
  const warnings: string[] = []
  const future: number[] = []
  for (const evidence of image.evidence.filter(mayBeReport)) {
    const signers = acceptedSigners(evidence, gate.signedBy)
    const name = nameReport(evidence)
    const why = whyNotCounted(gate, evidence, signers)
    if (why !== undefined) {
      if (isCertainlyReport(evidence)) warnings.push(`${name} does not count: ${why}`)
      continue
    }
    const parsed = readScanReport(evidence)
    if (parsed.kind === 'other' && evidence.layout !== 'reportFile') continue
    if (parsed.kind !== 'parsed') {
      const reason = parsed.kind === 'malformed' ? parsed.reason : 'it is no report of a scanner'
      broken.push({ evidence, reason, time: latestTimeOf(evidence, signers) })
      continue
    }
    const report = parsed.document
    const time =
      report.completedAt === undefined
        ? undefined
        : earliest([report.completedAt, ...signers.map((one) => one.time)])
    if (time !== undefined && isInFuture(time, clocks)) {
      future.push(time)
      warnings.push(`${name} does not count: it is dated in the future, ${formatMinute(time)} UTC`)
      continue
    }
    warnings.push(...evidence.problems.map((problem) => `${name}: ${problem}`))
    trusted.push({ evidence, signers, report, time })
  }
  return { trusted, broken, warnings, future }
}

/** Names a report for a person. */
export function nameReport(evidence: AttachedEvidence): string {
  return nameArtifact(evidence.layout === 'reportFile' ? 'report file' : 'report', evidence)
}

/** Whether an attached artifact has or may have a report. */
function mayBeReport({ layout, content }: AttachedEvidence): boolean {
  if (layout === 'reportFile') return true
  if (layout === 'simpleSigning' || layout === 'notation') return false
  if (content.kind === 'statement') return isScanPredicate(content.predicateType)
  if (content.kind === 'unreadable')
    return content.predicateType === undefined || isScanPredicate(content.predicateType)
  return (
    content.kind === 'document' &&
    (content.mediaType === 'application/json' || isScanPredicate(content.mediaType))
  )
}

/** Other documents and statements may have no report in them: a warning would confuse. */
function isCertainlyReport(evidence: AttachedEvidence): boolean {
  const { content, layout } = evidence
  if (layout === 'reportFile') return true
  if (content.kind === 'unreadable') return content.predicateType !== undefined
  if (content.kind === 'statement') return isScanReport(content.predicate, content.predicateType)
  return (
    content.kind === 'document' &&
    isScanPredicate(content.mediaType) &&
    !isSbomPredicate(content.mediaType, ['cyclonedx'])
  )
}

function whyNotCounted(
  gate: ScanGate,
  evidence: AttachedEvidence,
  signers: readonly VerifiedSigner[],
): string | undefined {
  if (evidence.layout === 'reportFile')
    return gate.allowReportFile ? undefined : `the gate ${gate.name} has no \`allowReportFile: true\``
  if (signers.length > 0 || isDamagedEvidence(evidence)) return undefined
  const unread = evidence.content.kind === 'unreadable' ? `${evidence.content.reason}; ` : ''
  return `${unread}${whyNotAccepted(evidence, gate.signedBy)}`
}

/** The times in a statement are those of its signer, also if the rest is damaged. */
function latestTimeOf({ content }: AttachedEvidence, signers: readonly VerifiedSigner[]): number | undefined {
  return statementTime(content.kind === 'statement' ? content.predicate : undefined, signers)
}
