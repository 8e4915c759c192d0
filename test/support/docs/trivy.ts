import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { sha256 } from '../images.ts'
import type { NamedImage, StandIn } from './stand-in.ts'

interface Finding {
  readonly VulnerabilityID: string
  readonly Severity: string
  readonly InstalledVersion: string
  readonly FixedVersion: string
}

/** The findings in openssl, by the version of the image. Another image has none. */
const findings: Readonly<Record<string, readonly Finding[]>> = {
  '1.4.1': [
    {
      VulnerabilityID: 'CVE-2026-9999',
      Severity: 'CRITICAL',
      InstalledVersion: '3.0.1',
      FixedVersion: '3.0.2',
    },
  ],
}
const purl = 'pkg:apk/alpine/openssl@3.0.1?arch=x86_64&distro=3.20.1'

/** All reports have one time, so that those of two platforms always have the same age. */
const scannedAt = new Date(Date.now() - 3 * 3_600_000 - 60_000).toISOString()

interface ScannedImage {
  /** of the image that was named */
  readonly digest: string
  readonly reference: string
  readonly repository: string
  /** of the image for one platform */
  readonly config: string
  readonly os: string
  readonly architecture: string
  readonly version: string
}

/** The commands of Trivy that the pages about gates use. It knows the findings of few images. */
export const runTrivy: StandIn = async (args, { cwd, imageOf }) => {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      platform: { type: 'string', default: 'linux/amd64' },
      format: { type: 'string' },
      output: { type: 'string' },
    },
  })
  const [command, reference = ''] = positionals
  if (command !== 'image') throw new Error(`trivy ${command} is not known here`)
  const image = await scannedImage(reference, await imageOf(reference), values.platform)
  const document = documents[values.format ?? '']
  if (document === undefined) throw new Error(`the format ${values.format} is not known here`)
  writeFileSync(join(cwd, values.output ?? ''), JSON.stringify(document(image), undefined, 2))
  return ''
}

interface ManifestBody {
  readonly manifests?: readonly {
    readonly digest: string
    readonly platform: { readonly os: string; readonly architecture: string }
  }[]
  readonly config?: { readonly digest: string }
}

interface ConfigBody {
  readonly os: string
  readonly architecture: string
  readonly config?: { readonly Labels?: Readonly<Record<string, string>> }
}

async function scannedImage(
  reference: string,
  { oracle, repository, manifest }: NamedImage,
  platform: string,
): Promise<ScannedImage> {
  const index = JSON.parse(manifest.bytes.toString()) as ManifestBody
  const child = index.manifests?.find((one) => `${one.platform.os}/${one.platform.architecture}` === platform)
  const own =
    child === undefined
      ? index
      : (JSON.parse(
          (await oracle.manifest(repository, child.digest))?.bytes.toString() ?? '',
        ) as ManifestBody)
  const config = own.config?.digest ?? ''
  const { body } = await oracle.get(`/v2/${repository}/blobs/${config}`)
  const { os, architecture, config: settings } = JSON.parse(body.toString()) as ConfigBody
  return {
    digest: manifest.digest,
    reference,
    repository: reference.replace(/(?:@sha256:\w+|:[\w.-]+)$/, ''),
    config,
    os,
    architecture,
    version: settings?.Labels?.['org.opencontainers.image.version'] ?? '',
  }
}

const documents: Readonly<Record<string, (image: ScannedImage) => object>> = {
  json: report,
  'cosign-vuln': (image) => ({
    invocation: { parameters: null, uri: '', event_id: '', 'builder.id': '' },
    scanner: {
      uri: 'pkg:github/aquasecurity/trivy@0.69.0',
      version: '0.69.0',
      db: { uri: '', version: '' },
      result: report(image),
    },
    metadata: { scanStartedOn: scannedAt, scanFinishedOn: scannedAt },
  }),
  cyclonedx: (image) => ({
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    metadata: {
      timestamp: scannedAt,
      component: {
        type: 'container',
        name: image.reference,
        purl: purlOfImage(image),
        properties: [{ name: 'aquasecurity:trivy:ImageID', value: image.config }],
      },
    },
    components: [{ type: 'library', name: 'openssl', version: '3.0.1', purl }],
    vulnerabilities: [],
  }),
  'spdx-json': (image) => ({
    spdxVersion: 'SPDX-2.3',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: image.reference,
    creationInfo: { created: scannedAt, creators: ['Tool: trivy-0.69.0'] },
    packages: [
      {
        SPDXID: `SPDXRef-ContainerImage-${sha256(image.config).slice(7, 23)}`,
        name: image.reference,
        primaryPackagePurpose: 'CONTAINER',
        attributionTexts: [`ImageID: ${image.config}`],
        externalRefs: [
          {
            referenceCategory: 'PACKAGE-MANAGER',
            referenceType: 'purl',
            referenceLocator: purlOfImage(image),
          },
        ],
      },
      {
        SPDXID: 'SPDXRef-Package-openssl',
        name: 'openssl',
        versionInfo: '3.0.1',
        licenseDeclared: 'Apache-2.0',
        externalRefs: [
          { referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl },
        ],
      },
    ],
    relationships: [
      {
        spdxElementId: 'SPDXRef-DOCUMENT',
        relatedSpdxElement: `SPDXRef-ContainerImage-${sha256(image.config).slice(7, 23)}`,
        relationshipType: 'DESCRIBES',
      },
    ],
  }),
}

function report({ reference, repository, digest, config, os, architecture, version }: ScannedImage): object {
  return {
    SchemaVersion: 2,
    CreatedAt: scannedAt,
    ArtifactName: reference,
    ArtifactType: 'container_image',
    Metadata: {
      OS: { Family: 'alpine', Name: '3.20.1' },
      ImageID: config,
      RepoDigests: [`${repository}@${digest}`],
      ImageConfig: { os, architecture },
    },
    Results: [
      {
        Target: `${reference} (alpine 3.20.1)`,
        Class: 'os-pkgs',
        Type: 'alpine',
        Vulnerabilities: (findings[version] ?? []).map((finding) => ({
          ...finding,
          PkgName: 'openssl',
          PkgIdentifier: { PURL: purl },
        })),
      },
    ],
  }
}

function purlOfImage({ repository, digest, architecture }: ScannedImage): string {
  const name = repository.slice(repository.lastIndexOf('/') + 1)
  return `pkg:oci/${name}@${encodeURIComponent(digest)}?arch=${architecture}&repository_url=${encodeURIComponent(repository)}`
}
