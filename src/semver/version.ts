import { isEvidenceTag } from '../oci/evidence-tags.ts'
import { matchesAnyGlob } from '../oci/tag-glob.ts'
import { compareNumbers, parseNumber, type VersionNumber } from './number.ts'
import { comparePreReleases } from './prerelease.ts'
import { splitVariant, withVariant } from './variant.ts'

/** The numbers that a version may have. */
export type VersionScheme = 'semver' | 'calver' | 'loose'

/** How the tags of a repository are read as versions. */
export interface VersionReading {
  readonly scheme: VersionScheme
  /** globs of suffixes that are not pre-releases */
  readonly variants: readonly string[]
  /** globs of tags that are never versions */
  readonly ignoreVersions: readonly string[]
  /** `1.4.1_build.7` is the version 1.4.1+build.7, as `+` is not legal in a tag; else no version */
  readonly buildMetadata: boolean
  /** in `loose`, `7.02` is a version, because the policy writes no `minor` tags */
  readonly twoNumbers: boolean
}

/** The reading without configuration. */
export const plainReading: VersionReading = {
  scheme: 'semver',
  variants: [],
  ignoreVersions: [],
  buildMetadata: false,
  twoNumbers: false,
}

/** A version by one of the schemes; only `parseVersion` makes one. A missing number is 0. */
export interface Version {
  readonly scheme: VersionScheme
  readonly major: VersionNumber
  readonly minor: VersionNumber
  readonly patch: VersionNumber
  readonly fourth: VersionNumber
  /** the two to four numbers as written, with their zero padding */
  readonly spelled: readonly string[]
  /** the identifiers of the pre-release; empty: the version is stable */
  readonly prerelease: readonly string[]
  readonly build: readonly string[]
  /** `alpine` of 1.4.2-alpine; empty without a variant */
  readonly variant: string
}

/** A tag that is a whole version. */
export interface VersionTag {
  readonly tag: string
  readonly version: Version
  /** begins with `v` */
  readonly hasV: boolean
}

/** A calendar version begins with a year of this century or of the end of the last one. */
export const firstYear = 1970
export const lastYear = 2099
/** The second number of a calendar version is a month or a week. */
const lastWeek = 53
/** The length of the longest version; that of the package `semver`. */
const maxLength = 256

/** Most other tags, such as git hashes, are not examined further. */
const beginsWithNumbers = /^v?\d+\.\d/
const grammar =
  /^v?(\d+(?:\.\d+){1,3})(?:-([\dA-Za-z-]+(?:\.[\dA-Za-z-]+)*))?(?:\+([\dA-Za-z-]+(?:\.[\dA-Za-z-]+)*))?$/

/**
 * Parses a version with an optional leading `v` and, after `+`, build metadata (semver.org 2.0.0,
 * Backus–Naur Form Grammar; the numbers by the scheme). Returns undefined for anything else, and
 * for the versions of `ignoreVersions`.
 */
export function parseVersion(text: string, reading: VersionReading): Version | undefined {
  return parse(text, reading, false)
}

/** Parses a tag, with `_` before build metadata if the reading has it (`parseVersion`). */
export function parseVersionTag(tag: string, reading: VersionReading): VersionTag | undefined {
  const version = parse(tag, reading, reading.buildMetadata)
  // cosign's tags can have a prefix in the form of a version: 1.4.2-sha256-….att
  return version === undefined || isEvidenceTag(tag) ? undefined : { tag, version, hasV: tag.startsWith('v') }
}

/** @param isTag the text has `_` instead of `+`; in a variant, `_` remains */
function parse(text: string, reading: VersionReading, isTag: boolean): Version | undefined {
  if (text.length > maxLength || !beginsWithNumbers.test(text) || isIgnored(text, reading)) return undefined
  const { rest, variant } = splitVariant(text, reading.variants)
  const match = grammar.exec(isTag ? rest.replace('_', '+') : rest)
  if (match === null) return undefined
  const spelled = identifiersIn(match[1])
  const prerelease = identifiersIn(match[2])
  if (!hasNumbersOf(spelled, reading)) return undefined
  if (reading.scheme === 'semver' && prerelease.some(isPadded)) return undefined
  return {
    scheme: reading.scheme,
    major: numberAt(spelled, 0),
    minor: numberAt(spelled, 1),
    patch: numberAt(spelled, 2),
    fourth: numberAt(spelled, 3),
    spelled,
    prerelease,
    build: identifiersIn(match[3]),
    variant,
  }
}

function identifiersIn(text: string | undefined): readonly string[] {
  return text === undefined ? none : text.split('.')
}

const none: readonly string[] = []

function numberAt(spelled: readonly string[], at: number): VersionNumber {
  const digits = spelled[at]
  return digits === undefined ? 0 : parseNumber(digits)
}

function hasNumbersOf(numbers: readonly string[], { scheme, twoNumbers }: VersionReading): boolean {
  const [first = '', second = ''] = numbers
  switch (scheme) {
    case 'semver':
      return numbers.length === 3 && !numbers.some(isPadded) && isWithin(first, 0, firstYear - 1)
    case 'calver':
      return numbers.length > 2 && isYear(first) && isWithin(second, 1, lastWeek)
    case 'loose':
      return numbers.length > 2 || (numbers.length === 2 && twoNumbers)
  }
}

function isYear(number: string): boolean {
  return number.length === 2 || (number.length === 4 && isWithin(number, firstYear, lastYear))
}

function isWithin(digits: string, lowest: number, highest: number): boolean {
  const number = parseNumber(digits)
  return typeof number === 'number' && number >= lowest && number <= highest
}

/** Whether an identifier is a number with leading zeros, which semver.org does not allow. */
function isPadded(identifier: string): boolean {
  return identifier.startsWith('0') && /^0\d+$/.test(identifier)
}

function isIgnored(text: string, { ignoreVersions }: VersionReading): boolean {
  if (ignoreVersions.length === 0) return false
  const tag = text.replace('+', '_')
  return matchesAnyGlob(ignoreVersions, tag)
}

export function versionTagsIn(tags: readonly string[], reading: VersionReading): readonly VersionTag[] {
  return tags.flatMap((tag) => parseVersionTag(tag, reading) ?? [])
}

export function isExactVersion(tag: string, reading: VersionReading): boolean {
  return parseVersionTag(tag, reading) !== undefined
}

/**
 * The kind of a tag: a version under the scheme; `versionLike`, with three or more numbers that the
 * scheme does not read; or any other tag, as all of `ignoreVersions`.
 */
export function classifyTag(tag: string, reading: VersionReading): 'version' | 'versionLike' | 'plain' {
  if (isExactVersion(tag, reading)) return 'version'
  return threeNumbers.test(tag) && !isIgnored(tag, reading) && !isEvidenceTag(tag) ? 'versionLike' : 'plain'
}

const threeNumbers = /^v?\d+(?:\.\d+){2,}(?:[-_].*)?$/

/** Whether a tag may be a version in any scheme: it begins with two numbers, as `1.4` does. */
export function beginsLikeVersion(tag: string): boolean {
  return beginsWithNumbers.test(tag)
}

/**
 * Compares by precedence without build metadata (semver.org, 11): negative if `a` is lower. The
 * variant does not count.
 */
export function compareVersions(a: Version, b: Version): number {
  return comparePrecedence(a, b, a.scheme === 'loose' && b.scheme === 'loose')
}

/** Compares like `compareVersions`, and digits inside identifiers as numbers: `rc9`, `rc10`. */
export function compareByDigits(a: Version, b: Version): number {
  return comparePrecedence(a, b, true)
}

function comparePrecedence(a: Version, b: Version, byDigits: boolean): number {
  return (
    compareNumbers(a.major, b.major) ||
    compareNumbers(a.minor, b.minor) ||
    compareNumbers(a.patch, b.patch) ||
    compareNumbers(a.fourth, b.fourth) ||
    comparePreReleases(a.prerelease, b.prerelease, byDigits)
  )
}

/** Whether two versions have the same precedence and variant: `2024.4.1` and `2024.04.1` do. */
export function isSameVersion(a: Version, b: Version): boolean {
  return a.variant === b.variant && compareVersions(a, b) === 0
}

/** Returns one text for all spellings of a version: equal if and only if `isSameVersion`. */
export function versionKey({ scheme, prerelease, variant, ...numbers }: Version): string {
  const { major, minor, patch, fourth } = numbers
  const identifiers = prerelease.map((one) => (scheme === 'loose' || isPadded(one) ? unpadded(one) : one))
  return `${major}.${minor}.${patch}.${fourth} ${identifiers.join('.')} ${variant}`
}

/** Returns the key of the release that a pre-release precedes; of a release its own. */
export function releaseKey(version: Version): string {
  return versionKey({ ...version, prerelease: [] })
}

/** As `versionKey`, with the build metadata. */
export function versionKeyWithBuild(version: Version): string {
  return `${versionKey(version)} ${version.build.join('.')}`
}

function unpadded(identifier: string): string {
  return identifier.replaceAll(/(?<!\d)0+(?=\d)/g, '')
}

/** Returns the version without `v`: `1.4.1-rc.1+build.7-alpine`. */
export function formatVersion({ spelled, prerelease, build, variant }: Version): string {
  const preRelease = prerelease.length === 0 ? '' : `-${prerelease.join('.')}`
  const metadata = build.length === 0 ? '' : `+${build.join('.')}`
  return withVariant(`${spelled.join('.')}${preRelease}${metadata}`, variant)
}

/** Returns the tag of a version, with `_` for `+` (distribution-spec, Pulling manifests). */
export function formatVersionTag(version: Version, hasV: boolean): string {
  return `${hasV ? 'v' : ''}${formatVersion(version).replace('+', '_')}`
}

export function isStable({ prerelease }: Version): boolean {
  return prerelease.length === 0
}

/** Returns the highest tag by precedence, the first of equal ones. */
export function findHighestTag<T extends Pick<VersionTag, 'version'>>(tags: readonly T[]): T | undefined {
  let highest: T | undefined
  for (const tag of tags) {
    if (highest === undefined || compareVersions(tag.version, highest.version) > 0) highest = tag
  }
  return highest
}

export function compareDescending<T extends Pick<VersionTag, 'version'>>(tags: readonly T[]): T[] {
  return tags.toSorted((a, b) => compareVersions(b.version, a.version))
}
