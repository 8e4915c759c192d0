import { DrayError } from '../lib/errors.ts'
import type { Digest } from '../oci/digest.ts'
import { formatAt, isTag, type RepositoryName } from '../oci/reference.ts'
import { matchesGlob } from '../oci/tag-glob.ts'
import { formatVersion, isExactVersion } from '../semver/version.ts'
import type { FloatingTag, VersionTags } from '../semver/version-tags.ts'
import type { HeldTag, PlannedTag, TagOverride } from './plan.ts'
import type { TagToWrite } from './tag-steps.ts'

/** Tags that an image is to have. */
export interface NamedTags {
  /** as they were named */
  readonly plain: readonly string[]
  /** those that follow from a version */
  readonly version: VersionTags | undefined
}

/** … in a repository. */
interface TagsWanted extends NamedTags {
  /** the image as the person named it */
  readonly image: string
  readonly repository: RepositoryName
  readonly root: Digest
}

/** Which tags do not move. Exact versions never do. */
export interface TagRules {
  /** globs of others */
  readonly immutable: readonly string[]
  /** they move all the same */
  readonly moveTags: boolean
  /** of tags read as versions */
  readonly buildMetadata: boolean
  /** what a floating tag that moves to a lower version is said to be moved by */
  readonly backward?: TagOverride
}

export interface TagsDecided {
  /** in the order of writing: exact ones, others, `latest`; those that are as they should be too */
  readonly waves: readonly (readonly TagToWrite[])[]
  readonly held: readonly HeldTag[]
  readonly refusals: readonly DrayError[]
}

/** The tags of a repository that have to be looked at: those that may be written, and those that say something of the version. */
export function tagsToRead({ plain, version }: NamedTags, listed: ReadonlySet<string>): readonly string[] {
  if (version === undefined) return [...new Set(plain)]
  const { exact, same, floating } = version
  // of one that stays where it is, the list says whether it is there
  const floats = floating.filter(({ tag, moves }) => moves || listed.has(tag))
  return [...new Set([...plain, exact, ...same, ...floats.map(({ tag }) => tag)])]
}

/**
 * What happens to each tag, and why: pure.
 * @param found what the tags of `tagsToRead` point at; null or absent: the tag is not there
 */
export function decideTags(
  wanted: TagsWanted,
  found: ReadonlyMap<string, Digest | null>,
  rules: TagRules,
): TagsDecided {
  const { version, root } = wanted
  const planned = new Map<string, TagToWrite>()
  const held: HeldTag[] = []
  const refusals: DrayError[] = []
  const add = (tag: string, more: Partial<TagToWrite>): void => {
    if (!isTag(tag)) refusals.push(new DrayError('malformed', `${JSON.stringify(tag)} is not a tag`))
    else planned.set(tag, { ...changeOf(tag, found.get(tag) ?? null, root), ...more })
  }
  for (const tag of wanted.plain) add(tag, {})
  if (version !== undefined) {
    const elsewhere = otherwiseSpelled(wanted, version, found)
    const isForced = rules.moveTags && elsewhere.length > 0 && found.get(version.exact) !== root
    add(version.exact, isForced ? { override: 'moveTag' } : {})
    for (const { tag, moves, reason, ...floating } of version.floating) {
      if (moves) add(tag, whyItMoves({ ...floating, reason }, wanted, rules))
      // one that was named too moves because of that
      else if (!wanted.plain.includes(tag)) held.push({ tag, at: found.get(tag) ?? null, reason })
    }
    if (!rules.moveTags) refusals.push(...elsewhere)
  }
  const tags = [...planned.values()].map((tag): TagToWrite => {
    const why = tag.change === 'move' ? immovable(tag.tag, version, rules) : undefined
    if (why === undefined) return tag
    if (rules.moveTags) return { ...tag, override: 'moveTag' }
    refusals.push(onAnother(wanted, tag.tag, tag.before, why))
    return tag
  })
  return { waves: inWaves(tags, version, rules), held, refusals }
}

/** A planned tag as it stands in a placement, without what its step rests on. */
export function asPlannedTag({ tag, before, change, reason, override }: TagToWrite): PlannedTag {
  return {
    tag,
    before,
    change,
    ...(reason !== undefined && { reason }),
    ...(override !== undefined && { override }),
  }
}

function changeOf(tag: string, before: Digest | null, root: Digest): PlannedTag {
  return { tag, before, change: before === null ? 'create' : before === root ? 'unchanged' : 'move' }
}

function whyItMoves(
  { line, reason, backward }: Omit<FloatingTag, 'tag' | 'moves'>,
  { repository, version }: TagsWanted,
  { buildMetadata, backward: by = 'allowBackward' }: TagRules,
): Partial<TagToWrite> {
  if (backward === true) return { reason, override: by }
  if (version === undefined) return { reason }
  return {
    reason,
    expect: [{ kind: 'highest', repository, line, version: formatVersion(version.version), buildMetadata }],
  }
}

/** The same version under another spelling, or with other build metadata, on another image. */
function otherwiseSpelled(
  wanted: TagsWanted,
  { same }: VersionTags,
  found: ReadonlyMap<string, Digest | null>,
): readonly DrayError[] {
  return same.flatMap((tag) => {
    const at = found.get(tag) ?? null
    return at === null || at === wanted.root
      ? []
      : [onAnother(wanted, tag, at, 'a version tag does not move')]
  })
}

function immovable(tag: string, version: VersionTags | undefined, rules: TagRules): string | undefined {
  if (isExact(tag, version, rules)) return 'a version tag does not move'
  const glob = rules.immutable.find((one) => matchesGlob(one, tag))
  return glob === undefined ? undefined : `tags like ${glob} are immutable here`
}

function onAnother(
  { image, repository }: TagsWanted,
  tag: string,
  at: Digest | null,
  why: string,
): DrayError {
  return new DrayError('refused', `the tag ${tag} of ${image} is on another image already`, {
    subject: formatAt(repository, { tag }),
    why: `it is on ${at ?? 'nothing'}; ${why}`,
    hint: 'Give the new image a version of its own. To move the tag all the same: --move-tag.',
  })
}

function isExact(tag: string, version: VersionTags | undefined, rules: TagRules): boolean {
  return tag === version?.exact || isExactVersion(tag, rules)
}

/** Exact versions first, then the others, `latest` last: who follows a floating tag finds the version that it stands for. */
function inWaves(
  tags: readonly TagToWrite[],
  version: VersionTags | undefined,
  rules: TagRules,
): readonly (readonly TagToWrite[])[] {
  const waves: [TagToWrite[], TagToWrite[], TagToWrite[]] = [[], [], []]
  for (const tag of tags) {
    waves[isExact(tag.tag, version, rules) ? 0 : tag.tag === 'latest' ? 2 : 1].push(tag)
  }
  return waves
}
