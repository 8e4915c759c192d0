import type { ScanGate } from '../../config/gates/gate.ts'
import { endOfDay } from '../../lib/day.ts'
import { clocksOf } from '../evaluation/clocks.ts'
import { statementFacts } from '../evaluation/facts.ts'
import { formatSpan } from '../evaluation/format-time.ts'
import {
  earliest,
  judgeSubjects,
  limitWarnings,
  type SubjectFacts,
  type SubjectJudgement,
  withoutPlatforms,
} from '../evaluation/judge-subjects.ts'
import { evidenceBy, signersValidUntil } from '../evaluation/signers.ts'
import type { JudgedImage, JudgedSubject } from '../evidence.ts'
import type { EvaluateKind, EvaluationContext, KindResult } from '../kind-result.ts'
import { platformsOf } from '../subjects.ts'
import { collectReports, type CollectedReports, type TrustedReport } from './scan/collect-reports.ts'
import {
  describeReports,
  explainBroken,
  explainFindings,
  explainMissing,
  explainPass,
  hintForBroken,
  hintForFindings,
  hintForScan,
} from './scan/explain-scan.ts'
import { whyVoid } from './scan/exceptions.ts'
import { blockingOf, type FindingRules, type JudgedFinding, judgeFindings } from './scan/findings.ts'
import { decidingReports } from './scan/newest-reports.ts'
import { collectVex } from './scan/vex.ts'

/** The reports of an image, and the rules of its gate. */
interface Scanning extends FindingRules {
  readonly context: EvaluationContext
  readonly reports: CollectedReports
}

/**
 * For each platform image the newest trusted report of each scanner decides: one of them must be
 * new enough, and none may have a finding that fails the gate (docs/gates/scan.md).
 */
export const evaluateScan: EvaluateKind<ScanGate> = (gate, image, context) => {
  if (platformsOf(image).length === 0) return withoutPlatforms(gate, image)
  const clocks = clocksOf(image, context)
  const reports = collectReports(gate, image, clocks)
  const vex = collectVex(gate, image, clocks)
  const scanning = { gate, image, context, clocks, reports, vex }
  const used = new Set<JudgedFinding['suppressedBy']>()
  const found = judgeSubjects(gate, image, (subject) => {
    const { findings, ...judgement } = judgeScan(scanning, subject)
    for (const { suppressedBy } of findings) used.add(suppressedBy)
    return judgement
  })
  return withWarnings(found, [...reports.warnings, ...vex.warnings, ...unusedExceptions(scanning, used)])
}

type ScanJudgement = SubjectJudgement & { readonly findings: readonly JudgedFinding[] }

function judgeScan(scanning: Scanning, subject: JudgedSubject): ScanJudgement {
  const { gate, image, context, clocks, reports } = scanning
  const { newest, broken } = decidingReports(reports, subject, image)
  const findings = judgeFindings(
    newest.flatMap(({ report }) => report.vulnerabilities),
    subject,
    scanning,
  )
  const blocking = blockingOf(findings)
  const isFresh = ({ time }: TrustedReport): boolean =>
    time !== undefined && clocks.later - time <= gate.maxAgeMs
  const fresh = newest.filter(isFresh)
  const stale = newest.filter((one) => !isFresh(one))
  const failures = [
    ...(newest.length === 0 && broken.length === 0 ? [explainMissing(reports, subject, image)] : []),
    ...(newest.length > 0 && fresh.length === 0 ? [explainStale(newest, scanning)] : []),
    ...(broken.length > 0 ? [explainBroken(broken)] : []),
    ...(blocking.length > 0 ? [explainFindings(blocking)] : []),
  ]
  const evidence = evidenceOf(image, newest, findings)
  if (failures.length > 0) {
    const hint =
      blocking.length > 0
        ? hintForFindings(gate, blocking)
        : (hintForBroken(broken, image) ?? hintForScan(gate, image, subject, context))
    return {
      passes: false,
      reason: failures.join('; '),
      evidence,
      findings,
      ...(hint !== undefined && { hint }),
    }
  }
  return {
    passes: true,
    reason: explainPass(gate, newest, findings, clocks),
    evidence,
    findings,
    validUntil: validUntil(gate, fresh, findings),
    facts: factsOf(newest, subject),
    ...(stale.length > 0 && {
      warnings: [`a report is older than maxAge or has no time: ${describeReports(stale, clocks)}`],
    }),
  }
}

function explainStale(newest: readonly TrustedReport[], { gate, clocks }: Scanning): string {
  const times = newest.flatMap(({ time }) => time ?? [])
  if (times.length === 0) return `a report without a time is too old (${describeReports(newest, clocks)})`
  const age = formatSpan(clocks.later - Math.max(...times))
  return `the newest report is ${age} old, and maxAge is ${formatSpan(gate.maxAgeMs)} (${describeReports(newest, clocks)})`
}

/** Lists the reports, and the VEX documents that suppress findings. */
function evidenceOf(
  image: JudgedImage,
  newest: readonly TrustedReport[],
  findings: readonly JudgedFinding[],
): SubjectJudgement['evidence'] {
  const vex = findings.flatMap((one) => (one.vex?.suppresses === true ? [one.vex.by] : []))
  return [...newest, ...vex].flatMap(({ evidence, signers, time }) =>
    evidenceBy(image, evidence, signers, time),
  )
}

/** A pass ends with the last new report, the first used exception, or the key of a VEX document. */
function validUntil(
  { maxAgeMs }: ScanGate,
  fresh: readonly TrustedReport[],
  findings: readonly JudgedFinding[],
): number | undefined {
  const ends = fresh.map(
    ({ time = 0, signers }) => earliest([time + maxAgeMs, signersValidUntil(signers, 1)]) ?? 0,
  )
  const exceptions = findings.flatMap(({ suppressedBy }) =>
    suppressedBy === undefined || suppressedBy === 'vex' ? [] : (endOfDay(suppressedBy.expires) ?? []),
  )
  const vex = findings.map((one) =>
    one.vex?.suppresses === true ? signersValidUntil(one.vex.by.signers, 1) : undefined,
  )
  return earliest([Math.max(...ends), ...exceptions, ...vex])
}

function factsOf(newest: readonly TrustedReport[], subject: JudgedSubject): SubjectFacts {
  const vulnerabilities = newest.flatMap(({ report }) =>
    report.vulnerabilities.map((one) => ({ ...one, subject: subject.digest })),
  )
  return { ...statementFacts(newest, subject), vulnerabilities }
}

/** Without a report, it is unknown whether an exception is needed. */
function unusedExceptions(
  { gate, clocks, reports }: Scanning,
  used: ReadonlySet<JudgedFinding['suppressedBy']>,
): readonly string[] {
  if (reports.trusted.length === 0) return []
  return gate.exceptions
    .filter((one) => !used.has(one))
    .map((one) => {
      const why = whyVoid(one, clocks)
      const only = one.package === undefined ? '' : ` for ${one.package}`
      return `the exception for ${one.id}${only} is not used${why === undefined ? '' : `: ${why}`}`
    })
}

function withWarnings(found: KindResult, others: readonly string[]): KindResult {
  const warnings = limitWarnings([...(found.warnings ?? []), ...others])
  return warnings.length === 0 ? found : { ...found, warnings }
}
