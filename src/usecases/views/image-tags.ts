import { isEvidenceTag } from '../../oci/evidence-tags.ts'

/** Returns the tags of images, without the tags of attached artifacts. */
export function selectImageTags(tags: Iterable<string>): readonly string[] {
  return [...tags].filter((tag) => !isEvidenceTag(tag))
}
