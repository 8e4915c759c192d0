import type { DiffEntry, DiffView, DriftedTag } from '../../usecases/views/diff/diff.ts'
import type { Digest } from '../../oci/digest.ts'
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

/** Renders the differences of each image, then lines for unreached, absent and equal images. */
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
  if (kind === 'exact') return 'drift'
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
  const counts = sides.map(({ name, tags }) => `${formatCount(tags.length, 'other tag')} in ${name} only`)
  const lists = sides.map(({ name, tags }) => `in ${name} only: ${tags.map(escapeText).join(', ')}`)
  const notes = allTags ? lists : counts.length === 0 ? [] : [`${counts.join(', ')}: --all-tags lists them`]
  const limitNote = `the highest ${compared} of ${compared + notCompared} common tags were compared`
  return [...notes, ...(notCompared > 0 ? [limitNote] : [])].map((text) => style.dim(text))
}

function renderRest(view: DiffView, targets: ReadonlyMap<DiffEntry, string>, page: DiffPage): string {
  const byImage = [...Map.groupBy(view.images, ({ image }) => image)]
  const imagesAll = (state: DiffEntry['state']): readonly string[] =>
    byImage.flatMap(([image, entries]) => {
      const reached = entries.filter((entry) => entry.state !== 'unreachable')
      return reached.length > 0 && reached.every((entry) => entry.state === state) ? [image] : []
    })
  const [level, absent] = [imagesAll('level'), imagesAll('absent')]
  const unreached = Map.groupBy(
    view.images.filter(({ state }) => state === 'unreachable'),
    (entry) => targets.get(entry) ?? '',
  )
  const isPart = view.images.some(({ state, notCompared }) => state === 'level' && notCompared > 0)
  const levelText = `${formatCount(level.length, 'image')} level`
  return [
    ...[...unreached].map(([target, entries]) =>
      page.style.red(`not compared with ${target}: ${formatCount(entries.length, 'image')}`),
    ),
    ...(absent.length > 0 ? [`in neither: ${absent.map(escapeText).join(', ')}`] : []),
    ...(level.length > 0 ? [isPart ? `${levelText}, as far as tags were compared` : levelText] : []),
  ].join('\n')
}

/** Summarises the differences in one line for a person. */
export function renderDiffSummary({ images, from, to }: DiffView, style: Style): string {
  const names = new Set(images.map(({ image }) => image)).size
  const sum = (count: (entry: DiffEntry) => number): number =>
    images.reduce((total, entry) => total + count(entry), 0)
  const promote = sum((entry) => entry.promote.filter(({ older }) => !older).length)
  const onlyThere = sum((entry) => entry.onlyThere.length)
  const drift = sum((entry) => entry.drift.filter(({ kind }) => kind === 'exact').length)
  const others = sum((entry) => entry.drift.filter(({ kind, behind }) => kind !== 'exact' && !behind).length)
  const unreached = images.filter(({ state }) => state === 'unreachable').length
  const parts = [
    ...(promote > 0 ? [style.green(`${formatCount(promote, 'version')} to promote`)] : []),
    ...(onlyThere > 0 ? [style.yellow(`${onlyThere} only in ${escapeText(to)}`)] : []),
    ...(drift > 0 ? [style.red(formatCount(drift, 'drifted version'))] : []),
    ...(others > 0 ? [style.yellow(formatCount(others, 'other tag differs', 'other tags differ'))] : []),
    ...(unreached > 0 ? [style.red(`${unreached} not compared`)] : []),
  ]
  const isLevel = images.some(({ state }) => state === 'level')
  const what = parts.length > 0 ? parts.join(', ') : isLevel ? 'no version differs' : 'nothing to compare'
  return `${escapeText(from)} -> ${escapeText(to)}, ${formatCount(names, 'image')}: ${what}`
}
