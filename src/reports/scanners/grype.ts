import { DrayError } from '../../lib/errors.ts'
import { Fields } from '../../oci/fields.ts'
import { isRecord } from '../../oci/json.ts'
import { refuseDamagedNames } from '../shared/field-names.ts'
import { digestsOfReference, withoutRepeats } from '../shared/named-digests.ts'
import { reportTime } from '../shared/report-time.ts'
import { scannedPlatform } from '../shared/scanned-platform.ts'
import { severityNamed } from '../shared/severity.ts'
import type { ReportSubject, ScanReport, Vulnerability } from '../vulnerability.ts'
import { refuseErrors, reportName, type ScanFormat } from './scan-format.ts'

/** JSON of `grype --output json` (grype, grype/presenter/models/document.go). */
export const grypeFormat: ScanFormat = {
  isFormatOf: (document) => Object.hasOwn(document, 'matches') && Object.hasOwn(document, 'descriptor'),
  parse: parseGrype,
}

function parseGrype(report: Fields): ScanReport {
  const descriptor = report.object('descriptor')
  if (descriptor.optionalText('name') !== 'grype')
    throw new DrayError('unsupported', `${reportName} was not written by grype`)
  refuseDamagedNames(report.record, ['ignoredMatches'], reportName)
  refuseErrors(report, ['error', 'errors'])
  checkDatabase(descriptor)
  const completedAt = reportTime(descriptor.optionalText('timestamp'))
  const matches = report
    .list('matches', Infinity)
    .map((match, i) => Fields.of(match, `${reportName}.matches[${i}]`))
  return {
    format: 'grype',
    scanner: 'grype',
    ...(completedAt !== undefined && { completedAt }),
    subject: subjectOf(report.object('source')),
    // A suppressed finding counts: the user of the scanner decided it, without a signature.
    vulnerabilities: [...matches, ...report.objects('ignoredMatches')].map(vulnerabilityOf),
  }
}

/** Grype up to 0.87 has the state of its database in `db`, later versions in `db.status`. */
function checkDatabase(descriptor: Fields): void {
  const database = descriptor.optionalObject('db')
  const status = database?.optionalObject('status')
  for (const one of [database, status]) {
    if (one === undefined) continue
    refuseErrors(one, ['error'], `the vulnerability database of ${reportName}`)
    if (one.value('valid') === false)
      throw new DrayError(
        'malformed',
        `${reportName} was made with a vulnerability database that is not valid`,
      )
  }
}

/** Without `manifestDigest`, which Grype computes itself. */
function subjectOf(source: Fields): ReportSubject {
  const target = source.value('target')
  if (source.optionalText('type') !== 'image' || !isRecord(target)) return { manifests: [], configs: [] }
  const image = Fields.of(target, `${reportName}.source.target`)
  const { os, architecture, architectureVariant } = image.texts('os', 'architecture', 'architectureVariant')
  const platform = scannedPlatform(os, architecture, architectureVariant)
  const names = [...image.optionalTexts('repoDigests'), image.optionalText('userInput')]
  return {
    manifests: withoutRepeats(names.flatMap(digestsOfReference)),
    configs: digestsOfReference(image.optionalText('imageID')),
    ...(platform !== undefined && { platform }),
  }
}

function vulnerabilityOf(match: Fields): Vulnerability {
  const vulnerability = match.object('vulnerability')
  const artifact = match.object('artifact')
  const id = vulnerability.text('id')
  const related = match.objects('relatedVulnerabilities').map((one) => one.text('id'))
  const advisories = vulnerability.objects('advisories').flatMap((one) => one.optionalText('id') ?? [])
  const fix = vulnerability.optionalObject('fix')
  const fixedVersion = fix?.optionalTexts('versions').join(', ') ?? ''
  const { version, purl } = artifact.texts('version', 'purl')
  return {
    id,
    aliases: aliasesOf(id, [...related, ...advisories]),
    package: {
      name: artifact.text('name'),
      ...(version !== undefined && { version }),
      ...(purl !== undefined && purl !== '' && { purl }),
    },
    severity: severityNamed(vulnerability.optionalText('severity')),
    ...(fixedVersion !== '' && { fixedVersion }),
    isUnfixed: fixedVersion === '' && isNoFix(fix?.optionalText('state')),
    scanner: 'grype',
  }
}

/**
 * An advisory about several CVEs, as Amazon Linux has them, is an alias of none: an exception for
 * one CVE would except the others.
 */
function aliasesOf(id: string, others: readonly string[]): readonly string[] {
  const aliases = withoutRepeats(others.filter((other) => other !== id))
  const cves = withoutRepeats([id, ...aliases].filter((name) => name.startsWith('CVE-')))
  return cves.length > 1 ? aliases.filter((name) => !name.startsWith('CVE-')) : aliases
}

/** The state `unknown` is that of a vulnerability whose fix Grype has no data about. */
function isNoFix(state: string | undefined): boolean {
  return state === 'not-fixed' || state === 'wont-fix'
}
