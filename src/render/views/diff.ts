import type { DiffEntry, DiffView, DriftedTag } from '../../usecases/views/diff/diff.ts'
import type { Digest } from '../../oci/digest.ts'
import { joinCounts } from '../text/counts.ts'
import { escapeText } from '../text/escape.ts'
import { formatCount, shortenDigest } from '../text/format.ts'
import type { Page, Style } from '../text/style.ts'
import { type Cell, renderTable } from '../text/table.ts'
import { formatTargetName } from '../target.ts'
import { cut, displayWidth } from '../text/width.ts'

/** The maximum of one-sided versions in a terminal, and of older ones; a pipe has all. */
const versionsShown = 20
const olderShown = 5
const indent = '  '

export interface DiffPage extends Page {
  /** list the tags on one side only that are neither versions nor floating */
  readonly allTags: boolean
}

/** Renders the differences of each image, then lines for the other images. */
export function renderDiff(view: DiffView, page: DiffPage): string {
  const targets = targetsIn(view)
  const blocks = view.images
    .filter((entry) => entry.state === 'differs' || (page.allTags && hasOtherTags(entry)))
    .map((entry) => renderEntry(view, entry, targets, page))
  return [...blocks, renderRest(view, targets, page)].filter((text) => text !== '').join('\n\n')
}

/** Returns the name of the target of each entry. */
function targetsIn({ images, to }: DiffView): ReadonlyMap<DiffEntry, string> {
  const byImage = [...Map.groupBy(images, ({ image }) => image).values()]
  return new Map(
    byImage.flatMap((entries) => {
      const all = entries.map((entry) => entry.to)
      return entries.map((entry, i) => [entry, formatTargetName(to, i, all)] as const)
    }),
  )
}

function renderEntry(
  view: DiffView,
  entry: DiffEntry,
  targets: ReadonlyMap<DiffEntry, string>,
  page: DiffPage,
): string {
  const { style, width } = page
  const to = targets.get(entry) ?? ''
  const title = `${style.bold(escapeText(entry.image))}  ${style.dim(`${escapeText(view.from)} -> ${to}`)}`
  const indented = { ...page, width: width === undefined ? undefined : width - indent.length }
  const lines = [
    ...missingLines(entry, view, page.style),
    ...promoteLines(entry, indented),
    ...onlyThereLines(entry, view, indented),
    ...driftLines(entry, view, indented),
    ...notesOf(view, entry, page),
  ]
  return [title, ...lines.map((line) => indent + line)].join('\n')
}

function hasOtherTags({ otherTags }: DiffEntry): boolean {
  return otherTags.from.length + otherTags.to.length > 0
}

function missingLines({ deployed }: DiffEntry, { from, to }: DiffView, style: Style): readonly string[] {
  const names = [...(deployed.from === false ? [from] : []), ...(deployed.to === false ? [to] : [])]
  return names.map((name) => style.yellow(`not deployed in ${escapeText(name)}`))
}

function promoteLines({ promote }: DiffEntry, page: DiffPage): readonly string[] {
  const tags = (isOlder: boolean): readonly string[] =>
    promote.filter(({ older }) => older === isOlder).map(({ tag }) => tag)
  return [
    ...limitTags(tags(false), versionsShown, page).map((tag) => formatOneSided('+', tag, 'green', '', page)),
    ...limitTags(tags(true), olderShown, page).map((tag) => formatOneSided('+', tag, 'dim', 'older', page)),
  ]
}

function onlyThereLines({ onlyThere }: DiffEntry, { to }: DiffView, page: DiffPage): readonly string[] {
  return limitTags(onlyThere, versionsShown, page).map((tag) =>
    formatOneSided('-', tag, 'yellow', `only in ${to}`, page),
  )
}

/** Returns the first `most` tags and the number of the others; in a pipe all tags. */
function limitTags(tags: readonly string[], most: number, { width, allTags }: DiffPage): readonly string[] {
  if (width === undefined || allTags || tags.length <= most) return tags
  return [...tags.slice(0, most), `${tags.length - most} more`]
}

/** Formats a tag of one side after its sign. Cuts the tag if the page is too narrow. */
function formatOneSided(
  sign: string,
  tag: string,
  tone: keyof Style,
  note: string,
  { style, width }: Page,
): string {
  const [text, suffix] = [escapeText(`${sign} ${tag}`), note === '' ? '' : escapeText(`  ${note}`)]
  const fitting = width === undefined ? text : cut(text, width - displayWidth(suffix))
  return style[tone](fitting) + style.dim(suffix)
}

function driftLines({ drift }: DiffEntry, { to }: DiffView, page: Page): readonly string[] {
  if (drift.length === 0) return []
  const digest = page.width === undefined ? (whole: Digest): string => whole : shortenDigest
  const rows = drift.map((one): readonly Cell[] => {
    const tone = one.kind === 'exact' ? 'red' : one.behind ? 'dim' : 'yellow'
    const tag = one.tagThere === undefined ? one.tag : `${one.tag} / ${one.tagThere}`
    return [
      { text: `≠ ${escapeText(tag)}`, tone },
      `${digest(one.from)} -> ${digest(one.to)}`,
      { text: driftNote(one, escapeText(to)), tone },
    ]
  })
  const columns = [{ title: '', flexible: true }, { title: '' }, { title: '', flexible: true }]
  return renderTable(columns, rows, page).split('\n')
}

function driftNote({ kind, behind }: DriftedTag, to: string): string {
  if (kind === 'exact') return 'drifted'
  if (kind === 'other') return ''
  return behind ? `${to} is behind` : 'floating'
}

function notesOf(
  { from, to }: DiffView,
  { otherTags, compared, notCompared }: DiffEntry,
  { style, allTags }: DiffPage,
): readonly string[] {
  const sides = [
    { name: escapeText(from), tags: otherTags.from },
    { name: escapeText(to), tags: otherTags.to },
  ].filter(({ tags }) => tags.length > 0)
  const counts = sides.map(({ name, tags }) => `${formatCount(tags.length, 'other tag')} only in ${name}`)
  const lists = sides.map(({ name, tags }) => `only in ${name}: ${tags.map(escapeText).join(', ')}`)
  const notes = allTags
    ? lists
    : counts.length === 0
      ? []
      : [`${counts.join(', ')}. Pass --all-tags to list them.`]
  const limitNote = `${compared} of ${compared + notCompared} common tags were compared`
  return [...notes, ...(notCompared > 0 ? [limitNote] : [])].map((text) => style.dim(text))
}

/** Renders a line for each result without a block. */
function renderRest(view: DiffView, targets: ReadonlyMap<DiffEntry, string>, page: DiffPage): string {
  const { style } = page
  const byImage = [...Map.groupBy(view.images, ({ image }) => image)]
  const imagesAll = (state: DiffEntry['state']): readonly string[] =>
    byImage.flatMap(([image, entries]) => {
      const reached = entries.filter((entry) => entry.state !== 'unreachable')
      return reached.length > 0 && reached.every((entry) => entry.state === state) ? [image] : []
    })
  const [inSync, missing] = [imagesAll('in-sync'), imagesAll('not-deployed')]
  const unreached = Map.groupBy(
    view.images.filter(({ state }) => state === 'unreachable'),
    (entry) => targets.get(entry) ?? '',
  )
  const isPart = view.images.some(({ state, notCompared }) => state === 'in-sync' && notCompared > 0)
  const inSyncText = `${formatCount(inSync.length, 'image')} in sync`
  return [
    ...[...unreached].map(([target, entries]) =>
      style.red(`not compared with ${target}: ${formatCount(entries.length, 'image')}`),
    ),
    ...listUnknown(view, targets).map((text) => style.yellow(text)),
    ...(missing.length > 0 ? [`not deployed in either: ${missing.map(escapeText).join(', ')}`] : []),
    ...(inSync.length > 0
      ? [isPart ? `${inSyncText}, but not all common tags were compared` : inSyncText]
      : []),
    ...listOtherSources(view).map((text) => style.dim(text)),
  ].join('\n')
}

/** Names the images that have nothing in common to compare. */
function listUnknown({ images }: DiffView, targets: ReadonlyMap<DiffEntry, string>): readonly string[] {
  const unknown = images.filter(({ state }) => state === 'unknown')
  return [...Map.groupBy(unknown, (entry) => targets.get(entry) ?? '')].map(([target, entries]) => {
    const names = entries.map(({ image }) => escapeText(image)).join(', ')
    return `unknown for ${target}: ${names}. Set "currentTag" in dray.yaml to compare them.`
  })
}

/** Names the registries of the source environment that were compared and that were not. */
function listOtherSources({ images, from }: DiffView): readonly string[] {
  const read = images.filter(({ state, otherSources }) => state !== 'unreachable' && otherSources.length > 0)
  const compared = new Set(read.map((entry) => entry.from.registry))
  const others = new Set(read.flatMap(({ otherSources }) => otherSources.map(({ registry }) => registry)))
  const names = (registries: ReadonlySet<string>): string => [...registries].map(escapeText).join(', ')
  if (others.size === 0) return []
  return [`Of ${escapeText(from)}, ${names(compared)} was compared; ${names(others)} was not.`]
}

type Count = readonly [count: number, tone: keyof Style, text: string]

/** Summarises the differences for a person. */
export function renderDiffSummary({ images, from, to }: DiffView, style: Style, width?: number): string {
  const names = new Set(images.map(({ image }) => image)).size
  const sum = (count: (entry: DiffEntry) => number): number =>
    images.reduce((total, entry) => total + count(entry), 0)
  const having = (isCounted: (entry: DiffEntry) => boolean): number =>
    sum((entry) => (isCounted(entry) ? 1 : 0))
  const inState = (state: DiffEntry['state']): number => having((entry) => entry.state === state)
  const promote = sum((entry) => entry.promote.filter(({ older }) => !older).length)
  const older = sum((entry) => entry.promote.filter((tag) => tag.older).length)
  const onlyThere = sum((entry) => entry.onlyThere.length)
  const onlyFrom = having(({ deployed }) => deployed.from === true && deployed.to === false)
  const onlyTo = having(({ deployed }) => deployed.from === false && deployed.to === true)
  const [here, there] = [escapeText(from), escapeText(to)]
  const counts: readonly Count[] = [
    [onlyFrom, 'yellow', `${formatCount(onlyFrom, 'image')} only in ${here}`],
    [onlyTo, 'yellow', `${formatCount(onlyTo, 'image')} only in ${there}`],
    [promote, 'green', `${formatCount(promote, 'version')} to promote`],
    [older, 'dim', `${formatCount(older, 'older version')} only in ${here}`],
    [onlyThere, 'yellow', `${formatCount(onlyThere, 'version')} only in ${there}`],
    ...driftCounts((isCounted) => sum((entry) => entry.drift.filter(isCounted).length)),
    [inState('not-deployed'), 'yellow', `${inState('not-deployed')} not deployed`],
    [inState('unknown'), 'yellow', `${inState('unknown')} unknown`],
    [inState('unreachable'), 'red', `${inState('unreachable')} not compared`],
    [inState('in-sync'), 'green', `${inState('in-sync')} in sync`],
  ]
  const parts = counts.flatMap(([count, tone, text]) => (count > 0 ? [{ text, tone }] : []))
  return joinCounts(`${here} -> ${there}, ${formatCount(names, 'image')}:`, parts, { style, width })
}

function driftCounts(count: (isCounted: (tag: DriftedTag) => boolean) => number): readonly Count[] {
  const exact = count(({ kind }) => kind === 'exact')
  const behind = count((tag) => tag.behind)
  const others = count(({ kind, behind: isBehind }) => kind !== 'exact' && !isBehind)
  return [
    [exact, 'red', formatCount(exact, 'drifted version')],
    [behind, 'dim', `${formatCount(behind, 'floating tag')} behind`],
    [others, 'yellow', formatCount(others, 'other tag differs', 'other tags differ')],
  ]
}
