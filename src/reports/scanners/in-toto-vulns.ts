import { DrayError } from '../../lib/errors.ts'
import { Fields } from '../../oci/fields.ts'
import { isRecord } from '../../oci/json.ts'
import { parsePackageUrl } from '../package-url.ts'
import { reportTime } from '../shared/report-time.ts'
import { highestSeverity, severityNamed, severityOfScoreText } from '../shared/severity.ts'
import type { ScanReport, Vulnerability } from '../vulnerability.ts'
import { refuseErrors, reportName } from './scan-format.ts'

/**
 * Parses the in-toto predicate of vulnerabilities, v0.1 and v0.2 (in-toto/attestation,
 * spec/predicates/vuln.md and vulns_02.md). It names no image: the subject is that of its
 * statement. @throws `malformed` or `unsupported`.
 */
export function parseInTotoVulns(predicate: Fields): ScanReport {
  const scanner = predicate.object('scanner')
  refuseErrors(scanner, ['error', 'errors'])
  const name = scannerNamed(scanner.text('uri'))
  const metadata = predicate.optionalObject('metadata') ?? predicate.optionalObject('scan_metadata')
  const completedAt = reportTime(
    metadata?.optionalText('scanFinishedOn') ?? metadata?.optionalText('scan_finished_on'),
  )
  return {
    format: 'inTotoVulns',
    scanner: name,
    ...(completedAt !== undefined && { completedAt }),
    subject: { manifests: [], configs: [] },
    vulnerabilities: resultsOf(scanner).map((result) => vulnerabilityOf(result, name)),
  }
}

/** The list is `result`, or `result.vulnerabilities` in the protobuf definition of v0.1. */
function resultsOf(scanner: Fields): readonly Fields[] {
  const result = scanner.value('result')
  const list = isRecord(result) ? result['vulnerabilities'] : result
  if (!Array.isArray(list)) throw new DrayError('malformed', `${reportName}.scanner.result is not a list`)
  return list.map((entry: unknown, i) => {
    const fields = Fields.of(entry, `${reportName}.scanner.result[${i}]`)
    return fields.optionalObject('vulnerability') ?? fields
  })
}

/** `trivy` for `pkg:github/aquasecurity/trivy@…` and `https://github.com/aquasecurity/trivy/…`. */
function scannerNamed(uri: string): string {
  const known = /\b(?:trivy|grype)\b/i.exec(uri)?.[0]
  const name =
    known ??
    parsePackageUrl(uri)?.name ??
    uri
      .split(/[?#]/)[0]
      ?.split('/')
      .findLast((part) => part !== '')
  return (name ?? uri).toLowerCase()
}

function vulnerabilityOf(result: Fields, scanner: string): Vulnerability {
  return {
    id: result.text('id'),
    aliases: [],
    package: { name: 'unknown' },
    severity: highestSeverity(result.objects('severity').map(severityOf)),
    isUnfixed: false,
    scanner,
  }
}

/** A score is the name of a severity or a CVSS score. Numbers of other methods say nothing. */
function severityOf(severity: Fields): Vulnerability['severity'] {
  const score = severity.optionalText('score') ?? ''
  const named = severityNamed(score)
  if (named !== 'unknown') return named
  const isCvss = /cvss|nvd/i.test(severity.optionalText('method') ?? '')
  return isCvss ? severityOfScoreText(score) : 'unknown'
}
