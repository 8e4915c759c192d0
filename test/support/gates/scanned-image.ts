import type { CelGate } from '../../../src/config/gates/gate.ts'
import type { GatedImage } from './allowed.ts'
import { attestation, signature } from './attached.ts'
import { buildxWith } from './buildx-statements.ts'
import { celGate, sbomGate, scanGate } from './definitions.ts'
import { hour, now } from './judged-image.ts'
import { critical, purlOf, trivy, vulnType } from './scan-reports.ts'
import { newSigner } from './test-signer.ts'
import { gateTrust } from './trust.ts'
import { parseDigest } from '../../../src/oci/digest.ts'
import type { Content, StoredManifest } from '../images.ts'

/**
 * An image for two platforms that buildx made with an SBOM of each, which is signed as a whole, and
 * whose platform images are scanned. A VEX document suppresses the finding of one report.
 */
export function scannedImage(): GatedImage & {
  readonly needed: readonly string[]
  readonly hiding: readonly string[]
  readonly rule: CelGate
} {
  const [build, scanner, security, stranger] = [newSigner(), newSigner(), newSigner(), newSigner()]
  const image = buildxWith(['amd64', 'arm64'], ({ root }) => [
    { predicateType: 'https://spdx.dev/Document', predicate: spdxOf(root.digest) },
  ])
  const [amd64, arm64] = image.manifests.filter(isPlatform)
  if (amd64 === undefined || arm64 === undefined) throw new Error('the index has two platforms')
  const scan = (
    of: StoredManifest,
    by = scanner,
    age = hour,
    findings = [] as readonly (typeof critical)[],
  ) => attestation(of.descriptor, vulnType, { scanner: { result: reportOf(of, age, findings) } }, by)
  const vex = (status: string, age: number, by = security): Content =>
    attestation(arm64.descriptor, 'https://openvex.dev/ns/v0.2.0', vexOf(arm64, status, age), by)
  return {
    image,
    now,
    trust: gateTrust({ build, scanner, security }),
    gates: [
      scanGate({ signedBy: ['scanner'], vexSignedBy: ['security'] }),
      sbomGate({ signedBy: ['build'] }),
    ],
    rule: celGate('sbom.components.exists(c, c.name == "openssl") && scan.vulnerabilities.size() < 2'),
    needed: ['signed', 'amd64', 'arm64', 'notAffected'],
    hiding: ['newerFinding', 'laterAffected'],
    attachable: {
      signed: signature(image, build),
      amd64: scan(amd64),
      arm64: scan(arm64, scanner, hour, [critical]),
      notAffected: vex('not_affected', 3 * hour),
      newerFinding: scan(amd64, scanner, hour / 2, [critical]),
      laterAffected: vex('affected', 2 * hour),
      foreignReport: scan(amd64, stranger, hour / 4),
      foreignVex: vex('not_affected', hour / 4, stranger),
      oldFinding: scan(amd64, scanner, 20 * hour, [critical]),
      oldReport: scan(amd64, scanner, 48 * hour),
    },
  }
}

function isPlatform({ bytes }: StoredManifest): boolean {
  const body = JSON.parse(Buffer.from(bytes).toString()) as { layers?: readonly { mediaType: string }[] }
  return body.layers?.[0]?.mediaType.includes('image.layer') === true
}

function configOf({ bytes }: StoredManifest): string {
  return (JSON.parse(Buffer.from(bytes).toString()) as { config: { digest: string } }).config.digest
}

function reportOf(of: StoredManifest, age: number, findings: readonly (typeof critical)[]): object {
  return trivy({ age, findings, config: parseDigest(configOf(of)), manifests: [] })
}

function spdxOf(digest: string): object {
  const of = (SPDXID: string, name: string, more: object = {}): object => ({
    SPDXID,
    name,
    downloadLocation: 'NOASSERTION',
    ...more,
  })
  return {
    spdxVersion: 'SPDX-2.3',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: 'api',
    documentNamespace: 'https://example.com/api',
    creationInfo: { created: '2026-11-24T00:00:00Z', creators: ['Tool: test'] },
    packages: [
      of('SPDXRef-image', 'api', { checksums: [{ algorithm: 'SHA256', checksumValue: digest.slice(7) }] }),
      of('SPDXRef-openssl', 'openssl', { versionInfo: '3.0.1' }),
    ],
    relationships: [
      {
        spdxElementId: 'SPDXRef-DOCUMENT',
        relationshipType: 'DESCRIBES',
        relatedSpdxElement: 'SPDXRef-image',
      },
    ],
  }
}

function vexOf({ descriptor }: StoredManifest, status: string, age: number): object {
  return {
    '@context': 'https://openvex.dev/ns/v0.2.0',
    '@id': 'https://example.com/vex/1',
    author: 'security',
    timestamp: new Date(now - age).toISOString(),
    version: 1,
    statements: [
      {
        vulnerability: { name: critical.id },
        status,
        ...(status === 'not_affected' && { justification: 'vulnerable_code_not_in_execute_path' }),
        ...(status === 'affected' && { action_statement: 'update' }),
        timestamp: new Date(now - age).toISOString(),
        products: [
          {
            '@id': `pkg:oci/api@${encodeURIComponent(descriptor.digest)}`,
            subcomponents: [{ '@id': purlOf(critical) }],
          },
        ],
      },
    ],
  }
}
