/** Builds the image of the demo: two platforms, a signature, and an SBOM for each platform. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { type TarEntry, tarArchive } from './release/tar.ts'

export interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  /** bytes */
  readonly size: number
}

/** The content to push: all blobs, then the manifests in order, each by its digest or tag. */
export interface Content {
  readonly root: Descriptor
  readonly blobs: ReadonlyMap<string, Uint8Array>
  readonly manifests: readonly {
    readonly descriptor: Descriptor
    readonly bytes: Uint8Array
    readonly tag?: string
  }[]
}

interface Platform {
  readonly os: string
  readonly architecture: string
}

export const platforms: readonly Platform[] = [
  { os: 'linux', architecture: 'amd64' },
  { os: 'linux', architecture: 'arm64' },
]
/** Fixed, so that the same Node gives the same digest. */
const created = '2026-11-20T09:30:00Z'
const oci = 'application/vnd.oci.image'
const spdx = 'application/spdx+json'

/** Signs with a new key like cosign: a manifest under a tag that contains the digest. */
export function demoImage(name: string, version: string, license: string): Content {
  const content = new Builder()
  const labels = {
    'org.opencontainers.image.title': name,
    'org.opencontainers.image.version': version,
    'org.opencontainers.image.licenses': 'Apache-2.0',
  }
  const base = content.layer({
    'etc/os-release': `NAME="Demo"\nID=demo\nVERSION_ID=${version}\n`,
    'etc/passwd': 'root:x:0:0:root:/:/nologin\napp:x:1000:1000:app:/srv:/nologin\n',
    [`usr/share/licenses/${name}/LICENSE`]: license,
  })
  const images = platforms.map((platform) => {
    const app = content.layer({
      [`srv/${name}/index.html`]: `<!doctype html>\n<title>${name}</title>\n<p>${name} ${version}\n`,
      [`srv/${name}/platform`]: `${platform.os}/${platform.architecture}\n`,
    })
    const config = content.blob(`${oci}.config.v1+json`, {
      created,
      ...platform,
      config: { User: '1000:1000', WorkingDir: `/srv/${name}`, Labels: labels },
      rootfs: { type: 'layers', diff_ids: [base.diffId, app.diffId] },
      history: [
        { created, created_by: 'base' },
        { created, created_by: name },
      ],
    })
    const layers = [base.descriptor, app.descriptor]
    return { platform, manifest: content.manifest(`${oci}.manifest.v1+json`, { config, layers }) }
  })
  const root = content.manifest(`${oci}.index.v1+json`, {
    manifests: images.map(({ platform, manifest }) => ({ ...manifest, platform })),
  })
  for (const { platform, manifest } of images) attachSbom(content, manifest, name, version, platform)
  attachSignature(content, root, name)
  return { root, blobs: content.blobs, manifests: content.manifests }
}

/** An SPDX 2.3 document as a referrer (image-spec 1.1, `subject`). */
function attachSbom(
  content: Builder,
  subject: Descriptor,
  name: string,
  version: string,
  { os, architecture }: Platform,
): void {
  const document = {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: `${name} ${os}/${architecture}`,
    documentNamespace: `https://example.com/spdx/${name}-${version}-${architecture}`,
    creationInfo: { created, creators: ['Tool: demo'] },
    packages: [
      {
        name,
        SPDXID: 'SPDXRef-Package',
        versionInfo: version,
        licenseConcluded: 'Apache-2.0',
        downloadLocation: 'NOASSERTION',
        filesAnalyzed: false,
      },
    ],
  }
  content.manifest(`${oci}.manifest.v1+json`, {
    artifactType: spdx,
    config: content.blob('application/vnd.oci.empty.v1+json', {}),
    layers: [content.blob(spdx, document)],
    subject,
  })
}

/** The payload as a layer, its signature as an annotation (cosign, specs/SIGNATURE_SPEC.md). */
function attachSignature(content: Builder, subject: Descriptor, name: string): void {
  const payload = JSON.stringify({
    critical: {
      identity: { 'docker-reference': name },
      image: { 'docker-manifest-digest': subject.digest },
      type: 'cosign container image signature',
    },
    optional: null,
  })
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signature = sign('sha256', Buffer.from(payload), privateKey).toString('base64')
  const layer = content.blob('application/vnd.dev.cosign.simplesigning.v1+json', Buffer.from(payload))
  const config = content.blob(`${oci}.config.v1+json`, {
    architecture: '',
    os: '',
    config: {},
    rootfs: { type: 'layers', diff_ids: [layer.digest] },
  })
  const layers = [{ ...layer, annotations: { 'dev.cosignproject.cosign/signature': signature } }]
  const tag = `${subject.digest.replace(':', '-')}.sig`
  content.manifest(`${oci}.manifest.v1+json`, { config, layers }, tag)
}

class Builder {
  readonly blobs = new Map<string, Uint8Array>()
  readonly manifests: { descriptor: Descriptor; bytes: Uint8Array; tag?: string }[] = []

  blob(mediaType: string, content: object): Descriptor {
    const bytes = content instanceof Uint8Array ? content : Buffer.from(JSON.stringify(content))
    const descriptor = describe(mediaType, bytes)
    this.blobs.set(descriptor.digest, bytes)
    return descriptor
  }

  /** A layer of files. `diffId` is the digest of the uncompressed archive. */
  layer(files: Readonly<Record<string, string>>): {
    readonly descriptor: Descriptor
    readonly diffId: string
  } {
    const archive = tarArchive(entriesOf(files), Date.parse(created) / 1000)
    return {
      descriptor: this.blob(`${oci}.layer.v1.tar+gzip`, gzipSync(archive, { level: 9 })),
      diffId: sha256(archive),
    }
  }

  manifest(mediaType: string, fields: object, tag?: string): Descriptor {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...fields }))
    const descriptor = describe(mediaType, bytes)
    this.manifests.push({ descriptor, bytes, ...(tag !== undefined && { tag }) })
    return descriptor
  }
}

function describe(mediaType: string, bytes: Uint8Array): Descriptor {
  return { mediaType, digest: sha256(bytes), size: bytes.byteLength }
}

function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

/** The entries of files and their folders. */
function entriesOf(files: Readonly<Record<string, string>>): readonly TarEntry[] {
  const folders = new Set(Object.keys(files).flatMap((path) => foldersOf(path)))
  return [
    ...[...folders].sort().map((path): TarEntry => ({ kind: 'folder', path, mode: 0o755 })),
    ...Object.entries(files).map(([path, text]): TarEntry => ({
      kind: 'file',
      path,
      mode: 0o644,
      bytes: Buffer.from(text),
    })),
  ]
}

function foldersOf(path: string): string[] {
  const parts = path.split('/').slice(0, -1)
  return parts.map((_, i) => parts.slice(0, i + 1).join('/'))
}
