import type { LayerUsage } from '../../usecases/usage/usage-report.ts'
import { escapeText } from '../text/escape.ts'
import { formatBytes, formatDigestOn } from '../text/format.ts'
import type { Page } from '../text/style.ts'
import { type Cell, type Column, renderTable } from '../text/table.ts'
import { nothingCell } from './usage-cells.ts'

/** Renders one line for each layer, with the first image that has it. */
export function renderLayers(layers: readonly LayerUsage[], page: Page): string {
  const hasCopies = layers.some(({ copies }) => copies > 1)
  const columns: readonly Column[] = [
    { title: 'LAYER' },
    { title: 'SIZE', align: 'right' },
    ...(hasCopies ? [{ title: 'COPIES', align: 'right' as const }] : []),
    { title: 'REPOSITORIES', align: 'right' },
    { title: 'IMAGES', align: 'right' },
    { title: 'SHARED BY', flexible: true, keep: 24 },
  ]
  const rows = layers.map((layer): readonly Cell[] => [
    formatDigestOn(page, layer.digest),
    formatBytes(layer.size),
    ...(hasCopies ? [String(layer.copies)] : []),
    String(layer.repositories),
    String(layer.images),
    imagesCell(layer),
  ])
  return renderTable(columns, rows, page)
}

/** A layer without an image is part of untagged manifests only. */
function imagesCell({ sharedBy, images }: LayerUsage): Cell {
  const [first] = sharedBy
  if (first === undefined) return images === 0 ? { text: 'untagged', tone: 'yellow' } : nothingCell
  return `${escapeText(first)}${images > 1 ? ` (+${images - 1})` : ''}`
}
