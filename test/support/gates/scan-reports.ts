import type { AttachedEvidence } from '../../../src/gates/evidence.ts'
import type { Digest } from '../../../src/oci/digest.ts'
import { amd64, type Attached, day, digest, hour, index, now, statement } from './judged-image.ts'

/** Small documents in the formats of scanners, as the parsers of src/reports read them. */

export const vulnType = 'https://cosign.sigstore.dev/attestation/vuln/v1'
export const vulnsType = 'https://in-toto.io/attestation/vulns/v0.2'
const sarifType = 'https://example.com/sarif/v2.1'
const openVexType = 'https://openvex.dev/ns/v0.2.0'

export interface TestFinding {
  readonly id: string
  readonly severity?: string
  readonly name?: string
  readonly version?: string
  /** undefined: there is no fix */
  readonly fixed?: string | undefined
  readonly aliases?: readonly string[]
}

/** A critical vulnerability with a fix. */
export const critical: TestFinding = {
  id: 'CVE-2026-9999',
  severity: 'CRITICAL',
  name: 'openssl',
  version: '3.0.1',
  fixed: '3.0.2',
}

/** The image that a report names; by default linux/amd64 by its config and the index. */
export interface ReportOf {
  readonly findings?: readonly TestFinding[]
  /** milliseconds before now; null: the report has no time */
  readonly age?: number | null
  readonly platform?: string | null
  readonly config?: Digest | null
  readonly manifests?: readonly Digest[]
}

export function purlOf({ name = 'openssl', version = '3.0.1' }: TestFinding): string {
  return `pkg:deb/debian/${name}@${version}`
}

/** JSON of Trivy. */
export function trivy({
  findings = [],
  age = hour,
  platform = 'linux/amd64',
  config = digest(`config of ${platform ?? ''}`),
  manifests = [index],
}: ReportOf = {}): Readonly<Record<string, unknown>> {
  const [os = '', architecture = '', variant = ''] = platform?.split('/') ?? []
  return {
    SchemaVersion: 2,
    ...(age !== null && { CreatedAt: new Date(now - age).toISOString() }),
    ArtifactName: 'registry.example.com/staging/api:1.4.2',
    Metadata: {
      ...(config !== null && { ImageID: config }),
      RepoDigests: manifests.map((one) => `registry.example.com/staging/api@${one}`),
      ...(platform !== null && { ImageConfig: { os, architecture, variant } }),
    },
    Results: [
      {
        Target: 'api (debian 12.1)',
        Class: 'os-pkgs',
        Vulnerabilities: findings.map((one) => ({
          VulnerabilityID: one.id,
          VendorIDs: one.aliases,
          PkgName: one.name ?? 'openssl',
          InstalledVersion: one.version ?? '3.0.1',
          PkgIdentifier: { PURL: purlOf(one) },
          Severity: one.severity ?? 'HIGH',
          ...(one.fixed !== undefined && { FixedVersion: one.fixed }),
        })),
      },
    ],
  }
}

/** JSON of Grype. */
export function grype({
  findings = [],
  age = hour,
  config = digest('config of linux/amd64'),
}: ReportOf = {}): Readonly<Record<string, unknown>> {
  return {
    matches: findings.map((one) => grypeMatch(one)),
    source: { type: 'image', target: { userInput: 'api', imageID: config, repoDigests: [] } },
    descriptor: {
      name: 'grype',
      version: '0.90.0',
      ...(age !== null && { timestamp: new Date(now - age).toISOString() }),
    },
  }
}

function grypeMatch(one: TestFinding): object {
  return {
    vulnerability: {
      id: one.id,
      severity: one.severity ?? 'High',
      fix: {
        versions: one.fixed === undefined ? [] : [one.fixed],
        state: one.fixed === undefined ? 'not-fixed' : 'fixed',
      },
    },
    relatedVulnerabilities: (one.aliases ?? []).map((id) => ({ id })),
    artifact: { name: one.name ?? 'openssl', version: one.version ?? '3.0.1', purl: purlOf(one) },
  }
}

/** SARIF without the digest of an image, with one result that a user suppressed. */
export function sarif({ findings = [], age = hour }: ReportOf = {}): Readonly<Record<string, unknown>> {
  return {
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'scanner-x',
            rules: findings.map(({ id }) => ({ id, properties: { 'security-severity': '9.8' } })),
          },
        },
        invocations: [
          {
            executionSuccessful: true,
            ...(age !== null && { endTimeUtc: new Date(now - age).toISOString() }),
          },
        ],
        results: findings.map(({ id }) => ({
          ruleId: id,
          message: { text: id },
          suppressions: [{ kind: 'external', status: 'accepted' }],
        })),
      },
    ],
  }
}

/** A report in cosign's predicate for vulnerabilities, signed by `scanner`. */
export function scanned(report: object, options: Attached = {}): AttachedEvidence {
  return statement(vulnType, { scanner: { result: report } }, { by: ['scanner'], to: amd64, ...options })
}

/** A SARIF report as a predicate, signed by `scanner`. */
export function scannedSarif(report: object, options: Attached = {}): AttachedEvidence {
  return statement(sarifType, report, { by: ['scanner'], to: amd64, ...options })
}

export interface TestVex {
  readonly id?: string
  readonly aliases?: readonly string[]
  readonly status?: string
  readonly justification?: string | undefined
  /** milliseconds before now; null: the statement has a time that cannot be read */
  readonly age?: number | null
  readonly product?: string
  readonly subcomponents?: readonly string[]
}

/** An OpenVEX document with one statement, signed by `security`. */
export function vex(
  {
    id = critical.id,
    aliases = [],
    status = 'not_affected',
    justification = 'vulnerable_code_not_in_execute_path',
    age = hour,
    product = `pkg:oci/api@${amd64}`,
    subcomponents = [purlOf(critical)],
  }: TestVex = {},
  options: Attached = {},
): AttachedEvidence {
  const document = {
    '@context': openVexType,
    '@id': 'https://example.com/vex/1',
    author: 'security',
    timestamp: new Date(now - 30 * day).toISOString(),
    version: 1,
    statements: [
      {
        vulnerability: { name: id, aliases },
        status,
        ...(justification !== '' && { justification }),
        timestamp: age === null ? 'yesterday' : new Date(now - age).toISOString(),
        products: [
          {
            '@id': product.replace(/^(pkg:.*@sha256):/, '$1%3A'),
            subcomponents: subcomponents.map((one) => ({ '@id': one })),
          },
        ],
      },
    ],
  }
  return statement(openVexType, document, { by: ['security'], to: amd64, ...options })
}
