import { DrayError } from '../lib/errors.ts'
import type { Digest } from '../oci/digest.ts'
import { formatAt, isTag, type RepositoryName } from '../oci/reference.ts'
import { matchesAnyGlob, matchesGlob } from '../oci/tag-glob.ts'
import {
  classifyTag,
  formatVersion,
  isExactVersion,
  beginsLikeVersion,
  type VersionReading,
} from '../semver/version.ts'
import { isVariant } from '../semver/variant.ts'
import type { FloatingTag, VersionTags } from '../semver/version-tags.ts'
import { damagedBy, type FormerImage, nameOf, neededImage } from './former-image.ts'
import { expectHighest, type KeptTag, type PlannedTag, type TagOverride } from './plan.ts'
import type { TagToWrite } from './tag-steps.ts'

/** The tags of an image in a repository. */
export interface ImageTags {
  /** tags that the user named */
  readonly plain: readonly string[]
  /** tags that follow from a version */
  readonly version: VersionTags | undefined
}

interface TagsAtTarget extends ImageTags {
  /** the image as the user named it */
  readonly image: string
  readonly repository: RepositoryName
  readonly root: Digest
  /** images that the registry deletes when their tags move, by digest */
  readonly former?: ReadonlyMap<Digest, FormerImage> | undefined
}

/** Which tags do not move. Version tags and version-like tags only move if `moveTags` is set. */
export interface TagRules {
  /** globs of further tags that do not move */
  readonly immutable: readonly string[]
  /** all of them move */
  readonly moveTags: boolean
  /** version tags and version-like tags move with the source: a sync has decided that */
  readonly followsSource?: boolean | undefined
  /** how the tags of the repository are read as versions */
  readonly reading: VersionReading
  /** the override that a floating tag records if it moves to a lower version */
  readonly backward?: TagOverride
}

export interface TagDecisions {
  /** in the order of writing: version tags, other tags, `latest`; includes unchanged tags */
  readonly waves: readonly (readonly TagToWrite[])[]
  readonly keptTags: readonly KeptTag[]
  readonly refusals: readonly DrayError[]
}

/** Returns the tags to resolve: those that may be written, and other tags of the same version. */
export function tagsToRead({ plain, version }: ImageTags, listed: ReadonlySet<string>): readonly string[] {
  if (version === undefined) return [...new Set(plain)]
  const { exact, same, floating } = version
  // the list shows whether a tag that does not move exists
  const floats = floating.filter(({ tag, moves }) => moves || listed.has(tag))
  return [...new Set([...plain, exact, ...same, ...floats.map(({ tag }) => tag)])]
}

/** Returns the tags that are written unless they are up to date. */
export function tagsToWrite({ plain, version }: ImageTags): readonly string[] {
  if (version === undefined) return [...new Set(plain)]
  const floats = version.floating.filter(({ moves }) => moves)
  return [...new Set([...plain, version.exact, ...floats.map(({ tag }) => tag)])]
}

/**
 * Decides about each tag at one target, with the reason: pure.
 * @param found the digests of `tagsToRead`; null or absent: there is no such tag
 */
export function decideTags(
  wanted: TagsAtTarget,
  found: ReadonlyMap<string, Digest | null>,
  rules: TagRules,
): TagDecisions {
  const { version, root } = wanted
  const planned = new Map<string, TagToWrite>()
  const keptTags: KeptTag[] = []
  const refusals: DrayError[] = []
  const add = (tag: string, more: Partial<TagToWrite>): void => {
    if (!isTag(tag)) refusals.push(invalidTag(tag))
    else planned.set(tag, { ...changeOf(tag, found.get(tag) ?? null, root), ...more })
  }
  for (const tag of wanted.plain) add(tag, {})
  if (version !== undefined) {
    const conflicting = conflictingSpellings(wanted, version, found)
    const isForced = rules.moveTags && conflicting.length > 0 && found.get(version.exact) !== root
    add(version.exact, { ...describeReading(version), ...(isForced && { override: 'moveTag' }) })
    for (const { tag, moves, reason, ...floating } of version.floating) {
      if (moves) add(tag, reasonToMove({ ...floating, reason }, wanted, rules))
      // a tag that is also named moves for that reason
      else if (!wanted.plain.includes(tag)) keptTags.push({ tag, at: found.get(tag) ?? null, reason })
    }
    if (!rules.moveTags) refusals.push(...conflicting)
  }
  const tags = [...planned.values()].map((one): TagToWrite => {
    const keep = one.change === 'move' ? reasonToKeep(one.tag, version, rules) : undefined
    if (keep !== undefined && keep.override === undefined) {
      refusals.push(tagTaken(wanted, one.tag, { tag: one.tag, at: one.before }, keep.why))
      return one
    }
    const tag: TagToWrite = keep?.override === undefined ? one : { ...one, override: keep.override }
    const former = formerImage(one, wanted)
    if (former === undefined) return tag
    const damaged = damagedBy(former, (name) => planned.get(name)?.change === 'move')
    if (damaged.length > 0) refusals.push(neededImage(one.tag, wanted, former.digest, damaged))
    return { ...tag, deletesBefore: true }
  })
  return { waves: groupByWave(tags, version, rules), keptTags, refusals }
}

/** Describes the version of a tag that has a variant or build metadata. */
function describeReading({ version }: VersionTags): Pick<PlannedTag, 'readAs'> {
  const { variant, build } = version
  if (variant !== '') {
    return { readAs: `version ${formatVersion({ ...version, variant: '' })} of the variant ${variant}` }
  }
  return build.length === 0 ? {} : { readAs: `version ${formatVersion(version)}` }
}

function invalidTag(tag: string): DrayError {
  return new DrayError('malformed', `cannot write the tag ${JSON.stringify(tag)}`, {
    why: 'a tag has at most 128 letters, digits, dots, hyphens and underscores, and does not start with a dot or a hyphen',
    hint: 'Use another tag.',
  })
}

/** Returns a tag as a placement shows it, without the preconditions of its step. */
export function toPlannedTag(planned: TagToWrite): PlannedTag {
  const { tag, before, change, reason, override, readAs, deletesBefore } = planned
  return {
    tag,
    before,
    change,
    ...(reason !== undefined && { reason }),
    ...(override !== undefined && { override }),
    ...(readAs !== undefined && { readAs }),
    ...(deletesBefore === true && { deletesBefore }),
  }
}

/** The image that the registry deletes when the tag moves, if there is one. */
function formerImage(
  { before, change }: PlannedTag,
  { former }: TagsAtTarget,
): (FormerImage & { readonly digest: Digest }) | undefined {
  if (change !== 'move' || before === null) return undefined
  const found = former?.get(before)
  return found && { ...found, digest: before }
}

function changeOf(tag: string, before: Digest | null, root: Digest): PlannedTag {
  return { tag, before, change: before === null ? 'create' : before === root ? 'unchanged' : 'move' }
}

function reasonToMove(
  { line, reason, backward }: Omit<FloatingTag, 'tag' | 'moves'>,
  { repository, version }: TagsAtTarget,
  { reading, backward: by = 'allowBackward' }: TagRules,
): Partial<TagToWrite> {
  if (backward === true) return { reason, override: by }
  if (version === undefined) return { reason }
  return {
    reason,
    expect: [expectHighest({ repository, line }, version.version, reading)],
  }
}

/** Refuses another spelling of the version, or other build metadata, on another digest. */
function conflictingSpellings(
  wanted: TagsAtTarget,
  { exact, same }: VersionTags,
  found: ReadonlyMap<string, Digest | null>,
): readonly DrayError[] {
  return same.flatMap((tag) => {
    const at = found.get(tag) ?? null
    if (at === null || at === wanted.root) return []
    const why = `it is the same version as ${exact}, and ${versionTagsAreImmutable}`
    return [tagTaken(wanted, exact, { tag, at }, why)]
  })
}

/** Whether a tag may be one that does not move, before it is known which versions there are. */
export function mayBeImmutable(tag: string, immutable: readonly string[]): boolean {
  return beginsLikeVersion(tag) || matchesAnyGlob(immutable, tag)
}

/** Why a tag should not move, and by which option it moves anyway. */
interface ReasonToKeep {
  readonly why: string
  /** undefined: it does not move */
  readonly override: TagOverride | undefined
}

function reasonToKeep(
  tag: string,
  version: VersionTags | undefined,
  rules: TagRules,
): ReasonToKeep | undefined {
  const glob = rules.immutable.find((one) => matchesGlob(one, tag))
  const ofGlob = glob === undefined ? undefined : `tags that match ${glob} are immutable`
  const why = isExact(tag, version, rules)
    ? versionTagsAreImmutable
    : classifyTag(tag, rules.reading) === 'versionLike'
      ? versionLikeTagsAreImmutable
      : ofGlob
  if (why === undefined) return undefined
  const follows = rules.followsSource === true && glob === undefined
  return { why, override: rules.moveTags ? 'moveTag' : follows ? 'movedTags' : undefined }
}

const versionTagsAreImmutable = 'version tags are immutable'
const versionLikeTagsAreImmutable = 'version-like tags are immutable'

/** @param existing the tag itself, or another spelling of its version */
function tagTaken(
  { image, repository }: TagsAtTarget,
  tag: string,
  existing: { readonly tag: string; readonly at: Digest | null },
  why: string,
): DrayError {
  const reference = formatAt(repository, { tag: existing.tag })
  const which = existing.tag === tag ? 'it' : existing.tag
  return new DrayError(
    'refused',
    `cannot write the tag ${tag} of ${nameOf(image)}: ${which} points to another image`,
    {
      subject: reference,
      why: `${reference} points to ${existing.at ?? 'no image'}; ${why}`,
      hint: 'Use a new version. To move the tag anyway, pass --move-tag.',
    },
  )
}

function isExact(tag: string, version: VersionTags | undefined, rules: TagRules): boolean {
  return tag === version?.exact || isExactVersion(tag, rules.reading)
}

/**
 * Version tags come first: a user of a floating tag then finds its version tag too. `latest`, or
 * the tag that takes its place for a variant, comes last.
 */
function groupByWave(
  tags: readonly TagToWrite[],
  version: VersionTags | undefined,
  rules: TagRules,
): readonly (readonly TagToWrite[])[] {
  const waves: [TagToWrite[], TagToWrite[], TagToWrite[]] = [[], [], []]
  for (const tag of tags) {
    const isLast = tag.tag === 'latest' || isVariant(tag.tag, rules.reading.variants)
    waves[isExact(tag.tag, version, rules) ? 0 : isLast ? 2 : 1].push(tag)
  }
  return waves
}
