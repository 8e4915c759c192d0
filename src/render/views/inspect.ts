import type { ImageView, MissingView } from '../../usecases/views/inspect/inspect.ts'
import type { ManifestView } from '../../usecases/views/inspect/manifest-view.ts'
import { parsePlausibleTime } from '../../oci/created.ts'
import { formatRepository } from '../../oci/reference.ts'
import { escapeText } from '../text/escape.ts'
import { renderEvidence } from './evidence-tree.ts'
import { formatDigestOn, formatAge, formatBytes, formatCount } from '../text/format.ts'
import { renderContent } from './image-content.ts'
import { renderLabels } from '../text/labels.ts'
import { kindOf } from './list.ts'
import { narrowPage, renderPairs, renderTerms, renderSection } from '../text/section.ts'
import type { Page } from '../text/style.ts'
import { type Cell, renderTable } from '../text/table.ts'
import { cut, pad } from '../text/width.ts'

/** Columns of the names in the head; with a sha256 digest they make 80. */
const labelWidth = 'created'.length

/**
 * Renders an image: its head, its tags, its platforms or the content of the only one, labels,
 * annotations, and the tree of its attached artifacts. `now` is in milliseconds since 1970.
 */
export function renderImage(view: ImageView, now: number, page: Page): string {
  const inIndex = new Set(
    view.evidence?.filter(({ via }) => via === 'index').map(({ descriptor }) => descriptor.digest),
  )
  const manifests = view.manifests.filter(({ descriptor }) => !inIndex.has(descriptor.digest))
  const [only] = view.kind === 'manifest' ? manifests : []
  const sections = [
    renderHead(view, only, now, page),
    renderSection('Tags', renderTags(view, narrowPage(page)), page),
    ...(only === undefined
      ? [renderSection('Platforms', renderManifests(manifests, view.missing ?? [], narrowPage(page)), page)]
      : renderContent(only, view.created, page)),
    ...renderLabels(manifests, page),
    renderSection('Annotations', renderPairs(Object.entries(view.annotations), narrowPage(page)), page),
    renderSection('Attached artifacts', renderEvidence(view, narrowPage(page)), page),
  ]
  return sections.filter((text) => text !== '').join('\n\n')
}

function renderHead(view: ImageView, only: ManifestView | undefined, now: number, page: Page): string {
  const { image, repository, at, created, index } = view
  const { style, width = Infinity } = page
  const isByDigest = at === (index ?? image).digest
  const name = escapeText(`${formatRepository(repository)}${isByDigest ? '@' : ':'}${at}`)
  const type = view.artifactType ?? only?.artifactType
  const kind = type === undefined ? kindOf(image.mediaType) : escapeText(type)
  const line = (label: string, text: string): string => `${style.dim(pad(label, labelWidth))}  ${text}`
  const fitting = (text: string): string => cut(text, Math.max(8, width - labelWidth - 2))
  return [
    only?.platform === undefined ? style.bold(name) : `${style.bold(name)}  ${escapeText(only.platform)}`,
    // Digests are never cut.
    line('digest', image.digest),
    ...(index === undefined ? [] : [line('index', index.digest)]),
    line('kind', fitting(`${kind}  (${escapeText(image.mediaType)})`)),
    line('size', formatBytes(view.size) + (view.missing === undefined ? '' : '  (without missing content)')),
    ...(created === undefined ? [] : [line('created', fitting(escapeText(created) + ageOf(created, now)))]),
  ].join('\n')
}

function ageOf(created: string, now: number): string {
  const time = parsePlausibleTime(created, now)
  return time === undefined ? '' : `  (${formatAge(now - time)} ago)`
}

function renderTags({ tags, omittedTags }: ImageView, page: Page): string {
  if (tags !== undefined)
    return tags.length === 0 ? page.style.dim('none') : renderTerms(tags.map(escapeText), page)
  if (omittedTags === undefined) return ''
  if (omittedTags.why === 'unreadable')
    return page.style.dim('unknown: dray cannot list the tags of the repository')
  const { count, isWhole } = omittedTags
  const many = isWhole ? formatCount(count, 'tag') : `at least ${count} tags`
  return page.style.dim(`unknown: the repository has ${many}. Pass --tags to read all of them.`)
}

function renderManifests(
  manifests: readonly ManifestView[],
  missing: readonly MissingView[],
  page: Page,
): string {
  if (manifests.length + missing.length === 0) return page.style.dim('none')
  const columns = [
    { title: '', flexible: true },
    { title: '' },
    { title: '', align: 'right' as const },
    { title: '', align: 'right' as const },
  ]
  const rows = manifests.map(({ platform, artifactType, descriptor, size, layers }): Cell[] => [
    escapeText(platform ?? artifactType ?? 'no platform'),
    formatDigestOn(page, descriptor.digest),
    formatBytes(size),
    formatCount(layers.length, 'layer'),
  ])
  const missingRows = missing.map(({ platform, descriptor }): Cell[] => [
    escapeText(platform ?? 'no platform'),
    formatDigestOn(page, descriptor.digest),
    '',
    { text: 'missing', tone: 'yellow' },
  ])
  return renderTable(columns, [...rows, ...missingRows], page)
}
