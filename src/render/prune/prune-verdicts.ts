import type { Digest } from '../../oci/digest.ts'
import type { ManifestVerdict, RepositoryPlan, TagVerdict, Why } from '../../plan/prune/prune-plan.ts'
import { escapeText } from '../text/escape.ts'
import { formatAge, formatBytes, formatCount, shortHex } from '../text/format.ts'
import type { PruneNote, PruneRow } from './prune-rows.ts'
import type { Page } from '../text/style.ts'

export interface Folding {
  /** nothing is folded */
  readonly all: boolean
  /** what is kept is told by a line for each reason */
  readonly kept: boolean
}

/** More tags than these that stay in one repository are folded to a line for each reason. */
const keptRows = 20
/** Tags that stay and that a person should know of are shown up to so many, and so are their like in `others`. */
const notableRows = 20
/** On a screen so many tags to delete are always shown, one by one. */
const deletedRows = 1000
/** Pieces that go with an image are shown one by one up to so many. */
const pieceRows = 2

type Item = PruneRow | PruneNote

/** The verdicts of a repository in the order in which they are read: what goes with its pieces, tags that are taken off, what stays. */
export function verdictItems(plan: RepositoryPlan, folding: Folding, page: Page): readonly Item[] {
  const now = Date.parse(plan.now)
  const pieces = new Set(plan.others.map(({ digest }) => digest))
  const tags = plan.tags.filter((tag) => !isShownAsPiece(tag, pieces))
  const untag = tags.filter(({ verdict }) => verdict === 'untag')
  const keep = tags.filter(({ verdict }) => verdict === 'keep')
  return [
    ...deletedItems(plan, tags, folding, page),
    ...untag.map((tag) => rowOf(tag, now)),
    ...keptItems(keep, folding, now),
    ...rootItems(plan),
  ]
}

/** Something that stays though a rule speaks against it, or that is not as it should be: somebody may want to see to it. */
export function isNotable({ verdict, why }: TagVerdict): boolean {
  if (verdict !== 'keep') return false
  return why.kind === 'dangling' || why.kind === 'cannotUntag' || isOrphaned(why)
}

/** Evidence of something that is not there. */
function isOrphaned({ kind, by }: Why): boolean {
  return kind === 'evidence' && by === undefined
}

/** An evidence tag goes with the manifest that it is on, which is shown below its image. */
function isShownAsPiece({ verdict, digest, why }: TagVerdict, pieces: ReadonlySet<Digest>): boolean {
  return verdict === 'delete' && why.kind === 'orphan' && digest !== null && pieces.has(digest)
}

/** An image that goes, under all of its tags, or a manifest that has none; and what goes with it. */
interface Going {
  readonly tags: readonly TagVerdict[]
  readonly manifest?: ManifestVerdict
  readonly pieces: readonly ManifestVerdict[]
}

function goingOf({ others }: RepositoryPlan, tags: readonly TagVerdict[]): readonly Going[] {
  const below = Map.groupBy(
    others.flatMap((manifest) => manifest.of.map((parent) => ({ parent, manifest }))),
    ({ parent }) => parent,
  )
  const seen = new Set<Digest>()
  const piecesOf = (root: Digest): readonly ManifestVerdict[] => {
    const pieces: ManifestVerdict[] = []
    const open = [root]
    for (let digest = open.pop(); digest !== undefined; digest = open.pop()) {
      for (const { manifest: piece } of below.get(digest) ?? []) {
        if (seen.has(piece.digest)) continue
        seen.add(piece.digest)
        pieces.push(piece)
        open.push(piece.digest)
      }
    }
    return pieces
  }
  const dying = tags.filter(({ verdict }) => verdict === 'delete')
  const images = [...Map.groupBy(dying, ({ digest }) => digest)].map(([digest, those]): Going => ({
    tags: those,
    pieces: digest === null ? [] : piecesOf(digest),
  }))
  // what lists or signs something stands before it, as far as that is known
  const known = new Set(others.map(({ digest }) => digest))
  const first = others.filter(({ of }) => !of.some((parent) => known.has(parent)))
  const alone = [...first, ...others].flatMap((manifest): readonly Going[] => {
    if (seen.has(manifest.digest)) return []
    seen.add(manifest.digest)
    return [{ tags: [], manifest, pieces: piecesOf(manifest.digest) }]
  })
  return [...images, ...alone]
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
  for (const { tags: names, manifest, pieces } of goingOf(plan, tags)) {
    if (shown >= deletedRows && page.width !== undefined && !folding.all && manifest === undefined) {
      hidden.push(...names)
      continue
    }
    shown += names.length
    // of several tags on one image the first tells its size
    items.push(...names.map((tag, i) => ({ ...rowOf(tag, now), ...(i > 0 && { size: '' }) })))
    if (manifest !== undefined) items.push(pieceRow(manifest, '', page))
    items.push(...pieceItems(pieces, folding, page))
  }
  return [...items, ...fold(hidden, 'delete', 'more')]
}

function pieceItems(pieces: readonly ManifestVerdict[], { all }: Folding, page: Page): readonly Item[] {
  if (all || page.width === undefined || pieces.length <= pieceRows)
    return pieces.map((piece) => pieceRow(piece, '  ', page))
  const going = pieces.filter(({ verdict }) => verdict === 'delete')
  const count = (role: ManifestVerdict['role']): number => going.filter((piece) => piece.role === role).length
  const children = count('child')
  const leftovers = count('leftover')
  const evidence = count('evidence')
  const words = [
    ...(children === 0 ? [] : [formatCount(children, 'child manifest')]),
    ...(leftovers === 0 ? [] : [formatCount(leftovers, 'leftover manifest')]),
    ...(evidence === 0 ? [] : [`${formatCount(evidence, 'piece')} of evidence`]),
  ]
  const staying = pieces.length - going.length
  const texts = [
    ...(words.length === 0 ? [] : [`and its ${words.join(', ')}`]),
    ...(staying === 0 ? [] : [`${formatCount(staying, 'part')} of it kept: something that stays needs it`]),
  ]
  return texts.map((text) => ({ kind: 'note', text }))
}

function pieceRow(piece: ManifestVerdict, indent: string, page: Page): PruneRow {
  return {
    kind: 'row',
    verdict: piece.verdict,
    name: `${indent}${piece.role} ${page.width === undefined ? piece.digest : shortHex(piece.digest)}`,
    age: '',
    size: formatBytes(piece.size),
    why: escapeText(piece.why.text),
  }
}

function rowOf({ tag, verdict, why, created, size }: TagVerdict, now: number): PruneRow {
  const time = created === undefined ? Number.NaN : Date.parse(created)
  return {
    kind: 'row',
    verdict,
    name: escapeText(tag),
    age: Number.isNaN(time) ? '-' : formatAge(now - time),
    size: size === undefined ? '-' : formatBytes(size),
    why: escapeText(why.text),
  }
}

function keptItems(tags: readonly TagVerdict[], folding: Folding, now: number): readonly Item[] {
  const ordinary = tags.filter((tag) => !isNotable(tag))
  const notable = tags.filter(isNotable)
  const shown = folding.all ? notable : notable.slice(0, notableRows)
  const isFolded = !folding.all && (folding.kept || ordinary.length > keptRows)
  return [
    ...shown.map((tag) => rowOf(tag, now)),
    ...fold(notable.slice(shown.length), 'keep', 'more'),
    ...(isFolded ? fold(ordinary, 'keep') : ordinary.map((tag) => rowOf(tag, now))),
  ]
}

/** Images that something runs, and that no tag is on. */
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
    .map(([reason, those]) => {
      const noun = more === '' ? 'tag' : `${more} tag`
      return { kind: 'note', verdict, text: `${formatCount(those.length, noun)}: ${reason}` }
    })
}

/** A reason as many tags can have it in common. */
function reasonOf(why: Why): string {
  const by = why.by === undefined ? '' : escapeText(why.by)
  switch (why.kind) {
    case 'rule':
      return by
    case 'protection':
      return `protected by ${by}`
    case 'inUse':
      return 'in use'
    case 'unmatched':
      return 'no rule selects them'
    case 'spared':
      return `spared by ${by}`
    case 'undated':
      return `when they were made is not known (${by})`
    case 'unparsable':
      return `no version or group (${by})`
    case 'reached':
      return 'something that stays reaches them'
    case 'evidence':
      return isOrphaned(why) ? 'evidence of something that is not there' : 'evidence of something that stays'
    case 'cannotUntag':
      return 'their digests stay, and this registry cannot delete a tag alone'
    case 'dangling':
      return 'there is no manifest under them'
    case 'orphan':
      return 'part of what is deleted'
  }
}
