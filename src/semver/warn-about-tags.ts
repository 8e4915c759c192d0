import { compareText } from './number.ts'
import { beginsWithPreReleaseWord } from './prerelease.ts'
import { isDated, likelySchemes } from './unread-version.ts'
import { variantGlobs } from './variant.ts'
import {
  classifyTag,
  isExactVersion,
  isStable,
  type Version,
  type VersionReading,
  type VersionTag,
  versionTagsIn,
} from './version.ts'

/** How many tags or suffixes a warning names. */
const shown = 5

export interface WarningOptions {
  /** the tag policy writes `latest`, and therefore `alpine` for a variant */
  readonly maintainsLatest?: boolean
  /** flags of the command change the reading, because the repository is in no environment */
  readonly byFlags?: boolean
}

/**
 * Returns warnings about tags that the user probably reads in another way than dray: one line each,
 * without the repository.
 * @param tags all tags of the repository
 */
export function warnAboutTags(
  tags: readonly string[],
  reading: VersionReading,
  { maintainsLatest = false, byFlags = false }: WarningOptions = {},
): readonly string[] {
  const tagged = versionTagsIn(tags, reading)
  const versions = tagged.map(({ version }) => version)
  const suspects = suspectVariants(versions)
  return [
    ...warnAboutVersionLike(tags, tagged, reading, byFlags),
    ...warnAboutSuspects(suspects, byFlags),
    ...(reading.scheme === 'loose' ? [] : warnAboutDigits(versions, suspects)),
    ...(maintainsLatest ? warnAboutLatest(tags, versions) : []),
  ]
}

function warnAboutVersionLike(
  tags: readonly string[],
  versions: readonly VersionTag[],
  reading: VersionReading,
  byFlags: boolean,
): readonly string[] {
  const found = tags.filter((tag) => classifyTag(tag, reading) === 'versionLike')
  const [first] = found
  if (first === undefined) return []
  const [what, are, them] =
    found.length === 1
      ? ['1 version-like tag', 'it is a version', 'it']
      : [`${found.length} version-like tags`, 'they are versions', 'them']
  const best = bestReading(found, versions, reading)
  // the scheme loose makes a date the highest of other versions
  const isAbove = best?.scheme === 'loose' && isDated(first) && versions.length > 0
  const ignore = byFlags ? `name ${them} with --ignore-versions` : `list ${them} under ignoreVersions`
  const fix =
    best === undefined
      ? `${ignore}${byFlags ? '' : ' in dray.yaml'}`
      : `if ${are}${isAbove ? ' above the others' : ''}, ${change(best, reading, byFlags)}; otherwise ${ignore}`
  return [`the scheme ${reading.scheme} does not read ${what} (${listSome(found)}): ${fix}`]
}

/**
 * Returns the reading with all versions of the present one that reads most of the other tags. It
 * has two other settings only if no single one reads any of them.
 */
function bestReading(
  found: readonly string[],
  versions: readonly VersionTag[],
  now: VersionReading,
): VersionReading | undefined {
  const [first = ''] = found
  const schemes = likelySchemes(first).map((scheme) => ({ ...now, scheme }))
  // 3.17.0_rc1 is no build of the release 3.17.0
  const mayBeBuild = !found.some((tag) => beginsWithPreReleaseWord(tag.slice(tag.indexOf('_') + 1)))
  const withMetadata = mayBeBuild ? [now, ...schemes].map((one) => ({ ...one, buildMetadata: true })) : []
  for (const readings of [[...withMetadata.slice(0, 1), ...schemes], withMetadata]) {
    const counted = readings.map((reading) => ({
      reading,
      count: found.filter((tag) => isExactVersion(tag, reading)).length,
    }))
    const [best] = counted
      .filter(({ reading, count }) => count > 0 && versions.every(({ tag }) => isExactVersion(tag, reading)))
      .toSorted((a, b) => b.count - a.count)
    if (best !== undefined) return best.reading
  }
  return undefined
}

function change({ scheme, buildMetadata }: VersionReading, now: VersionReading, byFlags: boolean): string {
  const settings = [
    ...(scheme === now.scheme ? [] : [byFlags ? `--scheme ${scheme}` : `scheme: ${scheme}`]),
    ...(buildMetadata === now.buildMetadata ? [] : [byFlags ? '--build-metadata' : 'buildMetadata: true']),
  ].join(' and ')
  return byFlags ? `pass ${settings}` : `set ${settings} under tags in dray.yaml`
}

function warnAboutSuspects(suspects: ReadonlySet<string>, byFlags: boolean): readonly string[] {
  if (suspects.size === 0) return []
  const suffixes = [...suspects].toSorted(compareText)
  const one = suffixes.length === 1
  const what = `versions with the ${one ? 'suffix' : 'suffixes'} ${listSome(suffixes)} are read as pre-releases`
  const globs = variantGlobs(suffixes)
  if (globs.length === 0) {
    const ignore = byFlags
      ? 'name them with --ignore-versions'
      : 'list them under ignoreVersions in dray.yaml'
    return [`${what}: if they are not versions, ${ignore}`]
  }
  const fix = byFlags
    ? `pass ${globs.map((glob) => `--variant ${JSON.stringify(glob)}`).join(' ')}`
    : `set variants: ${formatList(globs)} under tags in dray.yaml`
  return [`${what}: if ${one ? 'it is a variant' : 'they are variants'}, ${fix}`]
}

/**
 * Returns the suffix of a pre-release that looks like an undeclared variant: it begins neither with
 * a pre-release word nor with a number.
 */
export function suspectVariant(version: Version): string | undefined {
  if (isStable(version)) return undefined
  const suffix = version.prerelease.join('.')
  return /^\d/.test(suffix) || beginsWithPreReleaseWord(suffix) ? undefined : suffix
}

/** Returns the suffixes that look like undeclared variants and follow two or more versions. */
export function suspectVariants(versions: readonly Version[]): ReadonlySet<string> {
  const numbers = new Map<string, Set<string>>()
  for (const version of versions) {
    const suffix = suspectVariant(version)
    if (suffix === undefined) continue
    const { major, minor, patch, fourth } = version
    const seen = numbers.get(suffix) ?? new Set()
    numbers.set(suffix, seen.add(`${major}.${minor}.${patch}.${fourth}`))
  }
  return new Set([...numbers].flatMap(([suffix, seen]) => (seen.size > 1 ? [suffix] : [])))
}

/**
 * Warns about identifiers with the same letters and different numbers of digits: as text, `rc10` is
 * below `rc9` (semver.org, 11).
 */
function warnAboutDigits(versions: readonly Version[], suspects: ReadonlySet<string>): readonly string[] {
  const lengths = new Map<string, Set<number>>()
  for (const { prerelease } of versions) {
    if (suspects.has(prerelease.join('.'))) continue
    for (const identifier of prerelease) {
      const [, letters, digits = ''] = /^([\dA-Za-z-]*[A-Za-z-])(\d+)$/.exec(identifier) ?? []
      if (letters !== undefined) lengths.set(letters, (lengths.get(letters) ?? new Set()).add(digits.length))
    }
  }
  const mixed = [...lengths].flatMap(([letters, seen]) => (seen.size > 1 ? [letters] : []))
  if (mixed.length === 0) return []
  const some = mixed.toSorted(compareText).slice(0, shown)
  const wrong = some.map((letters) => `${letters}10 is below ${letters}9`).join(' and ')
  const right = some.map((letters) => `${letters}.10`).join(' and ')
  return [`${wrong}, because identifiers with letters compare as text: write ${right} in new versions`]
}

/** Warns about `latest-alpine`: the floating tag of the variant is `alpine`. */
function warnAboutLatest(tags: readonly string[], versions: readonly Version[]): readonly string[] {
  const variants = new Set(versions.map(({ variant }) => `latest-${variant}`))
  return tags
    .filter((tag) => variants.has(tag))
    .map((tag) => {
      const variant = tag.replace('latest-', '')
      return `dray does not maintain ${tag}, because ${variant} is the floating tag of this variant: use ${variant}, and delete ${tag}`
    })
}

function formatList(globs: readonly string[]): string {
  return `[${globs.map((glob) => JSON.stringify(glob)).join(', ')}]`
}

function listSome(names: readonly string[]): string {
  return names.length > shown ? `${names.slice(0, shown).join(', ')}, …` : names.join(', ')
}
