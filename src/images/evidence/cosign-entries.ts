import type { Descriptor } from '../../oci/descriptor.ts'
import type { Manifest } from '../../oci/manifest.ts'

/**
 * Returns the entries of a manifest under a cosign tag, each as one string. cosign keeps the
 * signature of a layer in the layer's annotations: two signatures of one payload have the same
 * digest and differ there (cosign, SIGNATURE_SPEC).
 */
export function cosignEntries(manifest: Manifest): readonly string[] {
  const parts = partsOf(manifest)
  return parts.map((part) =>
    JSON.stringify([
      part.digest,
      Object.entries(part.annotations ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)),
    ]),
  )
}

function partsOf(manifest: Manifest): readonly Descriptor[] {
  if (manifest.kind === 'manifest') return manifest.layers
  return manifest.kind === 'index' ? manifest.manifests : manifest.blobs
}
