import type { ManifestView } from '../../usecases/views/inspect/manifest-view.ts'
import { escapeText } from './escape.ts'
import { toDimCell, narrowPage, renderPairs, renderSection } from './section.ts'
import type { Page } from './style.ts'
import { type Cell, renderTable } from './table.ts'

/** The labels of all platforms, and those that differ, with their platforms. */
export function renderLabels(manifests: readonly ManifestView[], page: Page): readonly string[] {
  const images = manifests.flatMap(({ platform = 'no platform', image }) =>
    image === undefined ? [] : [{ platform, labels: image.labels }],
  )
  const names = [...new Set(images.flatMap(({ labels }) => Object.keys(labels)))]
  const values = names.map((name) => {
    const byValue = Map.groupBy(images, ({ labels }) =>
      Object.hasOwn(labels, name) ? labels[name] : undefined,
    )
    return { name, byValue }
  })
  const common = values.flatMap(({ name, byValue }) => {
    const [value] = byValue.keys()
    return byValue.size === 1 && value !== undefined ? [[name, value] as const] : []
  })
  const rows = values
    .filter(({ byValue }) => byValue.size > 1)
    .flatMap(({ name, byValue }) =>
      [...byValue].map(([value, those], i): Cell[] => [
        toDimCell(i === 0 ? escapeText(name) : ''),
        escapeText(those.map(({ platform }) => platform).join(', ')),
        value === undefined ? toDimCell('not set') : escapeText(value),
      ]),
    )
  const columns = [
    { title: '', flexible: true, keep: 24 },
    { title: '', flexible: true },
    { title: '', flexible: true },
  ]
  return [
    renderSection('Labels', renderPairs(common, narrowPage(page)), page),
    rows.length === 0
      ? ''
      : renderSection(
          'Labels that differ between platforms',
          renderTable(columns, rows, narrowPage(page)),
          page,
        ),
  ]
}
