import type { ScanGate } from '../../../config/gates/gate.ts'
import type { Clocks } from '../../evaluation/clocks.ts'
import { attestCommand, runCommand, sourceReference } from '../../evaluation/fix-commands.ts'
import { formatMinute, formatSpan } from '../../evaluation/format-time.ts'
import { labelOf, shortDigest } from '../../evaluation/judge-subjects.ts'
import type { JudgedImage, JudgedSubject } from '../../evidence.ts'
import type { EvaluationContext } from '../../kind-result.ts'
import { platformsOf } from '../../subjects.ts'
import {
  type BrokenReport,
  type CollectedReports,
  nameReport,
  type TrustedReport,
} from './collect-reports.ts'
import { describeFinding, type JudgedFinding } from './findings.ts'
import { coversSubject } from './report-subject.ts'

/** Findings that a reason names. */
const maxFindings = 3

/** `1 exception until 2027-01-31 (trivy, 3 h ago)` */
export function explainPass(
  gate: ScanGate,
  newest: readonly TrustedReport[],
  findings: readonly JudgedFinding[],
  clocks: Clocks,
): string {
  const exceptions = findings.flatMap(({ suppressedBy }) =>
    suppressedBy === undefined || suppressedBy === 'vex' ? [] : [suppressedBy],
  )
  const until = exceptions.map(({ expires }) => expires).toSorted()[0]
  const used = new Set(exceptions).size
  const byVex = findings.filter(({ suppressedBy }) => suppressedBy === 'vex').length
  const parts = [
    ...(until === undefined ? [] : [`${used} ${used === 1 ? 'exception' : 'exceptions'} until ${until}`]),
    ...(byVex === 0 ? [] : [`${byVex} suppressed by VEX`]),
  ]
  const level = gate.failOn === 'critical' ? 'critical' : `${gate.failOn} or above`
  const summary = parts.length === 0 ? `no vulnerability is ${level}` : parts.join(', ')
  return `${summary} (${describeReports(newest, clocks)})`
}

/** `trivy, 3 h ago` */
export function describeReports(newest: readonly TrustedReport[], clocks: Clocks): string {
  const texts = newest.map(({ report, time, evidence }) => {
    const age = time === undefined ? 'without a time' : `${formatSpan(clocks.later - time)} ago`
    const asserted = evidence.assertedDigest
    const file =
      evidence.layout !== 'reportFile'
        ? ''
        : asserted === undefined
          ? ', report file'
          : `, report file that the user asserts to be about ${shortDigest(asserted)}`
    return `${report.scanner}, ${age}${file}`
  })
  return [...new Set(texts)].join('; ')
}

/** Names the most severe findings. Two scanners may report one vulnerability of a package. */
export function explainFindings(blocking: readonly JudgedFinding[]): string {
  const keyOf = ({ vulnerability: { id, package: of } }: JudgedFinding): string =>
    JSON.stringify([id, of.name, of.version])
  const different = [...new Map(blocking.toReversed().map((one) => [keyOf(one), one])).values()].toReversed()
  const more = different.length - maxFindings
  const named = different.slice(0, maxFindings).map(describeFinding).join('; ')
  return more > 0 ? `${named}; and ${more} more` : named
}

/** Suggests the update that fixes the most severe finding. */
export function hintForFindings(gate: ScanGate, [first]: readonly JudgedFinding[]): string | undefined {
  if (first === undefined) return undefined
  const { id, fixedVersion } = first.vulnerability
  const { name } = first.vulnerability.package
  const exception = `an exception for ${id} to the gate ${gate.name}.`
  if (fixedVersion === undefined) return `Add ${exception}`
  return `Build the image with ${name} ${fixedVersion}, or add ${exception}`
}

export function explainBroken([first, ...others]: readonly BrokenReport[]): string {
  if (first === undefined) return ''
  const more = others.length > 0 ? `; and ${others.length} more` : ''
  return `${nameReport(first.evidence)} cannot be read: ${first.reason}${more}`
}

/** A newer report replaces a broken one only if it is known to be newer. */
export function hintForBroken([first]: readonly BrokenReport[], image: JudgedImage): string | undefined {
  if (first === undefined) return undefined
  const { layout, artifact } = first.evidence
  if (layout === 'reportFile') return 'Pass a complete report of a scanner with --scan-report.'
  if (first.time !== undefined) return undefined
  return `Delete ${sourceReference(image, artifact)}, which may be the newest report, and attach a new one.`
}

/** Says why there is no report that decides, although there may be others. */
export function explainMissing(
  { trusted, future, warnings }: CollectedReports,
  subject: JudgedSubject,
  image: JudgedImage,
): string {
  const [date] = future
  if (trusted.length === 0 && date !== undefined)
    return `the report is dated in the future, ${formatMinute(date)} UTC`
  if (trusted.length === 0) return warnings.length > 0 ? 'no report of an accepted signer' : 'no report'
  const covered = platformsOf(image).filter(
    (platform) =>
      platform.digest !== subject.digest && trusted.some((one) => coversSubject(one, platform, image)),
  )
  if (covered.length > 0) return `no report, only of ${covered.map(labelOf).join(', ')}`
  const isUnclear = trusted.some(({ report }) => report.subject.manifests.includes(image.root.digest))
  if (isUnclear && subject.digest !== image.root.digest)
    return 'no report: one names the index without a platform'
  const isNamed = trusted.some(
    ({ report: { subject: own } }) => own.manifests.length + own.configs.length > 0,
  )
  return isNamed ? 'no report: those that are attached name another image' : 'no report that names the digest'
}

/** The commands that scan a manifest and attach the report. */
export function hintForScan(
  gate: ScanGate,
  image: JudgedImage,
  { digest }: JudgedSubject,
  context: EvaluationContext,
): string {
  const file = 'report.json'
  const scan = ['trivy', 'image', '--format', 'cosign-vuln', '--output', file, sourceReference(image, digest)]
  const attest = attestCommand({ type: 'vuln', file, signedBy: gate.signedBy }, image, digest, context)
  return runCommand(scan, attest)
}
