import { defaultTag } from '../../../oci/reference.ts'
import { floatingLine, isInLine, type Line } from '../../../semver/line.ts'
import type { VersionReading } from '../../../semver/version.ts'
import type { TagSet } from '../status/common-tags.ts'

/** How the tags of a repository are read, and the names of its floating tags. */
interface MovingTags {
  readonly reading: VersionReading
  readonly currentTags: readonly string[]
  readonly channels: readonly string[]
}

/**
 * Whether a tag moves with versions. A number, or the name of a variant, is floating only if a
 * version of its line exists.
 */
export function isFloatingIn(tag: string, sets: readonly TagSet[], moving: readonly MovingTags[]): boolean {
  if (isCurrentTag(tag, moving) || moving.some(({ channels }) => channels.includes(tag))) return true
  const versions = sets.flatMap((set) => [...set.versions.values()])
  return moving.some(({ reading, channels }) => {
    const line = floatingLine(tag, reading, channels)
    return line !== undefined && versions.some(({ version }) => isInLine(version, line))
  })
}

/** Returns the versions that a floating tag may be on. */
export function lineOf(tag: string, moving: readonly MovingTags[]): Line {
  for (const { reading, channels } of moving) {
    const line = floatingLine(tag, reading, channels)
    if (line !== undefined) return line
  }
  return isCurrentTag(tag, moving) ? {} : { channel: tag }
}

function isCurrentTag(tag: string, moving: readonly MovingTags[]): boolean {
  return tag === defaultTag || moving.some(({ currentTags }) => currentTags.includes(tag))
}
