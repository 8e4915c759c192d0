import { parseManifest } from '../../oci/manifest.ts'
import { mediaTypes } from '../../oci/media-types.ts'
import type { ManifestContent } from '../../images/ports.ts'
import type { VersionReading } from '../../semver/version.ts'

/**
 * Whether an image is a Helm chart. Helm writes the `+` of a version as `_` in tags, so that a
 * chart's tag with build metadata is always a version tag (helm.sh, Use OCI-based registries).
 * @throws `malformed`
 */
export function isHelmChart({ bytes, descriptor }: ManifestContent): boolean {
  const manifest = parseManifest(bytes, descriptor.mediaType, descriptor.digest)
  return manifest.kind === 'manifest' && manifest.config.mediaType === mediaTypes.helmConfig
}

/** Returns the reading of tags, or a policy with it, as the image requires. @throws `malformed` */
export function readingForImage<Reading extends VersionReading>(
  reading: Reading,
  content: ManifestContent,
): Reading {
  return reading.buildMetadata || !isHelmChart(content) ? reading : { ...reading, buildMetadata: true }
}
