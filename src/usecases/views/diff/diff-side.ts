import type { Digest } from '../../../oci/digest.ts'
import type { VersionReading } from '../../../semver/version.ts'
import type { Side } from '../status/compare-sides.ts'
import { listHighest } from '../status/current-version.ts'

/** Returns the facts of a side for the comparison that `status` makes. */
export function diffSideOf(
  tags: readonly string[] | undefined,
  { reading, currentTags }: { readonly reading: VersionReading; readonly currentTags: readonly string[] },
  digests: ReadonlyMap<string, Digest | null>,
): Side {
  if (tags === undefined || tags.length === 0) return { state: 'not-deployed' }
  const currentTag = currentTags.find((tag) => tags.includes(tag))
  const digest = currentTag === undefined ? undefined : digests.get(currentTag)
  return {
    state: 'deployed',
    // Only the digest decides whether the images are in sync.
    current: digest === undefined || digest === null ? null : { digest, version: null },
    reading,
    tags,
    highest: listHighest(tags, reading),
    digests,
  }
}
