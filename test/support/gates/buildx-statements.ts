import { type Content, image, type ImageOptions, manifestOf, sha256, types } from '../images.ts'
import { payloadTypes, statementText } from './statements.ts'

/** A statement that buildkit makes about a platform image. */
export interface BuildxStatement {
  readonly predicateType: string
  readonly predicate: unknown
  /** the digest that it names instead of that of the platform image */
  readonly about?: string
}

export interface BuildxOptions extends Omit<ImageOptions, 'platform'> {
  /** newer versions of buildkit name the platform image as the subject of the manifest */
  readonly isReferrer?: boolean
}

/**
 * An index as `docker buildx build --sbom=true --provenance=true` pushes it: beside each image an
 * attestation manifest for `unknown/unknown`, with a plain statement in each layer
 * (moby/buildkit, docs/attestations/attestation-storage.md).
 */
export function buildxWith(
  platforms: readonly string[],
  statementsOf: (platform: Content, name: string) => readonly BuildxStatement[],
  { isReferrer = false, ...options }: BuildxOptions = {},
): Content {
  const images = platforms.map((platform) => image({ label: 'buildx', ...options, platform }))
  const attestations = images.map((one, i) =>
    attestationManifest(one, statementsOf(one, platforms[i] ?? ''), isReferrer),
  )
  const all = [...images, ...attestations]
  const index = manifestOf(types.index, { manifests: all.map(({ root }) => root) })
  return {
    root: index.descriptor,
    blobs: new Map(all.flatMap(({ blobs }) => [...blobs])),
    manifests: [...all.flatMap(({ manifests }) => manifests), index],
  }
}

function attestationManifest(
  subject: Content,
  statements: readonly BuildxStatement[],
  isReferrer: boolean,
): Content {
  const blobs = new Map<string, Uint8Array>()
  const keep = (mediaType: string, text: string) => {
    const bytes = Buffer.from(text)
    blobs.set(sha256(bytes), bytes)
    return { mediaType, digest: sha256(bytes), size: bytes.byteLength }
  }
  const layers = statements.map(({ predicateType, predicate, about = subject.root.digest }) => ({
    ...keep(payloadTypes.statement, statementText(about, predicateType, predicate, { version: 'v0.1' })),
    annotations: { 'in-toto.io/predicate-type': predicateType },
  }))
  const diffIds = layers.map(({ digest }) => digest)
  const rootfs = { type: 'layers', diff_ids: diffIds }
  // buildkit writes no time. This one would be the newest of the index if it counted.
  const created = '2099-01-01T00:00:00Z'
  const config = keep(
    types.config,
    JSON.stringify({ created, architecture: 'unknown', os: 'unknown', config: {}, rootfs }),
  )
  const { mediaType, digest, size } = subject.root
  const manifest = manifestOf(types.manifest, {
    config,
    layers,
    ...(isReferrer && { subject: { mediaType, digest, size } }),
  })
  const root = {
    ...manifest.descriptor,
    platform: { os: 'unknown', architecture: 'unknown' },
    annotations: {
      'vnd.docker.reference.type': 'attestation-manifest',
      'vnd.docker.reference.digest': subject.root.digest,
    },
  }
  return { root, blobs, manifests: [isReferrer ? { ...manifest, subject: digest } : manifest] }
}
