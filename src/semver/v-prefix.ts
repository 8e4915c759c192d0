import { numberedLine, type NumberedLine } from './line.ts'
import type { TagPolicy } from './tag-policy.ts'
import { withVariant } from './variant.ts'
import type { Version, VersionReading, VersionTag } from './version.ts'

/** Whether the exact tag and the floating tags of a version begin with `v`. */
export interface VPrefix {
  readonly exact: boolean
  readonly floating: boolean
}

/**
 * Follows the spelling in the repository. The policy decides if the repository has no versions. If
 * it has both spellings, the version tag is as given and the policy decides for floating tags.
 * Existing floating tags of one spelling keep it, so that their users get the new version.
 */
export function decideVPrefix(given: VersionTag, present: PresentTags, { v }: TagPolicy): VPrefix {
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

export interface PresentTags {
  readonly versions: readonly VersionTag[]
  readonly floating: readonly string[]
}

/** Finds floating tags: `1` and `1.4` are floating only if a version of their line exists. */
export function presentTags(
  tags: readonly string[],
  versions: readonly VersionTag[],
  reading: VersionReading,
): PresentTags {
  const lines = new Set(versions.flatMap(({ version }) => keysOf(version)))
  const floating = tags.filter((tag) => {
    const line = numberedLine(tag, reading)
    return line !== undefined && lines.has(keyOf(line))
  })
  return { versions, floating }
}

function keysOf({ major, minor, variant }: Version): readonly string[] {
  return [keyOf({ major, variant }), keyOf({ major, minor, variant })]
}

function keyOf({ major, minor, variant = '' }: NumberedLine): string {
  return withVariant(minor === undefined ? `${major}` : `${major}.${minor}`, variant)
}

function spelling(all: readonly boolean[]): boolean | 'mixed' | 'none' {
  const [first] = all
  if (first === undefined) return 'none'
  return all.every((hasV) => hasV === first) ? first : 'mixed'
}
