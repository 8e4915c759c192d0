import { type Content, type Descriptor, image, manifestOf, sha256, types } from './images.ts'

const predicates = ['https://spdx.dev/Document', 'https://slsa.dev/provenance/v0.2'] as const

/**
 * An index as `docker buildx build --sbom=true --provenance=true` pushes it: beside each image an
 * attestation manifest for the platform `unknown/unknown`, with a statement in each layer
 * (moby/buildkit, docs/attestations/attestation-storage.md).
 */
export function buildxIndex(platforms: readonly string[]): Content {
  const images = platforms.map((platform) => image({ platform, label: 'buildx' }))
  const attestations = images.map(({ root }) => attestationOf(root))
  const all = [...images, ...attestations]
  const index = manifestOf(types.index, { manifests: all.map(({ root }) => root) })
  return {
    root: index.descriptor,
    blobs: new Map(all.flatMap(({ blobs }) => [...blobs])),
    manifests: [...all.flatMap(({ manifests }) => manifests), index],
  }
}

function attestationOf(subject: Descriptor): Content {
  const blobs = new Map<string, Uint8Array>()
  const keep = (mediaType: string, content: object): Descriptor => {
    const bytes = Buffer.from(JSON.stringify(content))
    blobs.set(sha256(bytes), bytes)
    return { mediaType, digest: sha256(bytes), size: bytes.byteLength }
  }
  const layers = predicates.map((predicateType) => ({
    ...keep('application/vnd.in-toto+json', { predicateType, subject: [{ name: subject.digest }] }),
    annotations: { 'in-toto.io/predicate-type': predicateType },
  }))
  // buildkit writes no time. This one would be the newest of the index if it counted.
  const config = keep(types.config, {
    created: '2099-01-01T00:00:00Z',
    architecture: 'unknown',
    os: 'unknown',
    config: {},
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
  })
  const manifest = manifestOf(types.manifest, { config, layers })
  const root = {
    ...manifest.descriptor,
    platform: { os: 'unknown', architecture: 'unknown' },
    annotations: {
      'vnd.docker.reference.type': 'attestation-manifest',
      'vnd.docker.reference.digest': subject.digest,
    },
  }
  return { root, blobs, manifests: [manifest] }
}
