import { describe, expect, it } from 'vitest'
import { parseJson } from '../../src/oci/json.ts'
import { isScanPredicate, isScanReport, parseScanReport } from '../../src/reports/parse-scan-report.ts'
import type { ReportSubject, ScanReport } from '../../src/reports/vulnerability.ts'
import { outcomeOf } from '../support/error-code.ts'
import { otherImage, report, reportText, scannedAt, scannedImage } from '../support/reports.ts'

interface Format {
  readonly folder: string
  readonly format: ScanReport['format']
  /** of an attestation with this predicate */
  readonly predicateType?: string
  readonly hasTime?: false
  readonly hasPlatform?: true
  readonly hasAliases?: false
  readonly names: 'index and config' | 'manifest' | 'nothing'
}

const inToto = 'https://in-toto.io/attestation/vulns'

const formats: readonly Format[] = [
  { folder: 'trivy', format: 'trivy', hasPlatform: true, names: 'index and config' },
  { folder: 'grype', format: 'grype', hasPlatform: true, names: 'index and config' },
  { folder: 'sarif', format: 'sarif', hasTime: false, hasAliases: false, names: 'index and config' },
  { folder: 'cyclonedx', format: 'cyclonedx', names: 'manifest' },
  {
    folder: 'cosign-vuln',
    format: 'cosignVuln',
    predicateType: 'https://cosign.sigstore.dev/attestation/vuln/v1',
    hasPlatform: true,
    names: 'index and config',
  },
  ...(['v0.1', 'v0.2'] as const).map((version) => ({
    folder: `in-toto-${version}`,
    format: 'inTotoVulns' as const,
    predicateType: `${inToto}/${version}`,
    hasAliases: false as const,
    names: 'nothing' as const,
  })),
]

/** in-toto's fixtures are whole statements. */
function documentOf(value: unknown): unknown {
  const statement = value as { readonly predicate?: unknown }
  return statement.predicate ?? value
}

function subjectOf({ names, hasPlatform }: Format, image: typeof scannedImage): ReportSubject {
  const platform = hasPlatform && { platform: 'linux/amd64' }
  if (names === 'nothing') return { manifests: [], configs: [] }
  if (names === 'manifest') return { manifests: [image.manifest], configs: [] }
  return { manifests: [image.index], configs: [image.config], ...platform }
}

describe.each(formats)('a report of the format $folder', (format) => {
  const { folder, predicateType } = format
  const parse = (file: string): ScanReport =>
    parseScanReport(documentOf(report(`${folder}/${file}`)), predicateType)

  it('without vulnerabilities is clean, and names its image, scanner and time', () => {
    const clean = parse('clean.json')
    expect(clean).toMatchObject({
      format: format.format,
      scanner: folder === 'grype' || folder === 'cyclonedx' ? 'grype' : 'trivy',
      subject: subjectOf(format, scannedImage),
      vulnerabilities: [],
    })
    const seconds = clean.completedAt === undefined ? undefined : Math.floor(clean.completedAt / 1000)
    expect(seconds).toBe(format.hasTime === false ? undefined : scannedAt / 1000)
  })

  it('has the vulnerabilities of each severity', () => {
    const found = parse('findings.json').vulnerabilities
    const severities = found
      .filter(({ severity }) => severity !== 'negligible')
      .map(({ id, severity }) => [id.slice(-4), severity])
    expect(severities).toEqual([
      ['0001', 'critical'],
      ['0002', 'high'],
      ['0003', 'medium'],
      ['0004', 'low'],
      ['0005', 'unknown'],
      [format.format === 'grype' ? 'cx7m' : '0006', 'high'],
    ])
  })

  it('about another image names that image', () => {
    expect(parse('other-image.json').subject).toEqual(subjectOf(format, otherImage))
  })

  it('is refused if it is truncated', () => {
    const text = reportText(`${folder}/truncated.txt`)
    expect(outcomeOf(() => parseJson(text, 'the report', 100))).toBe('malformed')
  })

  it('is a scan report by its type and content', () => {
    expect(isScanReport(documentOf(report(`${folder}/clean.json`)), predicateType)).toBe(true)
    expect(isScanPredicate(predicateType ?? 'https://example.com/trivy/v1')).toBe(true)
  })
})

describe('the package and the fix of a vulnerability', () => {
  const parse = ({ folder, predicateType }: Format): ScanReport =>
    parseScanReport(documentOf(report(`${folder}/findings.json`)), predicateType)

  it.each(formats.filter(({ names }) => names !== 'nothing'))('are in $folder', (format) => {
    const [first, , third] = parse(format).vulnerabilities
    expect(first).toMatchObject({
      package: { name: 'libssl3', version: '3.0.1-r0' },
      fixedVersion: '3.0.2-r0',
      isUnfixed: false,
    })
    expect(third).toMatchObject({ package: { name: 'zlib' }, isUnfixed: true })
    expect(third).not.toHaveProperty('fixedVersion')
  })

  it.each(formats.filter(({ names }) => names === 'nothing'))('are not in $folder', (format) => {
    expect(parse(format).vulnerabilities[0]).toMatchObject({ package: { name: 'unknown' }, isUnfixed: false })
  })
})

describe('aliases', () => {
  it.each([
    ['trivy', 'CVE-2026-0006', ['GHSA-4v7x-pqxf-cx7m']],
    ['grype', 'GHSA-4v7x-pqxf-cx7m', ['CVE-2026-0006']],
    ['cyclonedx', 'CVE-2026-0006', ['GHSA-4v7x-pqxf-cx7m']],
  ])('of %s are the other ids of a vulnerability', (folder, id, aliases) => {
    const { vulnerabilities } = parseScanReport(report(`${folder}/findings.json`), undefined)
    expect(vulnerabilities.find((one) => one.id === id)).toMatchObject({ aliases })
  })
})

describe('predicate types and media types', () => {
  it.each([
    ['https://cosign.sigstore.dev/attestation/vuln/v1', true],
    ['https://cosign.sigstore.dev/attestation/v1', true],
    ['https://in-toto.io/attestation/vulns/v0.3', true],
    ['https://cyclonedx.org/bom', true],
    ['https://cyclonedx.org/bom/v1.6', true],
    ['application/vnd.cyclonedx+json', true],
    ['application/sarif+json', true],
    ['https://example.com/trivy/v1', true],
    ['https://example.com/Scan/v1', true],
    ['https://example.com/vulnerabilities', true],
    ['application/vnd.aquasec.trivy.report+json', true],
    ['https://slsa.dev/provenance/v1', false],
    ['https://spdx.dev/Document', false],
    ['https://openvex.dev/ns', false],
    ['https://cyclonedx.org/bomb', false],
    ['urn:dray:approval:v1', false],
  ])('%s can be a scan report: %s', (type, expected) => {
    expect(isScanPredicate(type)).toBe(expected)
  })

  it.each([
    ['https://in-toto.io/attestation/vulns/v0.3', 'in-toto-v0.2/clean.json'],
    ['https://cosign.sigstore.dev/attestation/vuln/v2', 'cosign-vuln/clean.json'],
  ])('%s is a newer version and refused', (type, file) => {
    const predicate = documentOf(report(file))
    expect(isScanReport(predicate, type)).toBe(true)
    expect(outcomeOf(() => parseScanReport(predicate, type))).toBe('unsupported')
  })

  it.each(['trivy', 'grype', 'sarif', 'cyclonedx'])(
    'a report of %s is read in a predicate of any type, and in the text of the custom one',
    (folder) => {
      const document = report(`${folder}/findings.json`)
      const direct = parseScanReport(document, undefined)
      const custom = { Data: reportText(`${folder}/findings.json`), Timestamp: '2026-11-24T10:05:00Z' }
      const customType = 'https://cosign.sigstore.dev/attestation/v1'
      expect(parseScanReport(document, 'https://example.com/trivy/v1')).toEqual(direct)
      expect(parseScanReport(custom, customType)).toEqual(direct)
      expect(isScanReport(custom, customType)).toBe(true)
    },
  )

  it.each(['trivy', 'grype', 'sarif', 'cyclonedx', 'cosign-vuln', 'in-toto-v0.2'])(
    'a truncated report of %s in the text of a custom predicate is a refused one',
    (folder) => {
      const custom = { Data: reportText(`${folder}/truncated.txt`), Timestamp: '2026-11-24T10:05:00Z' }
      const type = 'https://cosign.sigstore.dev/attestation/v1'
      expect(isScanReport(custom, type)).toBe(true)
      expect(outcomeOf(() => parseScanReport(custom, type))).toBe('malformed')
    },
  )

  it.each([
    ['an SBOM of trivy in a custom predicate', { Data: reportText('cyclonedx/trivy-sbom.json') }],
    ['an SBOM of trivy, which has an empty list', report('cyclonedx/trivy-sbom.json')],
    ['an SBOM in SPDX', report('spdx-2.3/complete.json')],
    ['a VEX document', report('cyclonedx-vex/statements.json')],
    ['OpenVEX', report('openvex/statements.json')],
    ['an empty object', {}],
    ['null', null],
    ['text in the custom predicate', { Data: 'lunch', Timestamp: '' }],
  ])('%s is no scan report, and refused as one', (_, document) => {
    expect(isScanReport(document, undefined)).toBe(false)
    expect(outcomeOf(() => parseScanReport(document, undefined))).toMatch(/unsupported|malformed/)
  })
})
