import type { BundleRoot } from '../../plan/bundle/bundle-document.ts'
import type { BundleSummary } from '../../plan/bundle/bundle-summary.ts'
import { escapeText } from '../text/escape.ts'
import { formatBytes, formatCount, formatFirst, shortenDigest } from '../text/format.ts'
import type { Page } from '../text/style.ts'
import { type Cell, renderTable } from '../text/table.ts'

/** Tags of one image that are shown. */
const tagsShown = 3

const columns = [
  { title: 'REPOSITORY', flexible: true },
  { title: 'TAGS', flexible: true },
  { title: 'DIGEST' },
  { title: 'ATTACHED', align: 'right' },
] as const

/** Formats a bundle that was created or verified: one line about it, its images, and totals. */
export function renderBundle(bundle: BundleSummary, verdict: string, page: Page): string {
  const { roots, deletes, carries, expects, size } = bundle
  const images = roots.filter(({ attached }) => attached === undefined)
  const name = bundle.file === '-' ? 'The bundle' : escapeText(bundle.file)
  const bytes = size === null ? '' : `, ${formatBytes(size)}`
  const kind = bundle.base === null ? 'full' : `follows bundle ${bundle.base.sequence}`
  const table = images.map((image) => rowOf(image, roots))
  return [
    `${name} ${page.style.green(verdict)}: bundle ${bundle.sequence} (${kind})${bytes}.`,
    `${page.style.dim('Id:')} ${bundle.id}`,
    renderTable(columns, table, page),
    `It carries ${formatCount(carries.count, 'manifest and blob', 'manifests and blobs')}, ${formatBytes(carries.bytes)}${expectsText(expects)}.`,
    ...deletes.map(({ repository, tag }) => `It deletes ${escapeText(`${repository}:${tag}`)}.`),
    signatureText(bundle),
  ].join('\n')
}

function rowOf({ repository, tags, root }: BundleRoot, roots: readonly BundleRoot[]): readonly Cell[] {
  const attached = roots.filter((one) => one.attached !== undefined && one.attached.subject === root.digest)
  return [
    escapeText(repository),
    tags.length === 0 ? '-' : escapeText(formatFirst(tags, tagsShown)),
    shortenDigest(root.digest),
    attached.filter((one) => one.repository === repository).length.toString(),
  ]
}

function expectsText({ count, bytes }: BundleSummary['expects']): string {
  return count === 0 ? '' : `, and expects ${count} that its base brought, ${formatBytes(bytes)}`
}

function signatureText({ signature, signedBy }: BundleSummary): string {
  if (signature === 'none') return 'It is not signed.'
  if (signature === 'signed') return 'It is signed.'
  return `Its signature is valid: ${escapeText(signedBy ?? '')}.`
}
