import type { RepositoryView } from '../look/list.ts'
import { formatRepository } from '../oci/reference.ts'
import { escapeText } from './escape.ts'
import { formatCount, shortDigest } from './format.ts'
import type { Page, Style } from './style.ts'
import { renderTable } from './table.ts'

/** The tags of repositories, each repository under its name where there are several. */
export function renderRepositories(views: readonly RepositoryView[], page: Page): string {
  const [first, ...more] = views
  if (first !== undefined && more.length === 0) return renderRepository(first, page)
  return views
    .map((view) => {
      const name = escapeText(formatRepository(view.repository))
      return `${page.style.bold(name)}\n${renderRepository(view, page)}`
    })
    .join('\n\n')
}

/** The tags of a repository, one on a line. */
function renderRepository(view: RepositoryView, page: Page): string {
  if (view.tags.length === 0) {
    return `${escapeText(formatRepository(view.repository))} has no tags.`
  }
  // in a pipe digests are whole, for whoever cuts columns out
  const isTerminal = page.width !== undefined
  const rows = view.tags.map(({ tag, image }) => [
    escapeText(tag),
    image === null
      ? { text: 'gone', tone: 'yellow' as const }
      : isTerminal
        ? shortDigest(image.digest)
        : image.digest,
    image === null ? '' : kindOf(image.mediaType),
  ])
  const columns = [{ title: 'TAG', flexible: true }, { title: 'DIGEST' }, { title: 'KIND', flexible: true }]
  return renderTable(columns, rows, page)
}

/** What a list leaves out, for a person beside it: a script that reads the list has no use for it. */
export function renderLeftOut(views: readonly RepositoryView[], style: Style): readonly string[] {
  const left = views.reduce((sum, view) => sum + view.total - view.tags.length, 0)
  const hidden = views.reduce((sum, view) => sum + view.evidenceTagsHidden, 0)
  return [
    ...(left > 0 ? [style.dim(`${formatCount(left, 'more tag')}: --all shows them.`)] : []),
    ...(hidden > 0
      ? [style.dim(`${formatCount(hidden, 'tag')} of evidence not shown: --all-tags shows them.`)]
      : []),
  ]
}

/** A media type in a word where it has one. */
export function kindOf(mediaType: string): string {
  if (/\.image\.index\.|\.manifest\.list\./.test(mediaType)) return 'index'
  if (/\.image\.manifest\.|\.distribution\.manifest\./.test(mediaType)) return 'image'
  return escapeText(mediaType)
}
