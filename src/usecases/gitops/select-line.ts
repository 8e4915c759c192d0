import { lineOf } from '../../semver/line.ts'
import { parseVersion, type Version } from '../../semver/version.ts'
import { severalLines } from './edit-errors.ts'
import { isReplaced } from './replaced-entries.ts'
import type { WantedEntry } from './find-entries.ts'
import type { WantedImage } from './request.ts'

/** The entries that get an image, and those that keep their version. */
export interface SelectedEntries {
  readonly selected: readonly WantedEntry[]
  readonly kept: readonly WantedEntry[]
}

/**
 * Selects the entries of one image that get its new version. Pure. If all entries have versions of
 * one line (1.4), or the same tag, all of them move. Otherwise several lines are deployed side by
 * side, and only the line of the new version moves: its minor line, or the only line of its major
 * version. An entry that dray.yaml names by position, or that an earlier run began to edit, always
 * moves.
 * @param replaced names that kustomizations replace: such an entry says nothing about versions
 * @throws `refused` if no such line exists, or an entry has no tag that shows its line.
 */
export function selectLine(
  image: WantedImage,
  entries: readonly WantedEntry[],
  replaced: ReadonlySet<string>,
): SelectedEntries {
  const [named, found] = split(entries, ({ isNamed }) => isNamed)
  const [ineffective, effective] = split(found, ({ entry }) => isReplaced(entry, replaced))
  const [unknown, known] = split(effective, ({ entry }) => entry.tag === undefined)
  const lines = Map.groupBy(known, ({ entry }) => lineKey(entry.tag ?? '', image))
  if (lines.size <= 1) return { selected: entries, kept: [] }
  const line = findLine(image, [...lines.keys()])
  if (line === undefined) {
    const why = 'they have versions of several lines, and the new version is in none of them'
    throw severalLines(image, known.map(describe), why)
  }
  const own = lines.get(line) ?? []
  const digests = new Set(own.flatMap(({ entry }) => entry.digest ?? []))
  const [sameImage, unclear] = split(unknown, ({ entry }) => digests.has(entry.digest ?? ''))
  if (unclear.length > 0) {
    const why = 'other positions have versions of several lines, and these have no tag'
    throw severalLines(image, unclear.map(describe), why)
  }
  const chosen = new Set([
    ...named,
    ...own,
    ...sameImage,
    ...ineffective.filter(({ entry }) => entry.tag !== undefined && lineKey(entry.tag, image) === line),
  ])
  const [selected, kept] = split(entries, (one) => chosen.has(one))
  return { selected, kept }
}

/**
 * A minor line with its variant and the word after its numbers, such as `1.4 alpine` and `1.4 -rc`;
 * another tag is a line of its own.
 */
function lineKey(tag: string, image: WantedImage): string {
  const version = versionOf(tag, image)
  return version === undefined ? `tag ${tag}` : minorLine(version)
}

function minorLine(version: Version): string {
  return `${lineOf(version, 'minor')} ${suffixOf(version)}`
}

/**
 * Side by side, `1.4.1-slim` and `1.4.1` are two lines, also if dray.yaml does not name the
 * variant. The hash of a commit is no word.
 */
function suffixOf({ variant, prerelease: [first = ''] }: Version): string {
  const isHash = /\d/.test(first) && /^[\da-f]+$/i.test(first)
  const word = isHash ? '' : (/^[a-z]+/i.exec(first)?.[0].toLowerCase() ?? '')
  return word === '' ? variant : `${variant}-${word}`
}

function findLine(image: WantedImage, lines: readonly string[]): string | undefined {
  const { tag } = image
  if (tag === undefined) return undefined
  const version = versionOf(tag, image)
  if (version === undefined) return lines.find((line) => line === `tag ${tag}`)
  const minor = minorLine(version)
  if (lines.includes(minor)) return minor
  const ofMajor = lines.filter(
    (line) => line.startsWith(`${lineOf(version, 'major')}.`) && line.endsWith(` ${suffixOf(version)}`),
  )
  return ofMajor.length === 1 ? ofMajor[0] : undefined
}

function versionOf(tag: string, { reading }: WantedImage): Version | undefined {
  return parseVersion(tag, reading)
}

/** kustomize replaces the tag of an image with this name. */
function describe({ entry }: WantedEntry): string {
  return `${entry.by}: ${entry.tag ?? entry.digest ?? 'no tag'}`
}

function split<T>(
  all: readonly T[],
  isMatch: (one: T) => boolean,
): readonly [matching: readonly T[], others: readonly T[]] {
  return [all.filter(isMatch), all.filter((one) => !isMatch(one))]
}
