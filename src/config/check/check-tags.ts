import { isTag } from '../../oci/reference.ts'
import { fitsSomeTag, matchesGlob } from '../../oci/tag-glob.ts'
import type { TagLevel, TagsConfig } from '../config.ts'
import type { WrittenEnvironment } from '../schema/schema.ts'
import type { Issue, Path } from '../shape.ts'

/** Sample tags of each level, to match globs against. */
const samples: Readonly<Record<Exclude<TagLevel, 'exact'>, readonly string[]>> = {
  minor: ['1.4', 'v1.4'],
  major: ['1', 'v1'],
  latest: ['latest'],
}

/** Finds contradictions in the tag rules of an environment. */
export function checkTags({ tags = {}, marker }: WrittenEnvironment, environment: Path): readonly Issue[] {
  const issues: Issue[] = []
  const at = (path: Path, message: string): void => {
    issues.push({ path: [...environment, ...path], at: 'value', message })
  }
  if (marker !== undefined && !isTag(marker)) at(['marker'], `${JSON.stringify(marker)} is not a tag`)
  const { semver = [], immutable = [], channels = [] } = tags
  if (tags.semver !== undefined && !semver.includes('exact'))
    at(['tags', 'semver'], 'must have exact in it: what the other tags may do follows from the exact ones')
  for (const [i, glob] of immutable.entries()) {
    if (!fitsSomeTag(glob)) {
      at(
        ['tags', 'immutable', i],
        `${JSON.stringify(glob)} fits no tag: a glob has letters, digits, ".", "_", "-", "*" and "?"`,
      )
      continue
    }
    const moved = movedBy(tags as TagsConfig).find((tag) => matchesGlob(glob, tag))
    if (moved !== undefined)
      at(
        ['tags', 'immutable', i],
        `${JSON.stringify(glob)} fits ${moved}, which \`semver\` or \`channels\` moves`,
      )
  }
  for (const [i, channel] of channels.entries()) {
    if (channel === 'latest' || /^v?\d/.test(channel))
      at(['tags', 'channels', i], `${JSON.stringify(channel)} is the name of another tag`)
  }
  return issues
}

function movedBy({ semver = [], channels = [] }: TagsConfig): readonly string[] {
  return [...semver.flatMap((level) => (level === 'exact' ? [] : samples[level])), ...channels]
}
