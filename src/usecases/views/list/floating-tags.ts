import { defaultTag } from '../../../oci/reference.ts'
import { isInLine, type Line, numberedLine } from '../../../semver/line.ts'
import type { TagSet } from '../status/common-tags.ts'

/** The tags that move by their name. */
interface MovingTags {
  readonly markers: readonly string[]
  readonly channels: readonly string[]
}

/** Whether a tag is one that moves with versions: a marker, `latest`, a channel, or `1` and `1.4` where there is a version for it: 20240101 is none. */
export function isFloatingIn(tag: string, sets: readonly TagSet[], moving: readonly MovingTags[]): boolean {
  const line = numberedLine(tag)
  if (line === undefined) return isNamed(tag, moving)
  return sets.some(({ versions }) => [...versions.values()].some(({ version }) => isInLine(version, line)))
}

/** The versions that a floating tag may stand on. */
export function lineOf(tag: string, moving: readonly MovingTags[]): Line {
  return numberedLine(tag) ?? (isMarker(tag, moving) ? {} : { channel: tag })
}

function isNamed(tag: string, moving: readonly MovingTags[]): boolean {
  return isMarker(tag, moving) || moving.some(({ channels }) => channels.includes(tag))
}

function isMarker(tag: string, moving: readonly MovingTags[]): boolean {
  return tag === defaultTag || moving.some(({ markers }) => markers.includes(tag))
}
