import { defaultTag } from '../../../oci/reference.ts'
import { isInLine, type Line, numberedLine } from '../../../semver/line.ts'
import { plainReading } from '../../../semver/version.ts'
import type { TagSet } from '../status/common-tags.ts'

/** The names of floating tags that are not numbers. */
interface MovingTags {
  readonly currentTags: readonly string[]
  readonly channels: readonly string[]
}

/** Whether a tag moves with versions. A number is floating only if a version of its line exists. */
export function isFloatingIn(tag: string, sets: readonly TagSet[], moving: readonly MovingTags[]): boolean {
  const line = numberedLine(tag, plainReading)
  if (line === undefined) return isFloatingName(tag, moving)
  return sets.some(({ versions }) => [...versions.values()].some(({ version }) => isInLine(version, line)))
}

/** Returns the versions that a floating tag may be on. */
export function lineOf(tag: string, moving: readonly MovingTags[]): Line {
  return numberedLine(tag, plainReading) ?? (isCurrentTag(tag, moving) ? {} : { channel: tag })
}

function isFloatingName(tag: string, moving: readonly MovingTags[]): boolean {
  return isCurrentTag(tag, moving) || moving.some(({ channels }) => channels.includes(tag))
}

function isCurrentTag(tag: string, moving: readonly MovingTags[]): boolean {
  return tag === defaultTag || moving.some(({ currentTags }) => currentTags.includes(tag))
}
