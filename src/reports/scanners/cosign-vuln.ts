import { DrayError } from '../../lib/errors.ts'
import type { Fields } from '../../oci/fields.ts'
import { reportTime } from '../shared/report-time.ts'
import type { ScanReport } from '../vulnerability.ts'
import { parseDirectReport } from './direct-formats.ts'
import { reportName } from './scan-format.ts'

/**
 * Parses cosign's predicate of a vulnerability scan, which contains the report of the scanner
 * (cosign, specs/COSIGN_VULN_ATTESTATION_SPEC.md). The earlier of the two times counts: an old
 * report in a new predicate is old. @throws `malformed` or `unsupported`.
 */
export function parseCosignVuln(predicate: Fields): ScanReport {
  const scanner = predicate.object('scanner')
  if (scanner.value('result') == null) {
    throw new DrayError('malformed', `${reportName} has no scanner.result`, {
      hint: 'Write the predicate with: trivy image --format cosign-vuln.',
    })
  }
  const report = parseDirectReport(scanner.value('result'))
  const finishedAt = reportTime(predicate.optionalObject('metadata')?.optionalText('scanFinishedOn'))
  const times = [finishedAt, report.completedAt].filter((time) => time !== undefined)
  const { completedAt: _, ...rest } = report
  return { ...rest, format: 'cosignVuln', ...(times.length > 0 && { completedAt: Math.min(...times) }) }
}
