import { type Content, manifestOf, sha256, types } from './images.ts'

/** An image without layers whose config is this text or JSON, which may be invalid. */
export function imageWithConfig(config: string | object): Content {
  const bytes = Buffer.from(typeof config === 'string' ? config : JSON.stringify(config))
  const descriptor = { mediaType: types.config, digest: sha256(bytes), size: bytes.byteLength }
  const manifest = manifestOf(types.manifest, { config: descriptor, layers: [] })
  return { root: manifest.descriptor, blobs: new Map([[descriptor.digest, bytes]]), manifests: [manifest] }
}
