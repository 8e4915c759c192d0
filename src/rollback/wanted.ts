import { presentTags } from '../semver/v-prefix.ts'
import { type VersionTag, versionTagsIn } from '../semver/version.ts'
import { versionTags, type VersionTags } from '../semver/version-tags.ts'
import type { Request } from './snapshot.ts'

/**
 * The floating tags of a release that go to it: those that are there, in whichever spelling, forward or backward. Nothing is put where it was not.
 * @param exact the tag of the release as it is spelled in this repository
 */
export function rollbackTags(
  release: VersionTag,
  exact: string,
  listed: readonly string[],
  { policy }: Request,
): VersionTags {
  const wanted = versionTags(release, listed, { ...policy, allowBackward: true })
  const there = new Set(listed)
  const { floating } = presentTags(listed, versionTagsIn(listed, policy))
  return {
    ...wanted,
    exact,
    same: [],
    floating: wanted.floating.flatMap((tag) => {
      const spellings = [
        tag.tag,
        ...floating.filter((other) => other !== tag.tag && bare(other) === bare(tag.tag)),
      ]
      const present = spellings.filter((name) => there.has(name))
      if (present.length === 0) return [{ ...tag, moves: false, reason: 'it was never set here' }]
      return present.map((name) => ({ ...tag, tag: name }))
    }),
  }
}

function bare(tag: string): string {
  return tag.replace(/^v(?=\d)/, '')
}
