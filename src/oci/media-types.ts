/**
 * Media types of manifests, indexes and configs: OCI image-spec 1.1, Helm, and their predecessors
 * that registries still serve. These are docker's schema 2, the artifact manifest of image-spec
 * 1.1.0-rc2, and its predecessor in the ORAS project. Old referrers use the last two.
 */
export const mediaTypes = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  empty: 'application/vnd.oci.empty.v1+json',
  artifact: 'application/vnd.oci.artifact.manifest.v1+json',
  orasArtifact: 'application/vnd.cncf.oras.artifact.manifest.v1+json',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  helmConfig: 'application/vnd.cncf.helm.config.v1+json',
} as const

const indexTypes: ReadonlySet<string> = new Set([mediaTypes.index, mediaTypes.dockerIndex])
const artifactTypes: ReadonlySet<string> = new Set([mediaTypes.artifact, mediaTypes.orasArtifact])
const manifestTypes: ReadonlySet<string> = new Set([
  mediaTypes.manifest,
  mediaTypes.dockerManifest,
  ...artifactTypes,
])
const schema1Types: ReadonlySet<string> = new Set([
  'application/vnd.docker.distribution.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v1+prettyjws',
])

/** The `Accept` header of a manifest request, in the order of preference. */
export const manifestAccept: string = [...indexTypes, ...manifestTypes].join(', ')

/** An image index or a docker manifest list: its `manifests` are its children. */
export function isIndexType(mediaType: string): boolean {
  return indexTypes.has(mediaType)
}

/** A manifest that is no index: it has a config and layers, or the blobs of an artifact. */
export function isManifestType(mediaType: string): boolean {
  return manifestTypes.has(mediaType)
}

/** A withdrawn artifact manifest: it has `blobs` instead of a config and layers. */
export function isArtifactManifestType(mediaType: string): boolean {
  return artifactTypes.has(mediaType)
}

/** Docker's schema 1. Its digest does not survive a copy, so dray refuses it. */
export function isSchema1Type(mediaType: string): boolean {
  return schema1Types.has(mediaType)
}

/** Returns `type/subtype` without parameters, in lower case (RFC 9110, section 8.3.1). */
export function bareMediaType(contentType: string): string {
  return (contentType.split(';', 1)[0] ?? '').trim().toLowerCase()
}
