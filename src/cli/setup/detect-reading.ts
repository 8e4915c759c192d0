import type { StartingReading } from '../../config/starting/starting-config.ts'
import { variantGlobs } from '../../semver/variant.ts'
import { isExactVersion, plainReading, type VersionReading, versionTagsIn } from '../../semver/version.ts'
import { suspectVariants } from '../../semver/warn-about-tags.ts'

/** Tags that have to show a form before it is a setting. */
const enough = 3

/** Numbers without a suffix, so that pre-releases and variants do not count. */
const release = /^v?\d+(?:\.\d+){1,3}$/
/** Build metadata in a tag; `1.4.2_amd64` is a platform. */
const built = /^v?\d+\.\d+\.\d+(?:-[^_]+)?_(?:build|rev|up|b|r)?[.-]?\d/

/**
 * Returns the settings with which dray reads the tags of a repository as versions, as far as the
 * tags show them; undefined if the defaults are right. Pure.
 */
export function detectReading(tags: readonly string[]): StartingReading | undefined {
  const releases = tags.filter((tag) => release.test(tag))
  const twoNumbers = hasTwoNumbers(releases)
  const scheme = twoNumbers ? 'loose' : detectScheme(releases)
  const buildMetadata = tags.filter((tag) => built.test(tag)).length >= enough
  const reading: VersionReading = { ...plainReading, scheme, twoNumbers, buildMetadata }
  const variants = detectVariants(tags, reading)
  const found: StartingReading = {
    ...(scheme !== 'semver' && { scheme }),
    ...(variants.length > 0 && { variants }),
    ...(buildMetadata && { buildMetadata }),
    ...(twoNumbers && { twoNumbers }),
  }
  return Object.keys(found).length === 0 ? undefined : found
}

/**
 * A few dates do not make a calendar of a repository of semantic versions. Four numbers that are no
 * date are versions in every repository.
 */
function detectScheme(releases: readonly string[]): VersionReading['scheme'] {
  const isIn = (tag: string, scheme: VersionReading['scheme']): boolean =>
    isExactVersion(tag, { ...plainReading, scheme })
  const unread = releases.filter((tag) => !isIn(tag, 'semver'))
  const dates = unread.filter((tag) => isIn(tag, 'calver'))
  const others = unread.filter((tag) => !isIn(tag, 'calver') && isIn(tag, 'loose'))
  const semantic = releases.filter((tag) => isIn(tag, 'semver')).length
  if (others.length >= enough) return 'loose'
  return dates.length >= enough && dates.length > semantic ? 'calver' : 'semver'
}

/** Whether most releases are `16.3` and not the floating tags of longer versions. */
function hasTwoNumbers(releases: readonly string[]): boolean {
  const numbers = releases.map((tag) => tag.replace(/^v/, '').split('.'))
  const longer = numbers.filter(({ length }) => length > 2)
  const lines = new Set(longer.map(([first, second]) => `${first}.${second}`))
  const two = numbers.filter((one) => one.length === 2 && !lines.has(one.join('.')))
  return two.length >= enough && two.length > longer.length
}

function detectVariants(tags: readonly string[], reading: VersionReading): readonly string[] {
  const versions = versionTagsIn(tags, reading).map(({ version }) => version)
  return variantGlobs([...suspectVariants(versions)])
}
