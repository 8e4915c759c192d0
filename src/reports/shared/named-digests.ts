import { type Digest, isDigest } from '../../oci/digest.ts'
import { parsePackageUrl } from '../package-url.ts'

/** Returns the digest of `REPOSITORY@DIGEST` or of a digest alone; none for other text. */
export function digestsOfReference(reference: string | undefined): readonly Digest[] {
  const digest = reference?.slice(reference.lastIndexOf('@') + 1) ?? ''
  return isDigest(digest) ? [digest] : []
}

/**
 * Returns the digest that a package URL of an image has as its version (purl-spec,
 * types/oci-definition.json); none for other text.
 */
export function digestsOfPackageUrl(text: string | undefined): readonly Digest[] {
  const url = text === undefined ? undefined : parsePackageUrl(text)
  if (url?.type !== 'oci' && url?.type !== 'docker') return []
  return url.version !== undefined && isDigest(url.version) ? [url.version] : []
}

/** Returns the digest of an algorithm, in any spelling, and hex; none for other algorithms. */
export function digestsOfHash(algorithm: string | undefined, hex: string | undefined): readonly Digest[] {
  const digest = `${algorithm?.toLowerCase().replace('-', '') ?? ''}:${hex?.toLowerCase() ?? ''}`
  return isDigest(digest) ? [digest] : []
}

export function withoutRepeats<Item>(items: readonly Item[]): readonly Item[] {
  return [...new Set(items)]
}
