import type { DrayError } from '../../../lib/errors.ts'
import { type Descriptor, isNonDistributable } from '../../../oci/descriptor.ts'
import { parseManifest } from '../../../oci/manifest.ts'

/**
 * Answers of docker-registry 2 to the PUT of a manifest whose layers have URLs that its
 * configuration does not allow (distribution, issue 2795). It answers 500 each time.
 */
export const urlRefusals: readonly number[] = [400, 500]

/** Returns how many layers of a manifest are non-distributable or have URLs. */
export function countUrlLayers(bytes: Uint8Array, { mediaType, digest }: Descriptor): number {
  const manifest = parseManifest(bytes, mediaType, digest)
  if (manifest.kind !== 'manifest') return 0
  return manifest.layers.filter((layer) => isNonDistributable(layer) || layer.urls !== undefined).length
}

/** Adds the likely cause to such an answer: the registry itself only says that it failed. */
export function explainUrlLayers(error: DrayError, layers: number): DrayError {
  const likely = `the manifest has non-distributable layers, or layers with URLs: ${layers}. docker-registry 2 accepts it only if validation.manifests.urls allows the URLs, which is the likely cause`
  return error.with({
    code: 'refused',
    why: error.why === undefined ? likely : `${error.why}; ${likely}`,
    hint: 'Add the hosts of the URLs to validation.manifests.urls.allow in the configuration of the registry and run again, or build the image with layers that may be distributed.',
  })
}
