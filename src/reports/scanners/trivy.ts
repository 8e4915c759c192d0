import { DrayError } from '../../lib/errors.ts'
import type { Fields } from '../../oci/fields.ts'
import { refuseDamagedNames } from '../shared/field-names.ts'
import { digestsOfReference, withoutRepeats } from '../shared/named-digests.ts'
import { reportTime } from '../shared/report-time.ts'
import { scannedPlatform } from '../shared/scanned-platform.ts'
import { severityNamed } from '../shared/severity.ts'
import type { ReportSubject, ScanReport, Vulnerability } from '../vulnerability.ts'
import { excerpt, refuseErrors, reportName, type ScanFormat } from './scan-format.ts'

const schemaVersion = 2
/** Trivy writes such a result for each set of packages that it compares with its database. */
const packageClasses: ReadonlySet<string | undefined> = new Set(['os-pkgs', 'lang-pkgs'])
const modifiedFindings = 'ExperimentalModifiedFindings'

/** JSON of `trivy image --format json` (trivy, pkg/types/report.go). */
export const trivyFormat: ScanFormat = {
  isFormatOf: (document) => Object.hasOwn(document, 'SchemaVersion'),
  parse: parseTrivy,
}

function parseTrivy(report: Fields): ScanReport {
  checkVersion(report.value('SchemaVersion'))
  refuseErrors(report, ['Error', 'Errors'])
  const results = report.objects('Results')
  // Trivy writes a result for the packages of the operating system also if it finds nothing.
  if (!results.some((result) => packageClasses.has(result.optionalText('Class')))) {
    throw new DrayError('malformed', `${reportName} has no results of packages`, {
      hint: 'Scan the image with: trivy image --scanners vuln --format json.',
    })
  }
  const completedAt = reportTime(report.optionalText('CreatedAt'))
  return {
    format: 'trivy',
    scanner: 'trivy',
    ...(completedAt !== undefined && { completedAt }),
    subject: subjectOf(report),
    vulnerabilities: results.flatMap((result, i) => findingsOf(result, `${reportName}.Results[${i}]`)),
  }
}

function checkVersion(version: unknown): void {
  if (version === schemaVersion) return
  throw new DrayError(
    'unsupported',
    `${reportName} has the Trivy schema version ${excerpt(JSON.stringify(version) ?? '')}, and dray reads ${schemaVersion}`,
  )
}

function subjectOf(report: Fields): ReportSubject {
  const metadata = report.optionalObject('Metadata')
  const names = [
    ...(metadata?.optionalTexts('RepoDigests') ?? []),
    report.optionalText('ArtifactName'),
    metadata?.optionalText('Reference'),
  ]
  const config = metadata?.optionalObject('ImageConfig')
  const { os, architecture, variant } = config?.texts('os', 'architecture', 'variant') ?? {}
  const platform = scannedPlatform(os, architecture, variant)
  return {
    manifests: withoutRepeats(names.flatMap(digestsOfReference)),
    configs: digestsOfReference(metadata?.optionalText('ImageID')),
    ...(platform !== undefined && { platform }),
  }
}

function findingsOf(result: Fields, where: string): readonly Vulnerability[] {
  refuseDamagedNames(result.record, ['Vulnerabilities', modifiedFindings], where)
  // A suppressed finding counts: the user of the scanner decided it, without a signature.
  const suppressed = result
    .objects(modifiedFindings)
    .filter((finding) => finding.optionalText('Type') === 'vulnerability')
    .map((finding) => finding.object('Finding'))
  return [...result.objects('Vulnerabilities'), ...suppressed].map(vulnerabilityOf)
}

function vulnerabilityOf(finding: Fields): Vulnerability {
  const id = finding.text('VulnerabilityID')
  const purl = finding.optionalObject('PkgIdentifier')?.optionalText('PURL')
  const version = finding.optionalText('InstalledVersion')
  const fixedVersion = finding.optionalText('FixedVersion')
  return {
    id,
    aliases: finding.optionalTexts('VendorIDs').filter((alias) => alias !== id),
    package: {
      name: finding.optionalText('PkgName') ?? '',
      ...(version !== undefined && { version }),
      ...(purl !== undefined && { purl }),
    },
    severity: severityNamed(finding.optionalText('Severity')),
    ...(fixedVersion !== undefined && { fixedVersion }),
    isUnfixed: fixedVersion === undefined,
    scanner: 'trivy',
  }
}
