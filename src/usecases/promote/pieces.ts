import type { Descriptor } from '../../oci/descriptor.ts'
import type { Manifest } from '../../oci/manifest.ts'

/**
 * What a manifest under a cosign tag carries, each piece as one string. cosign keeps the signature of a layer in the layer's annotations: two
 * signatures over one payload share the digest and differ there (cosign, SIGNATURE_SPEC).
 */
export function piecesOf(manifest: Manifest): readonly string[] {
  const parts: readonly Descriptor[] = manifest.kind === 'manifest' ? manifest.layers : manifest.manifests
  return parts.map((part) =>
    JSON.stringify([part.digest, Object.entries(part.annotations ?? {}).sort(byKey)]),
  )
}

function byKey([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1
}
