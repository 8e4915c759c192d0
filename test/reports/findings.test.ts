import { describe, expect, it } from 'vitest'
import { parseScanReport } from '../../src/reports/parse-scan-report.ts'
import type { ScanReport, Vulnerability } from '../../src/reports/vulnerability.ts'
import { editedReport, type Edits, report, scannedAt, scannedImage } from '../support/reports.ts'

const trivyFinding = { VulnerabilityID: 'CVE-2026-0009', PkgName: 'curl', Severity: 'HIGH' }
const grypeMatch = {
  vulnerability: { id: 'CVE-2026-0009', severity: 'High' },
  artifact: { name: 'curl', version: '8.0.0' },
}

function parse(folder: string, edits: Edits): ScanReport {
  return parseScanReport(editedReport(`${folder}/findings.json`, edits), undefined)
}

function first(folder: string, edits: Edits): Vulnerability | undefined {
  return parse(folder, edits).vulnerabilities[0]
}

describe('the severity', () => {
  const trivy = '/Results/0/Vulnerabilities/0/Severity'
  const grype = '/matches/0/vulnerability/severity'
  const sarif = '/runs/0/tool/driver/rules/0/properties/security-severity'
  const ratings = '/vulnerabilities/0/ratings'
  it.each([
    ['trivy', { [trivy]: 'critical' }, 'critical'],
    ['trivy', { [trivy]: 'SEVERE' }, 'unknown'],
    ['trivy', { [trivy]: undefined }, 'unknown'],
    ['trivy', { [trivy]: '' }, 'unknown'],
    ['trivy', { [trivy]: '__proto__' }, 'unknown'],
    ['grype', { [grype]: 'Negligible' }, 'negligible'],
    ['grype', { [grype]: 'Unknown' }, 'unknown'],
    ['grype', { [grype]: undefined }, 'unknown'],
    ['sarif', { [sarif]: '9.0' }, 'critical'],
    ['sarif', { [sarif]: '8.9' }, 'high'],
    ['sarif', { [sarif]: '7.0' }, 'high'],
    ['sarif', { [sarif]: '6.9' }, 'medium'],
    ['sarif', { [sarif]: '4.0' }, 'medium'],
    ['sarif', { [sarif]: '3.9' }, 'low'],
    ['sarif', { [sarif]: 0.1 }, 'low'],
    ['sarif', { [sarif]: '0.0' }, 'unknown'],
    ['sarif', { [sarif]: '11' }, 'unknown'],
    ['sarif', { [sarif]: '-1' }, 'unknown'],
    ['sarif', { [sarif]: 'critical' }, 'critical'],
    ['sarif', { [sarif]: {} }, 'unknown'],
    ['sarif', { [sarif]: undefined }, 'unknown'],
    ['sarif', { '/runs/0/tool/driver/rules': [] }, 'unknown'],
    ['cyclonedx', { [ratings]: [] }, 'unknown'],
    ['cyclonedx', { [ratings]: undefined }, 'unknown'],
    ['cyclonedx', { [ratings]: [{ severity: 'low' }, { severity: 'high' }, {}] }, 'high'],
    ['cyclonedx', { [ratings]: [{ severity: 'none' }] }, 'negligible'],
    ['cyclonedx', { [ratings]: [{ method: 'CVSSv4', score: 9.1 }] }, 'critical'],
    ['cyclonedx', { [ratings]: [{ method: 'other', score: 1 }] }, 'unknown'],
  ])('of a finding of %s with %j is %s', (folder, edits, severity) => {
    expect(first(folder, edits)?.severity).toBe(severity)
  })

  it.each([
    [[{ method: 'nvd', score: 'High' }], 'high'],
    [[{ method: 'cvss_score', score: '9.8' }], 'critical'],
    [
      [
        { method: 'nvd', score: 'medium' },
        { method: 'cvss_v3', score: '7.1' },
      ],
      'high',
    ],
    [[{ method: 'epss', score: '0.97' }], 'unknown'],
    [[{ method: 'nvd' }], 'unknown'],
    [[], 'unknown'],
    [undefined, 'unknown'],
  ])('of an in-toto result with %j is %s', (severity, expected) => {
    const predicate = {
      scanner: { uri: 'pkg:github/aquasecurity/trivy@1', result: [{ id: 'CVE-2026-0009', severity }] },
    }
    const { vulnerabilities } = parseScanReport(predicate, 'https://in-toto.io/attestation/vulns/v0.2')
    expect(vulnerabilities).toMatchObject([{ severity: expected }])
  })
})

describe('a suppressed finding counts', () => {
  it('in SARIF', () => {
    const suppressed = parse('sarif', {
      '/runs/0/results/0/suppressions': [{ kind: 'external', status: 'accepted', justification: 'no' }],
    })
    expect(suppressed.vulnerabilities).toHaveLength(6)
  })

  it('of Grype', () => {
    const rule = { vulnerability: 'CVE-2026-0009', namespace: '' }
    const edits = { '/matches': [], '/ignoredMatches': [{ ...grypeMatch, appliedIgnoreRules: [rule] }] }
    expect(parse('grype', edits).vulnerabilities).toMatchObject([{ id: 'CVE-2026-0009', severity: 'high' }])
  })

  it('of Trivy', () => {
    const finding = {
      Type: 'vulnerability',
      Status: 'ignored',
      Source: '.trivyignore',
      Finding: trivyFinding,
    }
    const secret = { Type: 'secret', Status: 'ignored', Finding: { RuleID: 'key' } }
    const edits = {
      '/Results/0/Vulnerabilities': undefined,
      '/Results/0/ExperimentalModifiedFindings': [finding, secret],
      '/Results/1': undefined,
    }
    expect(parse('trivy', edits).vulnerabilities).toMatchObject([{ id: 'CVE-2026-0009', severity: 'high' }])
  })

  it('in CycloneDX', () => {
    const analysis = { state: 'not_affected', justification: 'code_not_present' }
    expect(parse('cyclonedx', { '/vulnerabilities/0/analysis': analysis }).vulnerabilities).toHaveLength(6)
  })
})

describe('a result that is no vulnerability does not count', () => {
  it.each([
    ['a secret of trivy', { '/runs/0/tool/driver/rules/0/name': 'Secret' }],
    ['a misconfiguration of trivy', { '/runs/0/tool/driver/rules/0/name': 'Misconfiguration' }],
    ['a rule that passed', { '/runs/0/results/0/kind': 'pass' }],
    ['a rule that does not apply', { '/runs/0/results/0/kind': 'notApplicable' }],
  ])('in SARIF: %s', (_, edits) => {
    expect(parse('sarif', edits).vulnerabilities).toHaveLength(5)
  })

  it('but a secret of another scanner in SARIF counts', () => {
    const edits = {
      '/runs/0/tool/driver/name': 'other',
      '/runs/0/tool/driver/rules/0/name': 'Secret',
      '/runs/0/results/1/kind': 'open',
    }
    expect(parse('sarif', edits).vulnerabilities).toHaveLength(6)
  })
})

describe('the fix', () => {
  const state = (value: string): Edits => ({
    '/matches/0/vulnerability/fix': { versions: [], state: value },
  })
  it.each([
    ['grype', state('not-fixed'), true],
    ['grype', state('wont-fix'), true],
    ['grype', state('unknown'), false],
    ['grype', state(''), false],
    ['trivy', { '/Results/0/Vulnerabilities/0/FixedVersion': undefined }, true],
    ['cyclonedx', { '/vulnerabilities/0/recommendation': undefined }, true],
    ['cyclonedx', { '/vulnerabilities/0/recommendation': 'Use another package.' }, false],
    ['sarif', { '/runs/0/results/0/message/text': 'Fixed Version: ' }, true],
    ['sarif', { '/runs/0/results/0/message/text': '', '/runs/0/tool/driver/rules/0/help': undefined }, false],
  ])('of a finding of %s with %j is none: %s', (folder, edits, isUnfixed) => {
    expect(first(folder, edits)).toMatchObject({ isUnfixed })
    expect(first(folder, edits)).not.toHaveProperty('fixedVersion')
  })

  it('of Grype can be several versions', () => {
    const fix = { versions: ['1.2.1', '2.1.3'], state: 'fixed' }
    expect(first('grype', { '/matches/0/vulnerability/fix': fix })?.fixedVersion).toBe('1.2.1, 2.1.3')
  })

  it('of each package is read from a recommendation of trivy about several', () => {
    const [one, other] = parse('cyclonedx', {
      '/vulnerabilities/0/recommendation': 'Upgrade busybox to version 1; Upgrade libssl3 to version 2',
      '/vulnerabilities/0/affects': [
        { ref: 'pkg:apk/alpine/libssl3@3.0.1-r0?arch=x86_64&distro=3.20.1' },
        { ref: 'pkg:apk/alpine/busybox@1.36.1-r2?arch=x86_64&distro=3.20.1' },
      ],
    }).vulnerabilities
    expect([one?.fixedVersion, other?.fixedVersion]).toEqual(['2', '1'])
  })
})

describe('an alias', () => {
  it('of an advisory about several CVEs is none of them', () => {
    const edits = {
      '/matches/0/vulnerability/id': 'ALAS-2026-1',
      '/matches/0/relatedVulnerabilities': [{ id: 'CVE-2026-0010' }, { id: 'CVE-2026-0011' }],
      '/matches/0/vulnerability/advisories': [{ id: 'ALAS2-2026-1' }],
    }
    expect(first('grype', edits)?.aliases).toEqual(['ALAS2-2026-1'])
  })

  it('of a GHSA is its one CVE', () => {
    const edits = {
      '/matches/0/vulnerability/id': 'GHSA-aaaa-bbbb-cccc',
      '/matches/0/relatedVulnerabilities': [{ id: 'CVE-2026-0010' }],
    }
    expect(first('grype', edits)?.aliases).toEqual(['CVE-2026-0010'])
  })
})

describe('SARIF of Grype', () => {
  it('has a rule for each vulnerability and package, and names no image', () => {
    const { subject, scanner, vulnerabilities } = parseScanReport(
      report('sarif/grype-findings.json'),
      undefined,
    )
    expect({ subject, scanner }).toEqual({ subject: { manifests: [], configs: [] }, scanner: 'grype' })
    expect(vulnerabilities[0]).toEqual({
      id: 'CVE-2026-0001',
      aliases: ['CVE-2026-0001-libssl3'],
      package: {
        name: 'libssl3',
        version: '3.0.1-r0',
        purl: 'pkg:apk/alpine/libssl3@3.0.1-r0?arch=x86_64&distro=3.20.1',
      },
      severity: 'critical',
      fixedVersion: '3.0.2-r0',
      isUnfixed: false,
      scanner: 'grype',
    })
    expect(vulnerabilities[2]).toMatchObject({ id: 'CVE-2026-0003', isUnfixed: true })
  })

  it.each([
    ['CVE-2026-1234-openssl', 'CVE-2026-1234'],
    ['CVE-2026-1234', 'CVE-2026-1234'],
    ['CVE-2026-12345', 'CVE-2026-12345'],
    ['GHSA-aaaa-bbbb-cccc-openssl', 'GHSA-aaaa-bbbb-cccc'],
    ['CVE-2026-1234abc', 'CVE-2026-1234abc'],
    ['SNYK-DEBIAN-OPENSSL-1', 'SNYK-DEBIAN-OPENSSL-1'],
  ])('the id of the rule %s is %s', (ruleId, id) => {
    const edits = {
      '/runs/0/results/0/ruleId': ruleId,
      '/runs/0/results/0/ruleIndex': undefined,
      '/runs/0/tool/driver/rules/0/id': ruleId,
    }
    expect(first('sarif', edits)?.id).toBe(id)
  })
})

describe('the subject', () => {
  const byDigest = `registry.example.com/staging/api@${scannedImage.manifest}`
  it.each([
    ['trivy', { '/ArtifactName': byDigest }, [scannedImage.index, scannedImage.manifest]],
    ['trivy', { '/Metadata/RepoDigests': null, '/Metadata/Reference': byDigest }, [scannedImage.manifest]],
    ['trivy', { '/Metadata/RepoDigests': undefined }, []],
    ['trivy', { '/Metadata/RepoDigests': ['registry.example.com/api@sha256:12'] }, []],
    ['grype', { '/source/target/userInput': byDigest }, [scannedImage.index, scannedImage.manifest]],
    ['grype', { '/source/target/manifestDigest': scannedImage.manifest }, [scannedImage.index]],
    ['grype', { '/source/type': 'directory', '/source/target': '/src' }, []],
    ['grype', { '/source/target': null }, []],
    ['sarif', { '/runs/0/properties/imageName': byDigest }, [scannedImage.index, scannedImage.manifest]],
    ['sarif', { '/runs/0/properties/repoDigests': null }, []],
    ['sarif', { '/runs/0/properties': undefined }, []],
    ['cyclonedx', { '/metadata/component': undefined }, []],
    [
      'cyclonedx',
      {
        '/metadata/component': {
          name: 'api',
          type: 'container',
          hashes: [{ alg: 'SHA-256', content: scannedImage.manifest.slice(7) }],
        },
      },
      [scannedImage.manifest],
    ],
    [
      'cyclonedx',
      { '/metadata/component': { name: 'api', type: 'container', version: scannedImage.manifest } },
      [scannedImage.manifest],
    ],
  ])('of %s with %j is %j', (folder, edits, manifests) => {
    expect(parse(folder, edits).subject.manifests).toEqual(manifests)
  })

  it.each([
    ['trivy', { '/Metadata/ImageConfig': undefined }, undefined],
    ['trivy', { '/Metadata/ImageConfig/os': '', '/Metadata/ImageConfig/architecture': '' }, undefined],
    [
      'trivy',
      { '/Metadata/ImageConfig/architecture': 'arm', '/Metadata/ImageConfig/variant': 'v7' },
      'linux/arm/v7',
    ],
    ['grype', { '/source/target/os': '', '/source/target/architecture': '' }, undefined],
    [
      'grype',
      { '/source/target/architecture': 'arm64', '/source/target/architectureVariant': 'v8' },
      'linux/arm64/v8',
    ],
  ])('of %s with %j has the platform %s', (folder, edits, platform) => {
    expect(parse(folder, edits).subject.platform).toBe(platform)
  })
})

describe('the completion time', () => {
  it.each([
    ['trivy', { '/CreatedAt': '0001-01-01T00:00:00Z' }],
    ['trivy', { '/CreatedAt': undefined }],
    ['trivy', { '/CreatedAt': '2026-11-24 10:02:00' }],
    ['trivy', { '/CreatedAt': '2026-11-24T10:02:00' }],
    ['trivy', { '/CreatedAt': '2026-13-24T10:02:00Z' }],
    ['grype', { '/descriptor/timestamp': '' }],
    ['cyclonedx', { '/metadata/timestamp': undefined }],
    ['sarif', { '/runs/0/invocations': [{ executionSuccessful: true }] }],
  ])('of %s with %j is none', (folder, edits) => {
    expect(parse(folder, edits)).not.toHaveProperty('completedAt')
  })

  it('of SARIF is the end of its last invocation', () => {
    const ended = (endTimeUtc: string): object => ({ executionSuccessful: true, endTimeUtc })
    const invocations = [ended('2026-11-24T10:02:00Z'), ended('2026-11-24T10:01:00Z')]
    expect(parse('sarif', { '/runs/0/invocations': invocations }).completedAt).toBe(scannedAt)
  })

  it.each([
    ['2026-11-24T09:00:00Z', '2026-11-24T10:02:00Z', '2026-11-24T09:00:00Z'],
    ['2026-11-24T10:02:00Z', '2026-11-24T09:00:00Z', '2026-11-24T09:00:00Z'],
    [undefined, '2026-11-24T09:00:00Z', '2026-11-24T09:00:00Z'],
    ['2026-11-24T09:00:00Z', undefined, '2026-11-24T09:00:00Z'],
  ])("of cosign's predicate is the earlier of %s in the report and %s", (created, finished, expected) => {
    const edits = { '/scanner/result/CreatedAt': created, '/metadata/scanFinishedOn': finished }
    expect(parse('cosign-vuln', edits).completedAt).toBe(Date.parse(expected))
  })
})

describe("cosign's predicate", () => {
  it.each(['grype', 'sarif', 'cyclonedx'])('can contain a report of %s', (folder) => {
    const result = report(`${folder}/findings.json`)
    const { vulnerabilities, subject, scanner } = parseScanReport(result, undefined)
    const predicate = editedReport('cosign-vuln/clean.json', { '/scanner/result': result })
    expect(parseScanReport(predicate, 'https://cosign.sigstore.dev/attestation/vuln/v1')).toMatchObject({
      format: 'cosignVuln',
      vulnerabilities,
      subject,
      scanner,
    })
  })
})

describe("in-toto's predicate", () => {
  it.each([
    ['pkg:github/aquasecurity/trivy@0.69.0', 'trivy'],
    ['https://github.com/anchore/grype/releases/tag/v0.104.0', 'grype'],
    ['pkg:github/example/Scanner@1', 'scanner'],
    ['https://example.com/Scanner/', 'scanner'],
    ['urn:scanner', 'urn:scanner'],
  ])('of %s has the scanner %s', (uri, name) => {
    const predicate = { scanner: { uri, result: [] } }
    expect(parseScanReport(predicate, 'https://in-toto.io/attestation/vulns/v0.1').scanner).toBe(name)
  })

  it.each([
    ['the text of v0.1', [{ vulnerability: { id: 'CVE-2026-0009' } }]],
    ['its protobuf definition', { vulnerabilities: [{ id: 'CVE-2026-0009' }] }],
  ])('may have its results as %s has them', (_, result) => {
    const predicate = { scanner: { uri: 'pkg:github/aquasecurity/trivy', result } }
    const { vulnerabilities } = parseScanReport(predicate, 'https://in-toto.io/attestation/vulns/v0.1')
    expect(vulnerabilities).toMatchObject([{ id: 'CVE-2026-0009' }])
  })
})

describe('CycloneDX', () => {
  it.each([
    [
      'a component in another one',
      { '/components/0/components': [{ 'bom-ref': 'x', name: 'curl' }] },
      'curl',
    ],
    ['a component that the BOM does not have', {}, 'x'],
  ])('a finding of %s counts', (_, edits, name) => {
    const affects = { '/vulnerabilities/0/affects': [{ ref: 'x' }] }
    expect(first('cyclonedx', { ...edits, ...affects })?.package.name).toBe(name)
  })

  it('a finding without affected components counts', () => {
    expect(first('cyclonedx', { '/vulnerabilities/0/affects': undefined })).toMatchObject({
      id: 'CVE-2026-0001',
      severity: 'critical',
    })
  })

  it('names its scanner also as version 1.4 does', () => {
    const tools = [{ vendor: 'anchore', name: 'Grype', version: '0.60.0' }]
    expect(parse('cyclonedx', { '/metadata/tools': tools, '/specVersion': '1.4' }).scanner).toBe('grype')
  })
})
