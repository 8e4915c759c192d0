import { DrayError } from '../../lib/errors.ts'
import type { Fields } from '../../oci/fields.ts'
import { isRecord } from '../../oci/json.ts'
import { allComponents, configsOf, cycloneDxVersion, isCycloneDx, manifestsOf } from '../shared/cyclonedx.ts'
import { withoutRepeats } from '../shared/named-digests.ts'
import { reportTime } from '../shared/report-time.ts'
import { highestSeverity, severityNamed, severityOfScore } from '../shared/severity.ts'
import type { ReportSubject, ReportedPackage, ScanReport, Vulnerability } from '../vulnerability.ts'
import { reportName, type ScanFormat } from './scan-format.ts'

/** Earlier versions have no vulnerabilities. */
const versions = ['1.4', '1.5', '1.6', '1.7']

/** A CycloneDX BOM with vulnerabilities. Other BOMs are SBOMs or VEX documents. */
export const cycloneDxFormat: ScanFormat = {
  isFormatOf: isCycloneDx,
  isScan: (document) => whyNoScan(document) === undefined,
  parse: parseCycloneDx,
}

function parseCycloneDx(bom: Fields): ScanReport {
  cycloneDxVersion(bom, versions, reportName)
  const reason = whyNoScan(bom.record)
  if (reason !== undefined) {
    throw new DrayError('unsupported', `${reportName} is a CycloneDX BOM ${reason}`, {
      hint: 'Write the report with: trivy image --format json.',
    })
  }
  const metadata = bom.object('metadata')
  const scanner = scannerOf(metadata)
  bom.list('vulnerabilities', Infinity)
  const packages = packagesOf(bom)
  const completedAt = reportTime(metadata.optionalText('timestamp'))
  return {
    format: 'cyclonedx',
    scanner,
    ...(completedAt !== undefined && { completedAt }),
    subject: subjectOf(metadata.optionalObject('component'), scanner),
    vulnerabilities: bom.objects('vulnerabilities').flatMap((one) => findingsOf(one, packages, scanner)),
  }
}

/** Undefined for a scan report. */
function whyNoScan(document: Readonly<Record<string, unknown>>): string | undefined {
  const { vulnerabilities, components, metadata } = document
  if (vulnerabilities === undefined) return 'without vulnerabilities: an SBOM'
  if (components === undefined) return 'without components: a VEX document'
  const isEmpty = Array.isArray(vulnerabilities) && vulnerabilities.length === 0
  // Trivy writes an empty list also if it did not scan (trivy, pkg/sbom/cyclonedx/marshal.go).
  return isEmpty && isRecord(metadata) && toolOf(metadata) === 'trivy'
    ? 'of trivy without vulnerabilities: trivy writes the same without a scan'
    : undefined
}

function scannerOf(metadata: Fields): string {
  const name = toolOf(metadata.record)
  if (name === undefined) throw new DrayError('malformed', `${reportName} does not name its scanner`)
  return name
}

/** The list `tools` is the form of version 1.4; later versions have an object. */
function toolOf({ tools }: Readonly<Record<string, unknown>>): string | undefined {
  const list: unknown = isRecord(tools) ? tools['components'] : tools
  const first: unknown = Array.isArray(list) ? list[0] : undefined
  const name = isRecord(first) ? first['name'] : undefined
  return typeof name === 'string' ? name.toLowerCase() : undefined
}

function subjectOf(component: Fields | undefined, scanner: string): ReportSubject {
  const version = component?.optionalText('version')
  return {
    // The version that Grype writes is the digest of a manifest that it computed itself.
    manifests: manifestsOf(component).filter((digest) => scanner !== 'grype' || digest !== version),
    configs: configsOf(component),
  }
}

function packagesOf(bom: Fields): ReadonlyMap<string, ReportedPackage> {
  return new Map(
    allComponents(bom).flatMap((component) => {
      const reference = component.optionalText('bom-ref')
      const { version, purl } = component.texts('version', 'purl')
      return reference === undefined
        ? []
        : [
            [
              reference,
              {
                name: component.text('name'),
                ...(version !== undefined && { version }),
                ...(purl !== undefined && { purl }),
              },
            ] as const,
          ]
    }),
  )
}

/** One finding for each affected component, also if an analysis says that it is not affected. */
function findingsOf(
  vulnerability: Fields,
  packages: ReadonlyMap<string, ReportedPackage>,
  scanner: string,
): readonly Vulnerability[] {
  const id = vulnerability.text('id')
  const references = vulnerability.objects('references').flatMap((one) => one.optionalText('id') ?? [])
  const affected = vulnerability.objects('affects').map((one) => one.text('ref'))
  const recommendation = vulnerability.optionalText('recommendation')
  const fixes = fixesIn(recommendation ?? '')
  const severity = severityOf(vulnerability.objects('ratings'))
  const aliases = withoutRepeats(references.filter((other) => other !== id))
  return (affected.length === 0 ? ['unknown'] : affected).map((reference) => {
    const affectedPackage = packages.get(reference) ?? { name: reference }
    const fixedVersion = fixes.get(affectedPackage.name)
    return {
      id,
      aliases,
      package: affectedPackage,
      severity,
      ...(fixedVersion !== undefined && { fixedVersion }),
      isUnfixed: scanner === 'trivy' && recommendation === undefined,
      scanner,
    }
  })
}

/** The highest of all ratings: the BOM does not say which of them the scanner would show. */
function severityOf(ratings: readonly Fields[]): Vulnerability['severity'] {
  return highestSeverity(
    ratings.map((rating) => {
      const name = rating.optionalText('severity')
      const score = rating.value('score')
      if (name !== undefined) return severityNamed(name)
      const isCvss = rating.optionalText('method')?.startsWith('CVSS') ?? false
      return isCvss && typeof score === 'number' ? severityOfScore(score) : 'unknown'
    }),
  )
}

/** Trivy recommends `Upgrade NAME to version VERSION`, for several packages after semicolons. */
function fixesIn(recommendation: string): ReadonlyMap<string, string> {
  const sentences = recommendation.split('; ').map((one) => /^Upgrade (\S+) to version (.+)$/.exec(one))
  return new Map(sentences.flatMap((match) => (match === null ? [] : [[match[1] ?? '', match[2] ?? '']])))
}
