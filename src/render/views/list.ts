import type { RepositoryView, TagView, UnreadRepository } from '../../usecases/views/list/list.ts'
import { parsePlausibleTime } from '../../oci/created.ts'
import { evidenceKinds } from '../../oci/evidence-kind.ts'
import { formatRepository } from '../../oci/reference.ts'
import { escapeText } from '../text/escape.ts'
import { formatDigestOn, formatAge, formatBytes, formatCount } from '../text/format.ts'
import type { Page, Style } from '../text/style.ts'
import { type Cell, type Column, renderTable } from '../text/table.ts'
import { cut } from '../text/width.ts'

/** The repositories to show. */
export interface ListPage {
  readonly views: readonly (RepositoryView | UnreadRepository)[]
  /** show only digests */
  readonly brief: boolean
  /** show when tags were pushed and pulled */
  readonly times?: boolean
  /** milliseconds since 1970 */
  readonly now: number
}

const briefColumns: readonly Column[] = [
  { title: 'TAG', flexible: true },
  { title: 'DIGEST' },
  { title: 'KIND', flexible: true },
]
const columns: readonly Column[] = [
  { title: 'TAG', flexible: true, keep: 16 },
  { title: 'DIGEST' },
  { title: 'AGE', align: 'right' },
  { title: 'SIZE', align: 'right' },
  { title: 'PLATFORMS', flexible: true },
  { title: 'ATTACHED', flexible: true, keep: 15 },
]
const timeColumns: readonly Column[] = [
  { title: 'PUSHED', align: 'right' },
  { title: 'PULLED', align: 'right' },
]
const nothing: Cell = { text: '-', tone: 'dim' }
const unknown: Cell = { text: '?', tone: 'yellow' }

/** Renders the tags of repositories, each repository below its name if there are several. */
export function renderRepositories(list: ListPage, page: Page): string {
  const { views } = list
  const [first, ...more] = views
  if (first !== undefined && more.length === 0) return renderRepository(first, list, page)
  return views
    .map((view) => {
      const name = escapeText(formatRepository(view.repository))
      return `${page.style.bold(name)}\n${renderRepository(view, list, page)}`
    })
    .join('\n\n')
}

/** Renders a line for each tag. The command reports separately why a repository is unreachable. */
function renderRepository(view: ListPage['views'][number], list: ListPage, page: Page): string {
  if ('error' in view)
    return view.error.code === 'not-found' ? page.style.dim('no tags') : page.style.red('unreachable')
  // A script that reads the pipe would take a sentence for a tag.
  if (view.tags.length === 0 && page.width !== undefined)
    return cut(`${escapeText(formatRepository(view.repository))} has no tags to show.`, page.width)
  const rows = view.tags.map((tag) => [
    ...(list.brief ? briefRow(tag, page) : rowOf(tag, list, page)),
    ...(list.times === true ? timeCells(tag, list.now) : []),
  ])
  const shown = list.brief ? briefColumns : columns
  return renderTable(list.times === true ? [...shown, ...timeColumns] : shown, rows, page)
}

function briefRow({ tag, image }: TagView, page: Page): readonly Cell[] {
  return [escapeText(tag), digestCell(image, page), kindCell(image)]
}

/** A vendor's list may lack the media types. */
function kindCell(image: TagView['image']): Cell {
  if (image === null) return ''
  return image.mediaType === undefined ? unknown : kindOf(image.mediaType)
}

/** Ages; `never` if the vendor has seen no pull. */
function timeCells({ pushedAt, pulledAt }: TagView, now: number): readonly Cell[] {
  return [pushedAt, pulledAt].map((time) => {
    if (time === undefined) return unknown
    return time === 'never' ? { text: time, tone: 'dim' } : formatAge(Math.max(0, now - Date.parse(time)))
  })
}

function rowOf(view: TagView, { now, times }: ListPage, page: Page): readonly Cell[] {
  const { tag, image, created, isCreatedUnknown, size } = view
  if (image === null)
    return [escapeText(tag), digestCell(image, page), ...(times === true ? ['', '', '', ''] : [])]
  const time = parsePlausibleTime(created ?? undefined, now)
  return [
    escapeText(tag),
    digestCell(image, page),
    time !== undefined ? formatAge(now - time) : isCreatedUnknown === true ? unknown : nothing,
    typeof size === 'number' ? formatBytes(size) : unknown,
    platformCell(view, page),
    evidenceCell(view),
  ]
}

function digestCell(image: TagView['image'], page: Page): Cell {
  return image === null ? { text: 'deleted', tone: 'yellow' } : formatDigestOn(page, image.digest)
}

/** A terminal omits `linux/` if all platforms have it. An artifact has its type instead. */
function platformCell({ platforms, artifactType }: TagView, page: Page): Cell {
  if (platforms === undefined || platforms === null) return unknown
  if (platforms.length === 0) {
    return artifactType === undefined ? nothing : { text: escapeText(artifactType), tone: 'dim' }
  }
  const isLinux = page.width !== undefined && platforms.every((name) => name.startsWith('linux/'))
  return escapeText(platforms.map((name) => (isLinux ? name.slice('linux/'.length) : name)).join(', '))
}

function evidenceCell({ evidence }: TagView): Cell {
  if (evidence === undefined || evidence === null) return unknown
  const counts = evidenceKinds.flatMap((kind) => {
    const count = evidence[kind] ?? 0
    if (count === 0) return []
    return count === 1 ? [kind] : [`${count} ${kind}`]
  })
  return counts.length === 0 ? nothing : counts.join(', ')
}

/** Formats notes about omitted tags for a person. A script does not need them. */
export function renderOmitted(all: ListPage['views'], style: Style): readonly string[] {
  const views = all.filter((view): view is RepositoryView => !('error' in view))
  const sum = (of: (view: RepositoryView) => number): number =>
    views.reduce((total, view) => total + of(view), 0)
  const omitted = sum(({ total, tags, scan }) => total - (scan?.read ?? tags.length))
  const undated = sum(({ scan }) => scan?.undated ?? 0)
  const unread = sum(({ scan }) => scan?.unread ?? 0)
  const hidden = sum(({ evidenceTagsHidden }) => evidenceTagsHidden)
  const isScan = views.some(({ scan }) => scan !== undefined)
  const lines = [
    ...(omitted > 0 && !isScan ? [`${formatCount(omitted, 'more tag')}. Pass --all to show all tags.`] : []),
    ...(omitted > 0 && isScan
      ? [`${formatCount(omitted, 'more tag')} not read. Pass --all to read all tags.`]
      : []),
    ...(undated > 0
      ? [`${formatCount(undated, 'tag')} skipped, because the image has no creation time.`]
      : []),
    ...(unread > 0 ? [`${formatCount(unread, 'tag')} skipped, because the image cannot be read.`] : []),
    ...(hidden > 0 ? [hiddenText(hidden)] : []),
  ]
  return lines.map((line) => style.dim(line))
}

function hiddenText(count: number): string {
  return count === 1
    ? '1 tag of an attached artifact is hidden. Pass --all-tags to show it.'
    : `${count} tags of attached artifacts are hidden. Pass --all-tags to show them.`
}

/** Returns `index`, `image`, or the media type of another artifact. */
export function kindOf(mediaType: string): string {
  if (/\.image\.index\.|\.manifest\.list\./.test(mediaType)) return 'index'
  if (/\.image\.manifest\.|\.distribution\.manifest\./.test(mediaType)) return 'image'
  return escapeText(mediaType)
}
