import type { EvidenceView, ImageView, ManifestView } from '../look/inspect.ts'
import type { Digest } from '../oci/digest.ts'
import { formatRepository } from '../oci/reference.ts'
import { escapeText } from './escape.ts'
import { formatBytes, formatCount, shortDigest } from './format.ts'
import { kindOf } from './list.ts'
import type { Page } from './style.ts'
import { type Cell, renderTable } from './table.ts'

/** One image: what it is, its platforms, its labels and annotations, and the tree of its evidence. */
export function renderImage(view: ImageView, page: Page): string {
  const sections = [
    renderHead(view, page),
    section('Manifests', renderManifests(view, page), page),
    section('Annotations', renderMap(view.annotations, page), page),
    section('Labels', renderMap(view.manifests[0]?.image?.labels ?? {}, page), page),
    section('Tags', (view.tags ?? []).map(escapeText).join('\n'), page),
    section('Evidence', renderEvidence(view, page), page),
  ]
  return sections.filter((text) => text !== '').join('\n\n')
}

function renderHead(view: ImageView, page: Page): string {
  const { image, repository, at } = view
  const separator = at === image.digest ? '@' : ':'
  const created = view.manifests.map(({ image: config }) => config?.created ?? '').toSorted()[0] ?? ''
  const kind = view.artifactType === undefined ? kindOf(image.mediaType) : escapeText(view.artifactType)
  const rows: Cell[][] = [
    [dim('digest'), image.digest],
    [dim('kind'), `${kind}  (${escapeText(image.mediaType)})`],
    [dim('size'), formatBytes(view.size)],
    ...(created === '' ? [] : [[dim('created'), escapeText(created)]]),
  ]
  const title = page.style.bold(escapeText(`${formatRepository(repository)}${separator}${at}`))
  return `${title}\n${renderTable([{ title: '' }, { title: '' }], rows, page)}`
}

function renderManifests({ manifests }: ImageView, page: Page): string {
  const columns = [
    { title: '', flexible: true },
    { title: '' },
    { title: '', align: 'right' as const },
    { title: '', align: 'right' as const },
  ]
  return renderTable(columns, manifests.map(manifestRow), page)
}

function manifestRow({ platform, artifactType, descriptor, size, layers }: ManifestView): Cell[] {
  return [
    escapeText(platform ?? artifactType ?? 'no platform'),
    shortDigest(descriptor.digest),
    formatBytes(size),
    formatCount(layers.length, 'layer'),
  ]
}

function renderMap(map: Readonly<Record<string, string>>, page: Page): string {
  const rows = Object.entries(map).map(([key, value]): Cell[] => [dim(escapeText(key)), escapeText(value)])
  if (rows.length === 0) return ''
  return renderTable([{ title: '' }, { title: '', flexible: true }], rows, inner(page))
}

/** Evidence below the manifest that it speaks of, and evidence of evidence below that. */
function renderEvidence(view: ImageView, page: Page): string {
  if (view.evidence.length === 0) return page.style.dim('none')
  const bySubject = Map.groupBy(view.evidence, ({ subject }) => subject)
  const names = new Map(view.manifests.map((one) => [one.descriptor.digest, one.platform ?? 'manifest']))
  names.set(view.image.digest, view.kind === 'index' ? 'index' : 'image')
  return [...names]
    .filter(([digest]) => bySubject.has(digest))
    .flatMap(([digest, name]) => [
      `${escapeText(name)} ${page.style.dim(shortDigest(digest))}`,
      ...branches(digest, bySubject, page, '', new Set()),
    ])
    .join('\n')
}

function branches(
  subject: Digest,
  bySubject: ReadonlyMap<Digest, readonly EvidenceView[]>,
  page: Page,
  indent: string,
  above: ReadonlySet<Digest>,
): string[] {
  // a registry can be made to answer that two manifests are evidence of each other
  if (above.has(subject)) return []
  const items = bySubject.get(subject) ?? []
  return items.flatMap((item, i) => {
    const isLast = i === items.length - 1
    const below = `${indent}${isLast ? '   ' : '│  '}`
    return [
      `${indent}${isLast ? '└─ ' : '├─ '}${evidenceLine(item, page)}`,
      ...branches(item.descriptor.digest, bySubject, page, below, new Set([...above, subject])),
    ]
  })
}

function evidenceLine({ descriptor, artifactType, size, tag }: EvidenceView, { style }: Page): string {
  const kind =
    cosignKinds.get(tag?.split('.').at(-1) ?? '') ?? escapeText(artifactType ?? descriptor.mediaType)
  return [kind, style.cyan(shortDigest(descriptor.digest)), style.dim(formatBytes(size))].join('  ')
}

/** What stands under cosign's tags, by their endings (cosign, SIGNATURE_SPEC): the manifest itself says only that it is an image. */
const cosignKinds: ReadonlyMap<string, string> = new Map([
  ['sig', 'cosign signature'],
  ['att', 'cosign attestation'],
  ['sbom', 'cosign SBOM'],
])

function section(title: string, text: string, { style }: Page): string {
  return text === '' ? '' : `${style.bold(title)}\n${text.replaceAll(/^/gm, '  ')}`
}

function inner(page: Page): Page {
  return { style: page.style, width: page.width === undefined ? undefined : page.width - 2 }
}

function dim(text: string): Cell {
  return { text, tone: 'dim' }
}
