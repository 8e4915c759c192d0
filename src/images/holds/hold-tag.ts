import { type Digest, encodedOf } from '../../oci/digest.ts'

/** The predicate type of a statement that holds an image against deletion, or ends that. */
export const holdPredicateType = 'urn:dray:hold:v1'

const digits = 12
const pattern = new RegExp(`^hold-[0-9a-f]{${digits}}$`)

/**
 * Returns the tag that a hold sets on an image, so that a registry's clean-up of manifests without
 * a tag keeps the image.
 */
export function holdTag(digest: Digest): string {
  return `hold-${encodedOf(digest).slice(0, digits)}`
}

/** Whether a tag holds the image that it is on. It is no version, and is never promoted. */
export function isHoldTag(tag: string): boolean {
  return pattern.test(tag)
}
