import type { Digest } from '../../oci/digest.ts'
import { describeMissingChildren } from '../../oci/missing-children.ts'
import type { ManifestVerdict, RepositoryPlan, TagVerdict, Why } from '../../plan/prune/prune-plan.ts'
import { escapeText } from '../text/escape.ts'
import { formatAge, formatBytes, formatCount, shortenHex } from '../text/format.ts'
import type { PruneNote, PruneRow } from './prune-rows.ts'
import type { Page } from '../text/style.ts'

export interface Folding {
  /** nothing is folded */
  readonly all: boolean
  /** kept tags get a line for each reason */
  readonly kept: boolean
}

/** More kept tags of one repository are folded to a line for each reason. */
const keptRows = 20
/** The notable tags that are shown one by one. */
const notableRows = 20
/** The tags to delete that a terminal shows one by one. */
const deletedRows = 1000
/** The parts of a deleted image that are shown one by one. */
const partRows = 2

type Item = PruneRow | PruneNote

/** The verdicts of a repository: deleted images with their parts, deleted tags, then kept tags. */
export function listVerdicts(plan: RepositoryPlan, folding: Folding, page: Page): readonly Item[] {
  const now = Date.parse(plan.now)
  const parts = new Set(plan.others.map(({ digest }) => digest))
  const tags = plan.tags.filter((tag) => !isShownAsPart(tag, parts))
  const untag = tags.filter(({ verdict }) => verdict === 'untag')
  const keep = tags.filter(({ verdict }) => verdict === 'keep')
  return [
    ...deletedItems(plan, tags, folding, page),
    ...untag.map((tag) => rowOf(tag, now)),
    ...keptItems(keep, folding, now),
    ...rootItems(plan),
  ]
}

/** Whether a kept tag needs the attention of a person: it has a problem. */
export function isNotable({ verdict, why, missingChildren }: TagVerdict): boolean {
  if (verdict !== 'keep') return false
  return (
    why.kind === 'dangling' || why.kind === 'cannotUntag' || missingChildren !== undefined || isOrphaned(why)
  )
}

/** Whether it is an attached artifact without its subject. */
function isOrphaned({ kind, by }: Why): boolean {
  return kind === 'evidence' && by === undefined
}

/** An evidence tag is deleted with its manifest, which is shown below its image. */
function isShownAsPart({ verdict, digest, why }: TagVerdict, parts: ReadonlySet<Digest>): boolean {
  return verdict === 'delete' && why.kind === 'orphan' && digest !== null && parts.has(digest)
}

/** A deleted image with all of its tags, or a manifest without a tag, and its parts. */
interface DeletedImage {
  readonly tags: readonly TagVerdict[]
  readonly manifest?: ManifestVerdict
  readonly parts: readonly ManifestVerdict[]
}

function deletedImagesOf({ others }: RepositoryPlan, tags: readonly TagVerdict[]): readonly DeletedImage[] {
  const below = Map.groupBy(
    others.flatMap((manifest) => manifest.of.map((parent) => ({ parent, manifest }))),
    ({ parent }) => parent,
  )
  const seen = new Set<Digest>()
  const partsOf = (root: Digest): readonly ManifestVerdict[] => {
    const parts: ManifestVerdict[] = []
    const open = [root]
    for (let digest = open.pop(); digest !== undefined; digest = open.pop()) {
      for (const { manifest: part } of below.get(digest) ?? []) {
        if (seen.has(part.digest)) continue
        seen.add(part.digest)
        parts.push(part)
        open.push(part.digest)
      }
    }
    return parts
  }
  const deleted = tags.filter(({ verdict }) => verdict === 'delete')
  const images = [...Map.groupBy(deleted, ({ digest }) => digest)].map(([digest, group]): DeletedImage => ({
    tags: group,
    parts: digest === null ? [] : partsOf(digest),
  }))
  // Parents come before their parts, if they are known.
  const known = new Set(others.map(({ digest }) => digest))
  // The manifest of a deleted tag is shown by the tag.
  for (const { digest } of deleted) if (digest !== null) seen.add(digest)
  const first = others.filter(({ of }) => !of.some((parent) => known.has(parent)))
  const alone = [...first, ...others].flatMap((manifest): readonly DeletedImage[] => {
    if (seen.has(manifest.digest)) return []
    seen.add(manifest.digest)
    return [{ tags: [], manifest, parts: partsOf(manifest.digest) }]
  })
  const isKept = ({ manifest }: DeletedImage): boolean => manifest?.verdict === 'keep'
  return [...images, ...alone.toSorted((a, b) => Number(isKept(a)) - Number(isKept(b)))]
}

function deletedItems(
  plan: RepositoryPlan,
  tags: readonly TagVerdict[],
  folding: Folding,
  page: Page,
): readonly Item[] {
  const now = Date.parse(plan.now)
  const items: Item[] = []
  const hidden: TagVerdict[] = []
  let shown = 0
  for (const { tags: names, manifest, parts } of deletedImagesOf(plan, tags)) {
    if (shown >= deletedRows && page.width !== undefined && !folding.all && manifest === undefined) {
      hidden.push(...names)
      continue
    }
    shown += names.length
    // Only the first of several tags on one image shows its size.
    items.push(...names.map((tag, i) => ({ ...rowOf(tag, now), ...(i > 0 && { size: '' }) })))
    if (manifest !== undefined) items.push(partRow(manifest, '', now, page))
    items.push(...partItems(parts, folding, now, page))
  }
  return [...items, ...fold(hidden, 'delete', 'more')]
}

function partItems(
  parts: readonly ManifestVerdict[],
  { all }: Folding,
  now: number,
  page: Page,
): readonly Item[] {
  if (all || page.width === undefined || parts.length <= partRows)
    return parts.map((part) => partRow(part, '  ', now, page))
  const deleted = parts.filter(({ verdict }) => verdict === 'delete')
  const count = (role: ManifestVerdict['role']): number => deleted.filter((part) => part.role === role).length
  const children = count('child')
  const orphaned = count('orphaned')
  const attached = count('evidence')
  const counts = [
    ...(children === 0 ? [] : [formatCount(children, 'child manifest')]),
    ...(orphaned === 0 ? [] : [formatCount(orphaned, 'orphaned manifest')]),
    ...(attached === 0 ? [] : [formatCount(attached, 'attached artifact')]),
  ]
  const kept = parts.length - deleted.length
  const texts = [
    ...(counts.length === 0 ? [] : [`and its ${counts.join(', ')}`]),
    ...(kept === 0
      ? []
      : [`${formatCount(kept, 'manifest')} kept: another image needs ${kept === 1 ? 'it' : 'them'}`]),
  ]
  return texts.map((text) => ({ kind: 'note', text }))
}

const roleTexts: Readonly<Record<ManifestVerdict['role'], string>> = {
  child: 'child',
  evidence: 'attached',
  orphaned: 'orphaned',
  superseded: 'superseded',
  untagged: 'untagged',
}

function partRow(part: ManifestVerdict, indent: string, now: number, page: Page): PruneRow {
  return {
    kind: 'row',
    verdict: part.verdict,
    name: `${indent}${roleTexts[part.role]} ${page.width === undefined ? part.digest : shortenHex(part.digest)}`,
    age: ageOfPart(part, now),
    size: formatBytes(part.size),
    why: escapeText(part.why.text),
  }
}

function ageOfPart({ lastTaggedAt, pushedAt }: ManifestVerdict, now: number): string {
  const time = lastTaggedAt ?? pushedAt
  return time === undefined ? '' : formatAge(now - Date.parse(time))
}

/** The reason of a verdict, and the missing children of a broken index. */
function reasonText({ why, missingChildren = [] }: TagVerdict): string {
  const missing = describeMissingChildren(missingChildren)
  // The reason of a rule of the kind `broken` names them itself.
  const isNamed = missingChildren.length === 0 || why.text.includes(missing)
  return escapeText(isNamed ? why.text : `${why.text}; broken index: ${missing}`)
}

function rowOf(verdictOf: TagVerdict, now: number): PruneRow {
  const { tag, verdict, created, size } = verdictOf
  const time = created === undefined ? Number.NaN : Date.parse(created)
  return {
    kind: 'row',
    verdict,
    name: escapeText(tag),
    age: Number.isNaN(time) ? '-' : formatAge(now - time),
    size: size === undefined ? '-' : formatBytes(size),
    why: reasonText(verdictOf),
  }
}

function keptItems(tags: readonly TagVerdict[], folding: Folding, now: number): readonly Item[] {
  const notable = tags.filter(isNotable)
  const others = tags.filter((tag) => !isNotable(tag))
  // A person cannot decide about the tag of an attached artifact: its image decides.
  const attached = folding.all ? [] : others.filter(({ why }) => why.kind === 'evidence')
  const ordinary = others.filter((tag) => !attached.includes(tag))
  const shown = folding.all ? notable : notable.slice(0, notableRows)
  const isFolded = !folding.all && (folding.kept || ordinary.length > keptRows)
  return [
    ...shown.map((tag) => rowOf(tag, now)),
    ...fold(notable.slice(shown.length), 'keep', 'more'),
    ...(isFolded ? fold(ordinary, 'keep') : ordinary.map((tag) => rowOf(tag, now))),
    ...fold(attached, 'keep'),
  ]
}

/** Images in use without a tag. */
function rootItems({ roots, tags }: RepositoryPlan): readonly Item[] {
  const tagged = new Set(tags.map(({ digest }) => digest))
  const untagged = roots.filter((digest) => !tagged.has(digest)).length
  if (untagged === 0) return []
  return [{ kind: 'note', verdict: 'keep', text: `${formatCount(untagged, 'image')} without a tag: in use` }]
}

/** A line for each reason, the most frequent first. */
function fold(tags: readonly TagVerdict[], verdict: 'delete' | 'keep', more = ''): readonly PruneNote[] {
  const reasons = Map.groupBy(tags, ({ why }) => reasonOf(why))
  return [...reasons]
    .toSorted(([, a], [, b]) => b.length - a.length)
    .map(([reason, group]) => {
      const noun = more === '' ? 'tag' : `${more} tag`
      return { kind: 'note', verdict, text: `${formatCount(group.length, noun)}: ${reason}` }
    })
}

/** A reason in a form that many tags can share. Escaped. */
export function reasonOf(why: Why): string {
  const by = why.by === undefined ? '' : escapeText(why.by)
  switch (why.kind) {
    case 'rule':
      return by
    case 'protection':
      return `protected by ${by}`
    case 'inUse':
      return 'in use'
    case 'hold':
      return 'held'
    case 'locked':
      return `locked by ${by}`
    case 'disputed':
      return `${by} and the OCI API disagree`
    case 'notApplied':
      return `dray cannot apply the rule ${by}`
    case 'unmatched':
      return 'not selected by a rule'
    case 'kept':
      return `kept by ${by}`
    case 'undated':
      return `unknown time (${by})`
    case 'unparsable':
      return `no version, number or group (${by})`
    case 'versionLike':
      return `version-like tags (${by})`
    case 'reached':
      return 'needed by a kept image'
    case 'evidence':
      return isOrphaned(why) ? 'orphaned attached artifacts' : 'attached to a kept image'
    case 'cannotUntag':
      return 'the image is kept, and this registry cannot delete single tags'
    case 'dangling':
      return 'no manifest'
    case 'orphan':
      return 'part of a deleted image'
  }
}
