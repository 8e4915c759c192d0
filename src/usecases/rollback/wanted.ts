import { presentTags } from '../../semver/v-prefix.ts'
import { isStable, type VersionTag, versionTagsIn } from '../../semver/version.ts'
import { type FloatingTag, versionTags, type VersionTags } from '../../semver/version-tags.ts'
import type { TagPolicy } from '../../semver/tag-policy.ts'
import type { Request } from './snapshot.ts'

/**
 * The floating tags of a release that go to it: those that are there, in whichever spelling, forward or backward. Nothing is put where it was not.
 * @param exact the tag of the release as it is spelled in this repository
 */
export function rollbackTags(
  release: VersionTag,
  exact: string,
  listed: readonly string[],
  { policy, marker }: Request,
): VersionTags {
  const wanted = versionTags(release, listed, { ...policy, allowBackward: true })
  const there = new Set(listed)
  const { floating } = presentTags(listed, versionTagsIn(listed, policy))
  const floats = wanted.floating.flatMap((tag) => {
    const spellings = [
      tag.tag,
      ...floating.filter((other) => other !== tag.tag && bare(other) === bare(tag.tag)),
    ]
    const present = spellings.filter((name) => there.has(name))
    if (present.length === 0) return [{ ...tag, moves: false, reason: 'it was never set here' }]
    return present.map((name) => ({ ...tag, tag: name }))
  })
  return {
    ...wanted,
    exact,
    same: [],
    floating: [...floats, ...(isOwnTag(marker, policy) ? markerOf(release, listed, marker) : [])],
  }
}

/** A marker that no version moves, such as `live`. */
function isOwnTag(marker: string, { channels }: TagPolicy): boolean {
  return marker !== 'latest' && !/^v?\d/.test(marker) && !channels.includes(marker)
}

/** What says what is current goes back with the rest where it is set. */
function markerOf(release: VersionTag, listed: readonly string[], marker: string): readonly FloatingTag[] {
  if (!listed.includes(marker) || !isStable(release.version)) return []
  return [{ tag: marker, line: {}, moves: true, reason: 'it says what is current', backward: true }]
}

function bare(tag: string): string {
  return tag.replace(/^v(?=\d)/, '')
}
