import { algorithmOf, type Digest, encodedOf } from '../../oci/digest.ts'
import type { BundleDocument } from '../../plan/bundle/bundle-document.ts'

/** The files of a bundle before its content, in their order. The signature is optional. */
export const bundleFiles = {
  layout: 'oci-layout',
  index: 'index.json',
  document: 'dray-bundle.json',
  signature: 'dray-bundle.json.dsse',
} as const

/** Returns the path of content in an image layout (image-spec, image-layout.md). */
export function pathOfBlob(digest: Digest): string {
  return `blobs/${algorithmOf(digest)}/${encodedOf(digest)}`
}

/** Returns the time of all files in the tar, seconds since 1970. */
export function tarTimeOf({ createdAt }: Pick<BundleDocument, 'createdAt'>): number {
  return createdAt === undefined ? 0 : Math.floor(Date.parse(createdAt) / 1000)
}
