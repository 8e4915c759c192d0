import type { ScanException, ScanGate } from '../../../config/gates/gate.ts'
import { severities, type Severity, type Vulnerability } from '../../../reports/vulnerability.ts'
import type { Clocks } from '../../evaluation/clocks.ts'
import type { JudgedImage, JudgedSubject } from '../../evidence.ts'
import { matchesException, whyVoid } from './exceptions.ts'
import { type CollectedVex, decideByVex, type VexDecision } from './vex.ts'

/** A finding that the gate does not ignore, and what suppresses it. */
export interface JudgedFinding {
  readonly vulnerability: Vulnerability
  /** an unknown severity counts as critical */
  readonly severity: Severity
  /** undefined: it fails the gate */
  readonly suppressedBy?: 'vex' | ScanException
  readonly vex?: VexDecision
  /** why something that seems to suppress it does not, one phrase each */
  readonly notes: readonly string[]
}

/** The gate and everything else that decides about a finding. */
export interface FindingRules {
  readonly gate: ScanGate
  readonly image: JudgedImage
  readonly clocks: Clocks
  readonly vex: CollectedVex
}

/** Judges the findings that the gate does not ignore for their severity or for want of a fix. */
export function judgeFindings(
  all: readonly Vulnerability[],
  subject: JudgedSubject,
  rules: FindingRules,
): readonly JudgedFinding[] {
  return withoutRepeats(all).flatMap((vulnerability) => {
    const severity = severityFor(rules.gate, vulnerability)
    if (severity === undefined) return []
    if (rules.gate.ignoreUnfixed && vulnerability.isUnfixed) return []
    return [judgeFinding(vulnerability, severity, subject, rules)]
  })
}

/** Returns the severity that counts; undefined if the gate ignores the finding. */
function severityFor(
  { failOn, unknownSeverity }: ScanGate,
  { severity }: Vulnerability,
): Severity | undefined {
  if (severity === 'unknown') return unknownSeverity === 'ignore' ? undefined : 'critical'
  return severities.indexOf(severity) >= severities.indexOf(failOn) ? severity : undefined
}

function judgeFinding(
  vulnerability: Vulnerability,
  severity: Severity,
  subject: JudgedSubject,
  { gate, image, clocks, vex }: FindingRules,
): JudgedFinding {
  const decision = decideByVex(vex, vulnerability, subject, image)
  if (decision.suppresses) return { vulnerability, severity, suppressedBy: 'vex', vex: decision, notes: [] }
  const matching = gate.exceptions.filter((one) => matchesException(one, vulnerability))
  const valid = matching
    .filter((one) => whyVoid(one, clocks) === undefined)
    .toSorted((a, b) => a.expires.localeCompare(b.expires))
    .at(-1)
  if (valid !== undefined) return { vulnerability, severity, suppressedBy: valid, notes: [] }
  const notes = [...matching.flatMap((one) => whyVoid(one, clocks) ?? []), decision.note]
  return { vulnerability, severity, notes: notes.filter((note) => note !== undefined) }
}

/** Several scanners, and several layers of one image, report the same vulnerability. */
function withoutRepeats(all: readonly Vulnerability[]): readonly Vulnerability[] {
  return [...new Map(all.map((one) => [JSON.stringify({ ...one, scanner: '' }), one])).values()]
}

/** Returns the findings that fail the gate, the most severe first. */
export function blockingOf(findings: readonly JudgedFinding[]): readonly JudgedFinding[] {
  return findings
    .filter(({ suppressedBy }) => suppressedBy === undefined)
    .toSorted(
      (a, b) =>
        severities.indexOf(b.severity) - severities.indexOf(a.severity) ||
        a.vulnerability.id.localeCompare(b.vulnerability.id),
    )
}

/** `CVE-2026-9999 critical, openssl 3.0.1, fixed in 3.0.2` */
export function describeFinding({ vulnerability, notes }: JudgedFinding): string {
  const { id, severity, fixedVersion, isUnfixed } = vulnerability
  const { name, version } = vulnerability.package
  const fix = fixedVersion === undefined ? (isUnfixed ? ['no fix'] : []) : [`fixed in ${fixedVersion}`]
  const level = severity === 'unknown' ? 'of unknown severity' : severity
  return [`${id} ${level}`, version === undefined ? name : `${name} ${version}`, ...fix, ...notes].join(', ')
}
