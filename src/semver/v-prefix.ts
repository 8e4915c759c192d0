import type { TagPolicy } from './tag-policy.ts'
import type { VersionTag } from './version.ts'

/** Whether the exact tag and the floating tags of a version begin with `v`. */
export interface VPrefix {
  readonly exact: boolean
  readonly floating: boolean
}

/**
 * Follows what the repository does. Where it has no versions yet, the policy decides; where it has both spellings, the exact tag is as the version was
 * given, and the policy decides for the floating tags. Floating tags that are there and all spelled one way go on so: who follows them is not left behind.
 */
export function vPrefixOf(given: VersionTag, present: PresentTags, { v }: TagPolicy): VPrefix {
  const configured = v === 'keep' ? given.hasV : v === 'always'
  const ofVersions = spelling(present.versions.map(({ hasV }) => hasV))
  switch (ofVersions) {
    case 'none':
      return { exact: configured, floating: configured }
    case 'mixed':
      return { exact: given.hasV, floating: configured }
    case true:
    case false: {
      const ofFloating = spelling(present.floating.map((tag) => tag.startsWith('v')))
      return { exact: ofVersions, floating: typeof ofFloating === 'boolean' ? ofFloating : ofVersions }
    }
  }
}

/** The tags of a repository that are versions, and those that are floating tags of such. */
export interface PresentTags {
  readonly versions: readonly VersionTag[]
  readonly floating: readonly string[]
}

/** Sorts out the tags of a repository; `1` and `1.4` are floating tags only where a version of theirs is there too. */
export function presentTags(tags: readonly string[], versions: readonly VersionTag[]): PresentTags {
  const lines = new Set(
    versions.flatMap(({ version: { major, minor } }) => [`${major}`, `${major}.${minor}`]),
  )
  return { versions, floating: tags.filter((tag) => lines.has(tag.replace(/^v/, ''))) }
}

function spelling(all: readonly boolean[]): boolean | 'mixed' | 'none' {
  const [first] = all
  if (first === undefined) return 'none'
  return all.every((hasV) => hasV === first) ? first : 'mixed'
}
