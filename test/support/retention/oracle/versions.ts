import { matchesAny } from './globs.ts'
import { compareNaturally, compareTexts } from './natural-order.ts'

/** How the tags of a repository are read (tags.md, Configuration), as in dray.yaml. */
export interface ReadingData {
  readonly scheme?: 'semver' | 'calver' | 'loose'
  readonly variants?: readonly string[]
  readonly ignoreVersions?: readonly string[]
  readonly buildMetadata?: boolean
  /** the floating tags that promotions maintain */
  readonly semver?: readonly string[]
}

export interface OracleVersion {
  /** four numbers; missing ones are 0 */
  readonly numbers: readonly bigint[]
  readonly prerelease: readonly string[]
  /** empty: none */
  readonly variant: string
}

/** Undefined if the tag is not a version under the scheme (tags.md, Schemes and Variants). */
export function versionOf(tag: string, reading: ReadingData): OracleVersion | undefined {
  if (matchesAny(reading.ignoreVersions ?? [], tag)) return undefined
  const dashes = [...tag.matchAll(/-/g)].map(({ index }) => index)
  // The longest suffix begins at the first dash.
  const at = dashes.find((dash) => isVariant(tag.slice(dash + 1), reading.variants ?? []))
  const variant = at === undefined ? '' : tag.slice(at + 1)
  const rest = at === undefined ? tag : tag.slice(0, at)
  const [core = '', ...builds] = rest.split('_')
  if (builds.length > 0 && (reading.buildMetadata !== true || builds.length > 1)) return undefined
  if (builds.some((build) => build.split('.').some((one) => !/^[0-9A-Za-z-]+$/.test(one)))) return undefined
  const dash = core.indexOf('-')
  const numbers = numbersOf(dash < 0 ? core : core.slice(0, dash), reading)
  const prerelease = dash < 0 ? [] : core.slice(dash + 1).split('.')
  if (numbers === undefined || prerelease.some((one) => !isIdentifier(one, reading))) return undefined
  return { numbers, prerelease, variant }
}

/**
 * Whether a suffix is a variant. A glob that begins with a wildcard does not match the pre-release
 * of a variant: `rc.1-slim` is the pre-release `rc.1` of `slim`.
 */
function isVariant(suffix: string, globs: readonly string[]): boolean {
  const isPrerelease = prereleaseWords.test(suffix)
  return globs.some((glob) => matchesAny([glob], suffix) && !(/^[*?]/.test(glob) && isPrerelease))
}

function isIdentifier(text: string, { scheme = 'semver' }: ReadingData): boolean {
  if (scheme === 'semver' && /^0\d+$/.test(text)) return false
  return /^[0-9A-Za-z-]+$/.test(text)
}

/** Undefined if the scheme does not read them. */
function numbersOf(text: string, reading: ReadingData): readonly bigint[] | undefined {
  const parts = text.replace(/^v/, '').split('.')
  if (parts.some((part) => !/^\d+$/.test(part))) return undefined
  const numbers = [...parts, '0', '0', '0'].slice(0, 4).map(BigInt)
  const [first = 0n, second = 0n] = numbers
  switch (reading.scheme ?? 'semver') {
    case 'semver': {
      const isPadded = parts.some((part) => part.length > 1 && part.startsWith('0'))
      return parts.length === 3 && !isPadded && first < 1970n ? numbers : undefined
    }
    case 'calver': {
      const [year = ''] = parts
      const isYear = year.length === 2 || (year.length === 4 && first >= 1970n && first <= 2099n)
      const isMonthOrWeek = second >= 1n && second <= 53n
      return [3, 4].includes(parts.length) && isYear && isMonthOrWeek ? numbers : undefined
    }
    case 'loose': {
      const writesMinor = reading.semver?.includes('minor') === true
      return [...(writesMinor ? [] : [2]), 3, 4].includes(parts.length) ? numbers : undefined
    }
  }
}

/** Whether a tag is version-like (tags.md, Three kinds of tags). */
export function isVersionLike(tag: string, reading: ReadingData): boolean {
  if (matchesAny(reading.ignoreVersions ?? [], tag) || versionOf(tag, reading) !== undefined) return false
  return /^v?\d+\.\d+\.\d+(\.\d+)*([-_].*)?$/.test(tag)
}

/** How text in pre-releases compares. */
export type TextOrder = 'ascii' | 'numbers'

export function textOrderOf({ scheme }: ReadingData): TextOrder {
  return scheme === 'loose' ? 'numbers' : 'ascii'
}

/** Compares by precedence (semver.org, 11). The variant and build metadata do not count. */
export function comparePrecedence(a: OracleVersion, b: OracleVersion, order: TextOrder): number {
  for (const [i, number] of a.numbers.entries()) {
    const other = b.numbers[i] ?? 0n
    if (number !== other) return number < other ? -1 : 1
  }
  if (a.prerelease.length === 0 || b.prerelease.length === 0)
    return Number(a.prerelease.length === 0) - Number(b.prerelease.length === 0)
  return comparePrereleases(a.prerelease, b.prerelease, order)
}

function comparePrereleases(
  [a, ...as]: readonly string[],
  [b, ...bs]: readonly string[],
  order: TextOrder,
): number {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined)
  return compareIdentifiers(a, b, order) || comparePrereleases(as, bs, order)
}

function compareIdentifiers(a: string, b: string, order: TextOrder): number {
  const [isNumber, isOtherNumber] = [/^\d+$/.test(a), /^\d+$/.test(b)]
  if (isNumber && isOtherNumber) return Number(BigInt(a) > BigInt(b)) - Number(BigInt(a) < BigInt(b))
  if (isNumber !== isOtherNumber) return isNumber ? -1 : 1
  return order === 'numbers' ? compareNaturally(a, b) : compareTexts(a, b)
}

/** The name of a line (`newestPer`, `groupBy`), without the variant. */
export function lineOf(version: OracleVersion, per: 'repository' | 'major' | 'minor' | 'patch'): string {
  return version.numbers.slice(0, { repository: 0, major: 1, minor: 2, patch: 3 }[per]).join('.')
}

const prereleaseWords =
  /^(alpha|beta|canary|cr|dev|development|ea|edge|experimental|insiders?|milestone|next|nightly|pr|pre|prerelease|preview|rc|snapshot|unstable)(?![a-z])/i

/**
 * The reading of protections: suffixes that look like undeclared variants are variants (tags.md,
 * Variants). Such a suffix follows two or more versions, or one that is there without it too; then
 * it does not look like a commit.
 */
export function withSuspectedVariants(tags: readonly string[], reading: ReadingData): ReadingData {
  const versions = tags.flatMap((tag) => versionOf(tag, reading) ?? [])
  const suffixed = versions.flatMap((version) => {
    const suffix = version.prerelease.join('.')
    const isOther = suffix === '' || /^\d/.test(suffix) || prereleaseWords.test(suffix)
    return isOther ? [] : [{ suffix, version }]
  })
  const suspected = suffixed.filter(({ suffix, version }) => {
    const same = suffixed.filter((one) => one.suffix === suffix).map((one) => one.version)
    if (same.some((one) => !hasSameNumbers(one, version))) return true
    const isCommit = /^(g|sha-?)?[0-9a-f]{7,40}$/.test(suffix)
    return !isCommit && versions.some((one) => isReleaseOf(one, version))
  })
  return { ...reading, variants: [...(reading.variants ?? []), ...suspected.map(({ suffix }) => suffix)] }
}

function isReleaseOf(one: OracleVersion, version: OracleVersion): boolean {
  return one.prerelease.length === 0 && one.variant === version.variant && hasSameNumbers(one, version)
}

function hasSameNumbers(a: OracleVersion, b: OracleVersion): boolean {
  return a.numbers.join('.') === b.numbers.join('.')
}
