import { nextNumber, parseNumber, type VersionNumber } from '../number.ts'
import type { Version } from '../version.ts'

/** Compares a version with a bound. */
export interface Comparator {
  readonly operator: '<' | '<=' | '>' | '>=' | '='
  readonly bound: Version
}

/** A version of a range in which numbers can be missing: `1.4`, `1.x`, `2024.04`, `27.3.4.1`. */
interface PartialVersion {
  /** those before the first missing one */
  readonly numbers: readonly VersionNumber[]
  /** it includes all versions with these numbers; false: a missing fourth number is 0 */
  readonly isPartial: boolean
  readonly prerelease: readonly string[]
}

const identifiers = String.raw`[\dA-Za-z-]+(?:\.[\dA-Za-z-]+)*`
const grammar = new RegExp(
  String.raw`^(\^|~>?|[<>]?=?)[v=]*((?:\d+|[xX*])(?:\.(?:\d+|[xX*])){0,3})(?:-(${identifiers}))?(?:\+${identifiers})?$`,
)
const lowest = ['0']

/**
 * Parses comparators that all have to match, in the syntax of node-semver (Ranges), with zero
 * padding and a fourth number. Undefined for any other text. Comparators that every version matches
 * are dropped.
 * @param preReleases the lower bounds of `1.4` and `^1.4` include pre-releases of 1.4.0
 */
export function parseComparators(text: string, preReleases: boolean): readonly Comparator[] | undefined {
  const [, from, to] = /^(\S+)\s+-\s+(\S+)$/.exec(text.trim()) ?? []
  const sets =
    from !== undefined && to !== undefined
      ? [comparatorsOf(from, preReleases, '>='), comparatorsOf(to, preReleases, '<=')]
      : words(text).map((word) => comparatorsOf(word, preReleases))
  const all = sets.flatMap((set) => set ?? [])
  if (sets.includes(undefined)) return undefined
  return all.filter(({ operator, bound }) => operator !== '>=' || preReleases || !isZero(bound))
}

/** Splits at spaces, except for spaces between an operator and its version. */
function words(text: string): readonly string[] {
  return text
    .trim()
    .replaceAll(/(\^|~>?|[<>]=?|=)\s+/g, '$1')
    .split(/\s+/)
}

/** @param only the operator at this end of `1.2 - 1.4` */
function comparatorsOf(
  word: string,
  preReleases: boolean,
  only?: '>=' | '<=',
): readonly Comparator[] | undefined {
  const [, written = '', text, pre] = grammar.exec(word) ?? []
  const version = text === undefined ? undefined : parsePartial(text, pre)
  if (version === undefined || (only !== undefined && written !== '')) return undefined
  const operator = only ?? written
  const isWhole = only === '>=' && version.prerelease.length === 0
  // the versions from 1.4.0 on include its pre-releases if the range does
  const from = atLeast(version, preReleases && (version.isPartial || isWhole))
  if (version.numbers.length === 0)
    return operator === '<' || operator === '>' ? [{ operator: '<', bound: boundOf([], lowest) }] : []
  const last = version.numbers.length - 1
  switch (operator) {
    case '^':
      return [from, below(version, firstChange(version))]
    case '~':
    case '~>':
      return [from, below(version, Math.min(last, 1))]
    case '>=':
      return [from]
    case '<':
      return version.isPartial
        ? [{ operator, bound: boundOf(version.numbers, lowest) }]
        : [whole('<', version)]
    case '<=':
      return [version.isPartial ? below(version, last) : whole('<=', version)]
    case '>':
      if (!version.isPartial) return [whole('>', version)]
      return [{ operator: '>=', bound: boundOf(bump(version, last), preReleases ? lowest : []) }]
    default:
      return version.isPartial ? [from, below(version, last)] : [whole('=', version)]
  }
}

function parsePartial(text: string, pre: string | undefined): PartialVersion | undefined {
  const written = text.split('.')
  const given = written.findIndex((one) => /^[xX*]$/.test(one))
  const fixed = given < 0 ? written : written.slice(0, given)
  const isOrdered = written.slice(fixed.length).every((one) => /^[xX*]$/.test(one))
  if (!isOrdered || (pre !== undefined && written.length < 3)) return undefined
  const isPartial = given >= 0 || fixed.length < 3
  return {
    numbers: fixed.map(parseNumber),
    isPartial,
    prerelease: isPartial ? [] : (pre?.split('.') ?? []),
  }
}

/** The number that the next incompatible version changes: the first that is not 0. */
function firstChange({ numbers }: PartialVersion): number {
  const significant = numbers.slice(0, 3)
  const at = significant.findIndex((number) => number !== 0)
  return at < 0 ? significant.length - 1 : at
}

function atLeast({ numbers, prerelease }: PartialVersion, withPreReleases: boolean): Comparator {
  return { operator: '>=', bound: boundOf(numbers, withPreReleases ? lowest : prerelease) }
}

/** Below every version, also every pre-release, with the next number at a position. */
function below(version: PartialVersion, at: number): Comparator {
  return { operator: '<', bound: boundOf(bump(version, at), lowest) }
}

function whole(operator: Comparator['operator'], { numbers, prerelease }: PartialVersion): Comparator {
  return { operator, bound: boundOf(numbers, prerelease) }
}

function bump({ numbers }: PartialVersion, at: number): readonly VersionNumber[] {
  return [...numbers.slice(0, at), nextNumber(numbers[at] ?? 0)]
}

/** The identifiers compare by the scheme of the version that is compared with the bound. */
export function boundOf(numbers: readonly VersionNumber[], prerelease: readonly string[]): Version {
  const [major = 0, minor = 0, patch = 0, fourth = 0] = numbers
  const spelled = [major, minor, patch, ...(fourth === 0 ? [] : [fourth])].map(String)
  return { scheme: 'loose', major, minor, patch, fourth, spelled, prerelease, build: [], variant: '' }
}

function isZero({ major, minor, patch, fourth, prerelease }: Version): boolean {
  return [major, minor, patch, fourth].every((number) => number === 0) && prerelease.length === 0
}
