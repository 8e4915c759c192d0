import type { SyncRule, SyncSelector } from '../../config/sync/sync-rule.ts'
import { isHoldTag } from '../../images/holds/hold-tag.ts'
import { joinFirst } from '../../lib/join-first.ts'
import { isEvidenceTag } from '../../oci/evidence-tags.ts'
import { isByVersion, selectTag, type TagMatch } from '../../selectors/select-tag.ts'
import {
  matchVersion,
  readingOfSelection,
  selectHighest,
  type VersionSelection,
} from '../../selectors/select-versions.ts'
import { findGroup, formatGroup } from '../../selectors/tag-group.ts'
import { classifyTag, isStable, parseVersionTag, type VersionReading } from '../../semver/version.ts'
import { warnAboutTags } from '../../semver/warn-about-tags.ts'
import { countNewest } from './count-newest.ts'
import type { SelectedByRule, TagSelection, TimedImage } from './selection.ts'

/**
 * Selects the tags of a source repository: those that an entry of `include` selects and `exclude`
 * does not. Tags of attached artifacts and of holds are never selected. Pure.
 * @param listed all tags of the repository
 * @param images by tag: what was read of the tags that are undecided without it; a tag without an
 * image was deleted since the list
 */
export function selectTags(
  rule: Pick<SyncRule, 'name' | 'include' | 'exclude'>,
  reading: VersionReading,
  listed: readonly string[],
  images?: ReadonlyMap<string, TimedImage>,
): TagSelection {
  return prepareSelection(rule, reading, listed)(images)
}

/** Whether a rule can select a tag: how many it selects depends on the other tags. Pure. */
export function canSelect(
  rule: Pick<SyncRule, 'name' | 'include' | 'exclude'>,
  reading: VersionReading,
  tag: string,
): boolean {
  return selectTags(rule, reading, [tag]).tags.length > 0
}

/** As `selectTags`, for several states of the images: the names are matched only once. */
export function prepareSelection(
  rule: Pick<SyncRule, 'name' | 'include' | 'exclude'>,
  reading: VersionReading,
  listed: readonly string[],
): (images?: ReadonlyMap<string, TimedImage>) => TagSelection {
  const tags = listImageTags(rule, reading, listed)
  if (rule.include.length === 0)
    return () => ({ tags: tags.map((tag) => ({ tag })), undecided: [], warnings: [] })
  const entries = rule.include.map((entry) => matchEntry(entry, reading, tags))
  const warnings = warnAboutVersions(rule, reading, tags)
  return (images) => {
    const { warnings: ofImages, ...selection } = selectByEntries(rule, entries, tags, images)
    return { ...selection, warnings: [...warnings, ...ofImages] }
  }
}

function selectByEntries(
  rule: Pick<SyncRule, 'name'>,
  entries: readonly MatchedEntry[],
  tags: readonly string[],
  images: ReadonlyMap<string, TimedImage> | undefined,
): TagSelection {
  const results = entries.map((entry) => selectByEntry(entry, images))
  const selected = tags.flatMap((tag): readonly SelectedByRule[] => {
    const entry = results.findIndex((one) => one.selected.has(tag) || one.undated.has(tag))
    const found = results[entry]
    if (found === undefined) return []
    return [{ tag, entry, ...(!found.selected.has(tag) && { isUndated: true as const }) }]
  })
  const undecided = tags.filter((tag) => results.some((one) => one.undecided.has(tag)))
  return {
    tags: selected,
    undecided,
    warnings: [
      ...warnAboutUndated(rule, selected),
      ...results.flatMap(({ withoutGroup }) => warnAboutGroups(rule, withoutGroup)),
    ],
  }
}

/**
 * The tags that `include` decides about. The variants of all entries are declared for `exclude`.
 */
function listImageTags(
  { include, exclude }: Pick<SyncRule, 'include' | 'exclude'>,
  reading: VersionReading,
  listed: readonly string[],
): readonly string[] {
  const read = readingOfAll(include, reading)
  const isExcluded = (tag: string): boolean =>
    exclude.some((one) => selectTag(one, tag, read, 'named') !== undefined)
  return [...new Set(listed)].filter((tag) => !isEvidenceTag(tag) && !isHoldTag(tag) && !isExcluded(tag))
}

function readingOfAll(include: readonly SyncSelector[], reading: VersionReading): VersionReading {
  const variants = include.flatMap(({ variant = [] }) => variant)
  return variants.length === 0 ? reading : { ...reading, variants: [...reading.variants, ...variants] }
}

/** The tags that one entry selects. */
interface EntryResult {
  readonly selected: ReadonlySet<string>
  /** selected only because their images have no believable time */
  readonly undated: ReadonlySet<string>
  readonly undecided: ReadonlySet<string>
  /** selected although they lack a value of `groupBy`, each with its name */
  readonly withoutGroup: ReadonlyMap<string, string>
}

/** The tags that an entry matches, in their groups if it has `newest`. */
interface MatchedEntry extends Pick<SyncSelector, 'newest'> {
  /** without those of groups */
  readonly tags: readonly string[]
  readonly groups: readonly (readonly string[])[]
  readonly withoutGroup: ReadonlyMap<string, string>
}

function matchEntry(entry: SyncSelector, reading: VersionReading, tags: readonly string[]): MatchedEntry {
  const read = readingOfSelection(selectionOf(entry), reading)
  const matches = matchTags(entry, read, tags)
  const withoutGroup = new Map<string, string>()
  const { newest } = entry
  if (newest === undefined) return { tags: [...matches.keys()], groups: [], withoutGroup }
  const groups = new Map<string, string[]>()
  for (const [tag, match] of matches) {
    const found = findGroup(entry, tag, match, read)
    if ('missing' in found) {
      withoutGroup.set(tag, found.missing)
      continue
    }
    const key = formatGroup(found.group)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [tag])
    else group.push(tag)
  }
  // if in doubt, dray mirrors it
  return { newest, tags: [...withoutGroup.keys()], groups: [...groups.values()], withoutGroup }
}

function selectByEntry(
  { tags, groups, newest, withoutGroup }: MatchedEntry,
  images: ReadonlyMap<string, TimedImage> | undefined,
): EntryResult {
  const selected = new Set(tags)
  const undated = new Set<string>()
  const undecided = new Set<string>()
  for (const group of groups) {
    const counted = countNewest(group, newest ?? group.length, images)
    for (const tag of counted.selected) selected.add(tag)
    for (const tag of counted.undated) undated.add(tag)
    for (const tag of counted.undecided) undecided.add(tag)
  }
  return { selected, undated, undecided, withoutGroup }
}

function selectionOf({ tags, variant }: SyncSelector): VersionSelection {
  return { tags, ...(variant !== undefined && { variant }) }
}

/** The tags that an entry matches, before `newest`. */
function matchTags(
  entry: SyncSelector,
  reading: VersionReading,
  tags: readonly string[],
): ReadonlyMap<string, TagMatch> {
  const selection = selectionOf(entry)
  const matches = new Map<string, TagMatch>()
  for (const tag of tags) {
    const match = matchVersion(selection, tag, reading, 'named')
    if (match !== undefined) matches.set(tag, match)
  }
  const { newestVersions } = entry
  if (newestVersions === undefined) return matches
  const highest = new Set(selectHighest([...matches.keys()], newestVersions, reading))
  return new Map([...matches].filter(([tag]) => highest.has(tag)))
}

/**
 * A range selects no tag that the scheme does not read. Pre-releases are not selected on purpose.
 */
function warnAboutVersions(
  { include }: Pick<SyncRule, 'include'>,
  reading: VersionReading,
  tags: readonly string[],
): readonly string[] {
  if (!include.some(isByVersion)) return []
  const read = readingOfAll(include, reading)
  const inDoubt = tags.filter((tag) => {
    const version = parseVersionTag(tag, read)?.version
    return version === undefined ? classifyTag(tag, read) === 'versionLike' : isStable(version)
  })
  return warnAboutTags(inDoubt, read)
}

function warnAboutUndated(
  { name }: Pick<SyncRule, 'name'>,
  selected: readonly SelectedByRule[],
): readonly string[] {
  const tags = selected.flatMap(({ tag, isUndated }) => (isUndated === true ? [tag] : []))
  if (tags.length === 0) return []
  const [images, their] =
    tags.length === 1 ? ['1 tag whose image has', 'its'] : [`${tags.length} tags whose images have`, 'their']
  return [
    `the rule ${JSON.stringify(name)} selects ${images} no believable time, in addition to the newest: ${joinFirst(tags)}. Add a source of ${their} time to timeFrom of the rule, or exclude ${tags.length === 1 ? 'it' : 'them'}.`,
  ]
}

function warnAboutGroups(
  { name }: Pick<SyncRule, 'name'>,
  withoutGroup: ReadonlyMap<string, string>,
): readonly string[] {
  const byValue = Map.groupBy([...withoutGroup], ([, missing]) => missing)
  return [...byValue].map(([missing, those]) => {
    const tags = those.map(([tag]) => tag)
    const which = tags.length === 1 ? '1 tag' : `${tags.length} tags`
    return `the rule ${JSON.stringify(name)} selects ${which} without the value ${missing} of groupBy, in addition to the newest: ${joinFirst(tags)}. Narrow \`tags\` of the entry, or exclude ${tags.length === 1 ? 'it' : 'them'}.`
  })
}
