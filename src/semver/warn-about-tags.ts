import { isNumeric } from './number.ts'
import { beginsWithPreReleaseWord } from './prerelease.ts'
import {
  classifyTag,
  isExactVersion,
  isStable,
  type VersionScheme,
  type Version,
  type VersionReading,
  type VersionTag,
  versionTagsIn,
} from './version.ts'

/** How many tags or suffixes a warning names. */
const shown = 5

/**
 * Returns warnings about tags whose reading is probably not the one that the user expects: one line
 * each, without the repository.
 * @param tags all tags of the repository
 */
export function warnAboutTags(
  tags: readonly string[],
  reading: VersionReading,
  { maintainsLatest = false }: { readonly maintainsLatest?: boolean } = {},
): readonly string[] {
  const versions = versionTagsIn(tags, reading)
  return [
    ...warnAboutVersionLike(tags, reading),
    ...warnAboutSuffixes(versions),
    ...warnAboutDigits(versions, reading),
    ...(maintainsLatest ? warnAboutLatest(tags, versions) : []),
  ]
}

function warnAboutVersionLike(tags: readonly string[], reading: VersionReading): readonly string[] {
  const found = tags.filter((tag) => classifyTag(tag, reading) === 'versionLike')
  if (found.length === 0) return []
  const fixes = [...fixesFor(found, reading), 'if they are not versions, list them in ignoreVersions']
  const [fix = '', ...more] = fixes
  const are =
    found.length === 1
      ? '1 version-like tag is not read as a version'
      : `${found.length} version-like tags are not read as versions`
  return [`${are} by the scheme ${reading.scheme}: ${list(found)}; ${[fix, ...more].join(', or ')}`]
}

/** The settings that read some of the tags, the one that reads the most first. */
function fixesFor(tags: readonly string[], reading: VersionReading): readonly string[] {
  const others: readonly VersionScheme[] = ['calver', 'loose']
  const changes: readonly (readonly [fix: string, change: Partial<VersionReading>])[] = [
    ...(reading.buildMetadata ? [] : [['set buildMetadata: true', { buildMetadata: true }] as const]),
    ...others
      .filter((scheme) => scheme !== reading.scheme)
      .map((scheme) => [`set scheme: ${scheme}`, { scheme }] as const),
  ]
  const counted = changes.map(([fix, change]) => ({
    fix,
    count: tags.filter((tag) => isExactVersion(tag, { ...reading, ...change })).length,
  }))
  const [best] = counted.toSorted((a, b) => b.count - a.count)
  return best === undefined || best.count === 0 ? [] : [best.fix]
}

function warnAboutSuffixes(versions: readonly VersionTag[]): readonly string[] {
  const suffixes = [...suspectVariants(versions.map(({ version }) => version))]
  if (suffixes.length === 0) return []
  return [
    `versions with the suffix ${list(suffixes)} are read as pre-releases; if these are variants, set variants: ${JSON.stringify(suffixes.slice(0, shown))}`,
  ]
}

/** Returns the suffixes that follow two or more versions and are probably undeclared variants. */
export function suspectVariants(versions: readonly Version[]): ReadonlySet<string> {
  const numbers = new Map<string, Set<string>>()
  for (const version of versions) {
    const suffix = suspectVariant(version)
    if (suffix === undefined) continue
    const { major, minor, patch, fourth } = version
    const seen = numbers.get(suffix) ?? new Set()
    numbers.set(suffix, seen.add(`${major}.${minor}.${patch}.${fourth}`))
  }
  return new Set([...numbers].filter(([, seen]) => seen.size > 1).map(([suffix]) => suffix))
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

/** Warns about identifiers such as `rc9` and `rc10`, which compare as text. */
function warnAboutDigits(versions: readonly VersionTag[], { scheme }: VersionReading): readonly string[] {
  if (scheme === 'loose') return []
  const identifiers = new Set(versions.flatMap(({ version }) => version.prerelease))
  const byLetters = new Map<string, string>()
  for (const identifier of identifiers) {
    const [, letters, digits] = /^(.*\D)(\d+)$/.exec(identifier) ?? []
    if (letters === undefined || digits === undefined || isNumeric(identifier)) continue
    const other = byLetters.get(letters)
    if (other === undefined) byLetters.set(letters, digits)
    else if (other.length !== digits.length) {
      const [short = '', long = ''] = [other, digits].toSorted((a, b) => a.length - b.length)
      return [
        `${letters}${short} and ${letters}${long} are compared as text, not as numbers; write ${letters}.${short} and ${letters}.${long} in new versions`,
      ]
    }
  }
  return []
}

/** Warns about `latest-alpine`: the floating tag of the variant is `alpine`. */
function warnAboutLatest(tags: readonly string[], versions: readonly VersionTag[]): readonly string[] {
  const variants = new Set(versions.map(({ version }) => version.variant))
  return tags
    .filter((tag) => tag.startsWith('latest-') && variants.has(tag.slice('latest-'.length)))
    .map((tag) => {
      const variant = tag.slice('latest-'.length)
      return `dray does not maintain ${tag}, because ${variant} is the floating tag of this variant; delete ${tag}, or move it yourself with --tags ${tag}`
    })
}

function list(names: readonly string[]): string {
  return names.length > shown ? `${names.slice(0, shown).join(', ')}, …` : names.join(', ')
}
