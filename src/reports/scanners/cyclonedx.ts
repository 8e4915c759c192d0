import { DrayError } from '../../lib/errors.ts'
import type { Fields } from '../../oci/fields.ts'
import { allComponents, configsOf, cycloneDxVersion, isCycloneDx, manifestsOf } from '../shared/cyclonedx.ts'
import { withoutRepeats } from '../shared/named-digests.ts'
import { reportTime } from '../shared/report-time.ts'
import { highestSeverity, severityNamed, severityOfScore } from '../shared/severity.ts'
import type { ReportSubject, ReportedPackage, ScanReport, Vulnerability } from '../vulnerability.ts'
import { reportName, type ScanFormat } from './scan-format.ts'

/** Earlier versions have no vulnerabilities. */
const versions = ['1.4', '1.5', '1.6', '1.7']

/**
 * A CycloneDX BOM with a list of vulnerabilities. A BOM without the list is an SBOM, and one
 * without components is a VEX document.
 */
export const cycloneDxFormat: ScanFormat = {
  isClaimedBy: (document) =>
    isCycloneDx(document) &&
    Object.hasOwn(document, 'vulnerabilities') &&
    Object.hasOwn(document, 'components'),
  parse: parseCycloneDx,
}

function parseCycloneDx(bom: Fields): ScanReport {
  cycloneDxVersion(bom, versions, reportName)
  const metadata = bom.object('metadata')
  const scanner = scannerOf(metadata)
  const list = bom.list('vulnerabilities', Infinity)
  // Trivy writes an empty list into each SBOM, also without a scan.
  if (list.length === 0 && scanner === 'trivy') {
    throw new DrayError('unsupported', `${reportName} has no vulnerabilities, as each SBOM of trivy`, {
      hint: 'Write the report with: trivy image --format json.',
    })
  }
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

/** The list `tools` is the form of version 1.4; later versions have an object. */
function scannerOf(metadata: Fields): string {
  const tools = Array.isArray(metadata.value('tools'))
    ? metadata.objects('tools')
    : (metadata.optionalObject('tools')?.objects('components') ?? [])
  const name = tools[0]?.optionalText('name')
  if (name === undefined) throw new DrayError('malformed', `${reportName} does not name its scanner`)
  return name.toLowerCase()
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
  return (affected.length === 0 ? ['unknown'] : affected).map((reference) => {
    const affectedPackage = packages.get(reference) ?? { name: reference }
    const fixedVersion = fixOf(recommendation, affectedPackage.name)
    return {
      id,
      aliases: withoutRepeats(references.filter((other) => other !== id)),
      package: affectedPackage,
      severity: severityOf(vulnerability.objects('ratings')),
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
function fixOf(recommendation: string | undefined, name: string): string | undefined {
  const prefix = `Upgrade ${name} to version `
  return recommendation
    ?.split('; ')
    .find((one) => one.startsWith(prefix))
    ?.slice(prefix.length)
}
