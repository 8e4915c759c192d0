import { sortBySemver } from '../../../semver/order.ts'
import {
  versionKeyWithBuild,
  type VersionReading,
  type Version,
  versionTagsIn,
} from '../../../semver/version.ts'

/** Two tags of the same name, or two spellings of one version. */
export interface TagPair {
  readonly from: string
  readonly to: string
}

/** The tags of one repository, as versions, the highest first. */
export class TagSet {
  readonly tags: ReadonlySet<string>
  /** those that are versions, in every spelling */
  readonly exact: ReadonlySet<string>
  /** by their names; of several spellings of a version the first */
  readonly versions: ReadonlyMap<string, { readonly tag: string; readonly version: Version }>

  constructor(tags: readonly string[], reading: VersionReading) {
    const inOrder = sortBySemver(tags, reading)
    this.tags = new Set(inOrder)
    const exact = versionTagsIn(inOrder, reading)
    this.exact = new Set(exact.map(({ tag }) => tag))
    const versions = new Map<string, { readonly tag: string; readonly version: Version }>()
    for (const { tag, version } of exact) {
      const name = versionKeyWithBuild(version)
      if (!versions.has(name)) versions.set(name, { tag, version })
    }
    this.versions = versions
  }

  /** The versions that another set does not have, under any spelling or under the same tag. */
  without(other: TagSet): readonly { readonly tag: string; readonly version: Version }[] {
    return [...this.versions].flatMap(([name, one]) =>
      other.versions.has(name) || other.tags.has(one.tag) ? [] : [one],
    )
  }
}

/** Returns the tags that both sides have, the highest first. */
export function pairCommonTags(from: TagSet, to: TagSet): readonly TagPair[] {
  const same = [...from.tags].filter((tag) => to.tags.has(tag)).map((tag) => ({ from: tag, to: tag }))
  const paired = new Set(same.map((pair) => pair.from))
  const spelled = [...from.versions].flatMap(([name, { tag }]) => {
    const counterpart = to.versions.get(name)?.tag
    return counterpart === undefined || paired.has(tag) || paired.has(counterpart)
      ? []
      : [{ from: tag, to: counterpart }]
  })
  const order = new Map([...from.tags].map((tag, i) => [tag, i]))
  return [...same, ...spelled].sort((a, b) => (order.get(a.from) ?? 0) - (order.get(b.from) ?? 0))
}

/** Returns the tag names that both lists have: those that move to each new image first. */
export function listCommonTags(from: readonly string[], to: readonly string[]): readonly string[] {
  const there = new Set(to)
  const common = from.filter((tag) => there.has(tag)).toSorted()
  return [...common.filter(isMovingName), ...common.filter((tag) => !isMovingName(tag))]
}

/**
 * Whether a tag has no number. `main` moves to each new image; `sha-1f2e` and `build-77` do not.
 */
export function isMovingName(tag: string): boolean {
  return !/\d/.test(tag)
}
