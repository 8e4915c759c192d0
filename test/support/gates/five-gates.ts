import { type Content, index, together } from '../images.ts'
import { attestation, signature } from './attached.ts'
import { newSigner, type TestSigner } from './test-signer.ts'
import { critical, type ReportOf, trivy, vulnType } from './scan-reports.ts'

/** The signers of `fiveGates`. */
export const fiveSigners: { readonly build: TestSigner; readonly scanner: TestSigner } = {
  build: newSigner(),
  scanner: newSigner(),
}

/** A gate of each kind whose evidence a build and a scanner make, as `dray.yaml` has them. */
export const fiveGates: readonly object[] = [
  { name: 'signed', signature: { signedBy: ['build'] } },
  {
    name: 'provenance',
    attestation: {
      type: 'https://slsa.dev/provenance/v1',
      signedBy: ['build'],
      expression: 'predicate.runDetails.builder.id.startsWith("https://ci.test/")',
    },
  },
  { name: 'scan', scan: { signedBy: ['scanner'], failOn: 'high', maxAge: '24h' } },
  { name: 'sbom', sbom: { signedBy: ['build'] } },
  { name: 'openssl', cel: { expression: 'sbom.components.all(c, c.name != "leftpad")' } },
]

const fourPlatforms: readonly string[] = ['linux/amd64', 'linux/arm64', 'linux/s390x', 'linux/ppc64le']

/** An index with everything that `fiveGates` demand: two artifacts, and two for each platform. */
export function imageForFiveGates(platforms: readonly string[] = fourPlatforms): Content {
  const api = index([...platforms], { label: 'api', layers: 2 })
  const images = platforms.map((platform, i) => ({ platform, image: platformAt(api, i) }))
  return together(
    api,
    signature(api, fiveSigners.build),
    attestation(
      api,
      'https://slsa.dev/provenance/v1',
      { runDetails: { builder: { id: 'https://ci.test/builder' } } },
      fiveSigners.build,
    ),
    ...images.map(({ platform, image }) => scanOf(image, platform)),
    ...images.map(({ image }) => sbomOf(image)),
  )
}

/** A platform image of an index, whose manifests come before its own. */
export function platformAt({ manifests }: Content, i: number): string {
  const found = manifests[i]
  if (found === undefined) throw new Error(`the index has no platform ${i}`)
  return found.descriptor.digest
}

/** A report of Trivy about a platform image, signed by `scanner` just now. */
export function scanOf(subject: string, platform: string, options: ScanOptions = {}): Content {
  const result = scanDocumentOf(subject, platform, options)
  return attestation(subject, vulnType, { scanner: { result } }, fiveSigners.scanner)
}

export interface ScanOptions extends Pick<ReportOf, 'findings'> {
  /** how long ago the scan ended, milliseconds */
  readonly ageMs?: number
}

/** JSON of Trivy about a platform image. */
export function scanDocumentOf(
  subject: string,
  platform: string,
  { findings = [], ageMs = 60_000 }: ScanOptions = {},
): object {
  const report = trivy({ findings, platform, config: null, manifests: [] })
  const time = new Date(Date.now() - ageMs).toISOString()
  return { ...report, CreatedAt: time, Metadata: { RepoDigests: [`r.test/api@${subject}`] } }
}

/** A report with a critical vulnerability. */
export function badScanOf(subject: string, platform: string): Content {
  return scanOf(subject, platform, { findings: [critical], ageMs: 1_000 })
}

function sbomOf(subject: string): Content {
  const document = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    metadata: {
      component: {
        type: 'container',
        name: 'api',
        purl: `pkg:oci/api@${subject.replace(':', '%3A')}`,
      },
    },
    components: [{ type: 'library', name: 'openssl', version: '1.0' }],
  }
  return attestation(subject, 'https://cyclonedx.org/bom', document, fiveSigners.build)
}
