import { parseManifest } from '../../oci/manifest.ts'
import { mediaTypes } from '../../oci/media-types.ts'
import type { ManifestContent } from '../../images/ports.ts'
import type { TagPolicy } from '../../semver/tag-policy.ts'

/**
 * Whether an image is a Helm chart. Helm writes the `+` of a version as `_` in tags, so that a
 * chart's tag with build metadata is always a version tag (helm.sh, Use OCI-based registries).
 * @throws `malformed`
 */
export function isHelmChart({ bytes, descriptor }: ManifestContent): boolean {
  const manifest = parseManifest(bytes, descriptor.mediaType, descriptor.digest)
  return manifest.kind === 'manifest' && manifest.config.mediaType === mediaTypes.helmConfig
}

/** Returns the policy with the reading of tags that the image requires. @throws `malformed` */
export function policyForImage(policy: TagPolicy, content: ManifestContent): TagPolicy {
  return policy.buildMetadata || !isHelmChart(content) ? policy : { ...policy, buildMetadata: true }
}
