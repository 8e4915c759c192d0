import { isTag } from '../../oci/reference.ts'
import { fitsSomeTag, matchesGlob } from '../../oci/tag-glob.ts'
import type { TagLevel } from '../../semver/tag-policy.ts'
import { variantProblem } from '../../semver/variant.ts'
import type { ReadingConfig, TagsConfig } from '../config.ts'
import type { WrittenEnvironment } from '../schema/schema.ts'
import type { Path } from '../key-path.ts'
import type { ReportIssue } from '../shape.ts'

type FloatingLevel = Exclude<TagLevel, 'exact'>

/** Sample tags of each level, to match globs against. */
const samples: Readonly<Record<FloatingLevel, readonly string[]>> = {
  minor: ['1.4', 'v1.4'],
  major: ['1', 'v1'],
  latest: ['latest'],
}
const samplesOfCalver: Readonly<Record<FloatingLevel, readonly string[]>> = {
  minor: ['2024.04', '2024.4', 'v2024.04'],
  major: ['2024', 'v2024'],
  latest: ['latest'],
}

/**
 * Finds contradictions in the tag rules of an environment.
 * @param ofImages the keys of images, which replace those of the environment
 */
export function checkTags(
  { tags = {}, currentTag }: WrittenEnvironment,
  environment: Path,
  ofImages: readonly ReadingConfig[],
  report: ReportIssue,
): void {
  if (currentTag !== undefined && !isTag(currentTag))
    report([...environment, 'currentTag'], `${JSON.stringify(currentTag)} is not a tag`)
  const path = [...environment, 'tags']
  const { semver, immutable = [], channels = [] } = tags
  if (semver !== undefined && !semver.includes('exact')) {
    report([...path, 'semver'], 'must contain exact: the exact versions decide whether the other tags move')
  }
  const moving = [{}, ...ofImages].flatMap((one) => movedBy({ ...(tags as TagsConfig), ...one }))
  for (const [i, glob] of immutable.entries()) {
    const text = JSON.stringify(glob)
    const moved = moving.find((tag) => matchesGlob(glob, tag))
    if (!fitsSomeTag(glob)) {
      report([...path, 'immutable', i], matchesNone(glob))
    } else if (moved !== undefined) {
      report([...path, 'immutable', i], `${text} matches ${moved}, which \`semver\` or \`channels\` moves`)
    }
  }
  checkReading(tags as ReadingConfig, path, channels, report)
  for (const [i, channel] of channels.entries()) {
    if (channel === 'latest' || /^v?\d/.test(channel))
      report([...path, 'channels', i], `${JSON.stringify(channel)} is the name of another floating tag`)
  }
}

/**
 * Checks the globs of variants and of ignored versions.
 * @param channels that no variant may be named like
 */
export function checkReading(
  { variants = [], ignoreVersions = [] }: ReadingConfig,
  path: Path,
  channels: readonly string[],
  report: ReportIssue,
): void {
  for (const [i, glob] of variants.entries()) {
    const problem = variantGlobProblem(glob, channels)
    if (problem !== undefined) report([...path, 'variants', i], problem)
  }
  for (const [i, glob] of ignoreVersions.entries())
    if (!fitsSomeTag(glob)) report([...path, 'ignoreVersions', i], matchesNone(glob))
}

/**
 * Returns the problem of a glob of variants, or undefined.
 * @param channels that no variant may be named like
 */
export function variantGlobProblem(glob: string, channels: readonly string[]): string | undefined {
  if (glob.startsWith('-')) return `must not begin with "-": write ${JSON.stringify(glob.replace(/^-+/, ''))}`
  if (!fitsSomeTag(glob)) return matchesNone(glob)
  const problem = variantProblem(glob, channels)
  return problem === undefined ? undefined : `${JSON.stringify(glob)} ${problem}`
}

function matchesNone(glob: string): string {
  return `${JSON.stringify(glob)} matches no tag: a glob consists of letters, digits, ".", "_", "-", "*" and "?"`
}

/** Returns samples of the tags that move with versions, also of each variant. */
function movedBy({ semver = [], channels = [], scheme, variants = [] }: TagsConfig): readonly string[] {
  const ofLevel = scheme === 'calver' ? samplesOfCalver : samples
  const moved = [...semver.flatMap((level) => (level === 'exact' ? [] : ofLevel[level])), ...channels]
  const suffixes = variants.map((glob) => glob.replaceAll(/[*?]/g, '1'))
  return [
    ...moved,
    ...suffixes.flatMap((suffix) => moved.map((tag) => (tag === 'latest' ? suffix : `${tag}-${suffix}`))),
  ]
}
