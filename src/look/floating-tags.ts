import { defaultTag } from '../oci/reference.ts'
import { isStable, type Version } from '../semver/version.ts'
import type { TagSet } from './common-tags.ts'

/** The tags that move by their name. */
interface MovingTags {
  readonly markers: readonly string[]
  readonly channels: readonly string[]
}

const floatingNumber = /^v?(0|[1-9]\d{0,14})(?:\.(0|[1-9]\d{0,14}))?$/

/** Whether a tag is one that moves with versions: a marker, `latest`, a channel, or `1` and `1.4` where there is a version for it: 20240101 is none. */
export function isFloatingIn(tag: string, sets: readonly TagSet[], moving: readonly MovingTags[]): boolean {
  if (!floatingNumber.test(tag)) return isNamed(tag, moving)
  const line = lineOf(tag, moving)
  return sets.some(({ versions }) => [...versions.values()].some(({ version }) => line(version)))
}

/** Which versions a floating tag may stand on. */
export function lineOf(tag: string, moving: readonly MovingTags[]): (version: Version) => boolean {
  const [, major, minor] = floatingNumber.exec(tag) ?? []
  if (major !== undefined) {
    return (version) =>
      isStable(version) &&
      version.major === Number(major) &&
      (minor === undefined || version.minor === Number(minor))
  }
  if (isMarker(tag, moving)) return isStable
  return ({ prerelease }) => prerelease[0] === tag
}

function isNamed(tag: string, moving: readonly MovingTags[]): boolean {
  return isMarker(tag, moving) || moving.some(({ channels }) => channels.includes(tag))
}

function isMarker(tag: string, moving: readonly MovingTags[]): boolean {
  return tag === defaultTag || moving.some(({ markers }) => markers.includes(tag))
}
