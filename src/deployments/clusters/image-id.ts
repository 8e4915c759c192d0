import { type Digest, isDigest } from '../../oci/digest.ts'

/** The image that a node reports (Kubernetes, ContainerStatus, `imageID`). */
export interface NodeImageId {
  /** absent: the node names only a digest */
  readonly name?: string
  readonly digest: Digest
}

/**
 * Parses an `imageID`. Container runtimes write it in several forms:
 *
 * - `registry.example.com/api@sha256:…`: containerd and CRI-O, the digest of an index or manifest
 * - `docker-pullable://registry.example.com/api@sha256:…`: dockershim and cri-dockerd
 * - `sha256:…`, `docker://sha256:…` or 64 digits: an image without a name, the digest of its config
 *
 * Undefined for any other text, such as an empty one.
 */
export function parseImageId(text: string): NodeImageId | undefined {
  const bare = text.replace(/^[a-z][a-z0-9+.-]*:\/\//, '')
  const at = bare.lastIndexOf('@')
  const name = at < 0 ? '' : bare.slice(0, at)
  const digest = bare.slice(at + 1)
  const whole = /^[a-f0-9]{64}$/.test(digest) ? `sha256:${digest}` : digest
  if (!isDigest(whole)) return undefined
  return { ...(name !== '' && { name }), digest: whole }
}
