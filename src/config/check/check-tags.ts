import { isTag } from '../../oci/reference.ts'
import { fitsSomeTag, matchesGlob } from '../../oci/tag-glob.ts'
import type { TagLevel } from '../../semver/tag-policy.ts'
import type { TagsConfig } from '../config.ts'
import type { WrittenEnvironment } from '../schema/schema.ts'
import type { Path, ReportIssue } from '../shape.ts'

/** Sample tags of each level, to match globs against. */
const samples: Readonly<Record<Exclude<TagLevel, 'exact'>, readonly string[]>> = {
  minor: ['1.4', 'v1.4'],
  major: ['1', 'v1'],
  latest: ['latest'],
}

/** Finds contradictions in the tag rules of an environment. */
export function checkTags(
  { tags = {}, currentTag }: WrittenEnvironment,
  environment: Path,
  report: ReportIssue,
): void {
  if (currentTag !== undefined && !isTag(currentTag))
    report([...environment, 'currentTag'], `${JSON.stringify(currentTag)} is not a tag`)
  const path = [...environment, 'tags']
  const { semver, immutable = [], channels = [] } = tags
  if (semver !== undefined && !semver.includes('exact')) {
    report([...path, 'semver'], 'must contain exact: the exact versions decide whether the other tags move')
  }
  for (const [i, glob] of immutable.entries()) {
    const text = JSON.stringify(glob)
    const moved = movedBy(tags as TagsConfig).find((tag) => matchesGlob(glob, tag))
    if (!fitsSomeTag(glob)) {
      const allowed = 'a glob consists of letters, digits, ".", "_", "-", "*" and "?"'
      report([...path, 'immutable', i], `${text} matches no tag: ${allowed}`)
    } else if (moved !== undefined) {
      report([...path, 'immutable', i], `${text} matches ${moved}, which \`semver\` or \`channels\` moves`)
    }
  }
  for (const [i, channel] of channels.entries()) {
    if (channel === 'latest' || /^v?\d/.test(channel))
      report([...path, 'channels', i], `${JSON.stringify(channel)} is the name of another floating tag`)
  }
}

function movedBy({ semver = [], channels = [] }: TagsConfig): readonly string[] {
  return [...semver.flatMap((level) => (level === 'exact' ? [] : samples[level])), ...channels]
}
