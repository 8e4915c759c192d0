import { createHash } from 'node:crypto'

/**
 * Builds OCI content with `node:crypto` only. It shares no code with `src/`, so that tests find
 * mistakes there. The same arguments give the same bytes.
 */

export interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  /** bytes */
  readonly size: number
  readonly artifactType?: string
  readonly platform?: { readonly os: string; readonly architecture: string; readonly variant?: string }
  readonly annotations?: Readonly<Record<string, string>>
}

export interface StoredManifest {
  readonly descriptor: Descriptor
  readonly bytes: Uint8Array
  /** the cosign tag, if it has one */
  readonly tag?: string
  /** the digest of the subject, if it is a referrer */
  readonly subject?: string
}

/** Content to push: blobs first, then the manifests in their order. */
export interface Content {
  readonly root: Descriptor
  readonly blobs: ReadonlyMap<string, Uint8Array>
  /** children before parents, subjects before their referrers */
  readonly manifests: readonly StoredManifest[]
}

export const types = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  empty: 'application/vnd.oci.empty.v1+json',
  artifact: 'application/vnd.oci.artifact.manifest.v1+json',
  orasArtifact: 'application/vnd.cncf.oras.artifact.manifest.v1+json',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar',
} as const

export function sha256(bytes: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

export interface ImageOptions {
  /** `[os/]architecture[/variant]`; `linux/amd64` by default */
  readonly platform?: string
  /** the number, or the names; layers with the same name and size are the same blob in any image */
  readonly layers?: number | readonly string[]
  /** size of the file in each layer in bytes; 64 by default */
  readonly layerSize?: number
  /** makes the image differ from others with the same options */
  readonly label?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  /** the time in the config; `2026-01-02T03:04:05Z` by default */
  readonly created?: string
  /** docker's schema 2 instead of OCI */
  readonly docker?: boolean
}

/** One image for one platform: a config and layers, each a tar archive with one file. */
export function image(options: ImageOptions = {}): Content {
  const platform = parsePlatform(options.platform ?? 'linux/amd64')
  const label = options.label ?? 'app'
  const named = options.layers ?? 2
  const names =
    typeof named === 'number'
      ? Array.from({ length: named }, (_, i) => `${label} ${options.platform ?? ''} ${i}`)
      : named
  const blobs = new Map<string, Uint8Array>()
  const docker = options.docker === true
  const layers = names.map((name) =>
    keep(blobs, docker ? types.dockerLayer : types.layer, layer(name, options.layerSize ?? 64)),
  )
  const config = keep(blobs, docker ? types.dockerConfig : types.config, {
    created: options.created ?? '2026-01-02T03:04:05Z',
    ...platform,
    config: { Cmd: ['/app'], Labels: { 'org.opencontainers.image.title': label, ...options.labels } },
    rootfs: { type: 'layers', diff_ids: layers.map((l) => l.digest) },
    history: names.map((name) => ({ created: '2026-01-02T03:04:05Z', created_by: name })),
  })
  const mediaType = docker ? types.dockerManifest : types.manifest
  const manifest = manifestOf(mediaType, { config, layers, ...annotationsOf(options) })
  return { root: { ...manifest.descriptor, platform }, blobs, manifests: [manifest] }
}

export interface IndexOptions extends Omit<ImageOptions, 'platform'> {}

/**
 * A multi-platform image. A child is a platform, which is built with the same options, or content.
 */
export function index(children: readonly (string | Content)[], options: IndexOptions = {}): Content {
  const built = children.map((child) =>
    typeof child === 'string' ? image({ ...options, platform: child }) : child,
  )
  const mediaType = options.docker === true ? types.dockerIndex : types.index
  const root = manifestOf(mediaType, { manifests: built.map((c) => c.root), ...annotationsOf(options) })
  return merge(root, built)
}

export interface ReferrerOptions {
  readonly artifactType?: string
  readonly payload?: string
  readonly annotations?: Readonly<Record<string, string>>
  /** an index as referrer instead of a manifest */
  readonly index?: boolean
  /** a withdrawn artifact manifest, of this media type, instead of an image manifest */
  readonly as?: typeof types.artifact | typeof types.orasArtifact
}

/**
 * A referrer of `subject` (image-spec 1.1), by default an SBOM. The result does not contain the
 * subject.
 */
export function referrer(subject: Content | Descriptor, options: ReferrerOptions = {}): Content {
  const to = bare('root' in subject ? subject.root : subject)
  const artifactType = options.artifactType ?? 'application/spdx+json'
  const blobs = new Map<string, Uint8Array>()
  const payload = keep(blobs, artifactType, text(options.payload ?? `{"about":"${to.digest}"}`))
  const common = { artifactType, subject: to, ...annotationsOf(options) }
  if (options.index === true) {
    const child = manifestOf(types.manifest, { config: emptyConfig(blobs), layers: [payload] })
    const root = manifestOf(types.index, { ...common, manifests: [child.descriptor] })
    return { root: root.descriptor, blobs, manifests: [child, { ...root, subject: to.digest }] }
  }
  const manifest =
    options.as === undefined
      ? manifestOf(types.manifest, { ...common, config: emptyConfig(blobs), layers: [payload] })
      : // Artifact manifests have no `schemaVersion`.
        manifestOf(options.as, { ...common, schemaVersion: undefined, blobs: [payload] })
  return { root: manifest.descriptor, blobs, manifests: [{ ...manifest, subject: to.digest }] }
}

/**
 * A manifest of cosign for the tag `sha256-<hex>.sig`, `.att` or `.sbom`, with a layer per payload.
 * The prefix is cosign's `--attachment-tag-prefix`.
 */
export function cosignSignature(
  subject: Content | Descriptor,
  {
    suffix = 'sig',
    payloads = ['one'],
    prefix = '',
  }: { suffix?: 'sig' | 'att' | 'sbom'; payloads?: readonly string[]; prefix?: string } = {},
): Content {
  const { digest } = 'root' in subject ? subject.root : subject
  const blobs = new Map<string, Uint8Array>()
  const layers = payloads.map((payload) => ({
    ...keep(blobs, 'application/vnd.dev.cosign.simplesigning.v1+json', {
      critical: {
        identity: { 'docker-reference': payload },
        image: { 'docker-manifest-digest': digest },
        type: 'cosign container image signature',
      },
      optional: null,
    }),
    annotations: { 'dev.cosignproject.cosign/signature': Buffer.from(payload).toString('base64') },
  }))
  const config = keep(blobs, types.config, {
    architecture: '',
    os: '',
    config: {},
    rootfs: { type: 'layers', diff_ids: layers.map((l) => l.digest) },
  })
  const manifest = manifestOf(types.manifest, { config, layers })
  const tag = `${prefix}${digest.replace(':', '-')}.${suffix}`
  return { root: manifest.descriptor, blobs, manifests: [{ ...manifest, tag }] }
}

/** An artifact that is not an image: a Helm chart or a WASM module. */
export function artifact(kind: 'helm' | 'wasm' = 'helm', name = 'chart'): Content {
  const blobs = new Map<string, Uint8Array>()
  const [configType, layerType] =
    kind === 'helm'
      ? ['application/vnd.cncf.helm.config.v1+json', 'application/vnd.cncf.helm.chart.content.v1.tar+gzip']
      : ['application/vnd.wasm.config.v0+json', 'application/wasm']
  const config = keep(blobs, configType, { name, version: '1.4.2', apiVersion: 'v2' })
  const content =
    kind === 'wasm' ? Buffer.concat([Buffer.from([0, 97, 115, 109, 1, 0, 0, 0]), text(name)]) : text(name)
  const manifest = manifestOf(types.manifest, { config, layers: [keep(blobs, layerType, content)] })
  return { root: manifest.descriptor, blobs, manifests: [manifest] }
}

/** `main` with other content, like its evidence, which is pushed after it. */
export function together(main: Content, ...others: readonly Content[]): Content {
  const all = [main, ...others]
  return {
    root: main.root,
    blobs: new Map(all.flatMap((c) => [...c.blobs])),
    manifests: all.flatMap((c) => c.manifests),
  }
}

/** The parsed body of a manifest in the content. */
export function body(content: Content, digest: string = content.root.digest): Record<string, unknown> {
  const found = content.manifests.find((m) => m.descriptor.digest === digest)
  if (found === undefined) throw new Error(`${digest} is not in this content`)
  return JSON.parse(Buffer.from(found.bytes).toString()) as Record<string, unknown>
}

/** A manifest with any fields, which may be invalid. Its digest is correct. */
export function manifestOf(mediaType: string, fields: Readonly<Record<string, unknown>>): StoredManifest {
  const bytes = text(JSON.stringify({ schemaVersion: 2, mediaType, ...fields }))
  const { artifactType, annotations } = fields as Partial<Descriptor>
  return {
    descriptor: {
      ...describe(mediaType, bytes),
      ...(artifactType !== undefined && { artifactType }),
      ...(annotations !== undefined && artifactType !== undefined && { annotations }),
    },
    bytes,
  }
}

/** `linux/arm64/v8` or `arm64` as the fields of a descriptor and a config. */
function parsePlatform(name: string): NonNullable<Descriptor['platform']> {
  const parts = name.includes('/') ? name.split('/') : ['linux', name]
  const [os = '', architecture = '', variant] = parts
  return { os, architecture, ...(variant !== undefined && { variant }) }
}

function merge(root: StoredManifest, children: readonly Content[]): Content {
  const manifests = new Map(children.flatMap((c) => c.manifests).map((m) => [m.descriptor.digest, m]))
  return {
    root: root.descriptor,
    blobs: new Map(children.flatMap((c) => [...c.blobs])),
    manifests: [...manifests.values(), root],
  }
}

/** A tar archive (POSIX ustar) with one file: `layer-N`, filled from its name. */
function layer(name: string, size: number): Uint8Array {
  const archive = Buffer.alloc(512 + Math.ceil(size / 512) * 512 + 1024)
  archive.write(`layer-${createHash('sha256').update(name).digest('hex').slice(0, 12)}`, 0)
  archive.write('0000644\0', 100)
  archive.write('0000000\0', 108)
  archive.write('0000000\0', 116)
  archive.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
  archive.write('00000000000\0', 136)
  archive.write('        0', 148)
  archive.write('ustar\x0000', 257)
  const sum = archive.subarray(0, 512).reduce((total, byte) => total + byte, 0)
  archive.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  if (size > 0) archive.fill(createHash('sha512').update(name).digest(), 512, 512 + size)
  return archive
}

function keep(blobs: Map<string, Uint8Array>, mediaType: string, content: unknown): Descriptor {
  const bytes = content instanceof Uint8Array ? content : text(JSON.stringify(content))
  const descriptor = describe(mediaType, bytes)
  blobs.set(descriptor.digest, bytes)
  return descriptor
}

function emptyConfig(blobs: Map<string, Uint8Array>): Descriptor {
  return keep(blobs, types.empty, text('{}'))
}

function describe(mediaType: string, bytes: Uint8Array): Descriptor {
  return { mediaType, digest: sha256(bytes), size: bytes.byteLength }
}

function bare(d: Descriptor): Descriptor {
  return { mediaType: d.mediaType, digest: d.digest, size: d.size }
}

function annotationsOf(options: { readonly annotations?: Readonly<Record<string, string>> }): object {
  return options.annotations === undefined ? {} : { annotations: options.annotations }
}

function text(value: string): Uint8Array {
  return Buffer.from(value)
}
