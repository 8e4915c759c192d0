import type { PullBucket, UsageReport } from '../../../usecases/usage/usage-report.ts'
import { formatBytes, formatCount } from '../../text/format.ts'
import { renderBarChart } from '../charts/bar-chart.ts'
import { renderView } from '../charts/chart.ts'
import { type Content, markup } from '../markup.ts'
import { renderDataTable } from '../parts/data-table.ts'
import { renderNote } from '../parts/texts.ts'

/** Renders the bytes by the age of the last pull. */
export function renderPulls({ pulls }: UsageReport): Content {
  if (pulls === undefined) {
    const text = markup`<p>
      No registry of this report has pull times. Registries with an inventory, such as Harbor, Amazon ECR and
      Docker Hub, have them.
    </p>`
    return renderNote('none', 'The last pulls are unknown', text)
  }
  const { buckets, unknown, sources } = pulls
  const rows = [
    ...buckets.map((bucket) => ({ name: nameOf(bucket), ...bucket })),
    ...(unknown.images > 0 ? [{ name: 'unknown', ...unknown }] : []),
  ]
  const table = renderDataTable({
    caption: `Last pulls by age, from ${sources.join(', ')}`,
    columns: [
      { title: 'Last pull' },
      { title: 'Images', isNumber: true },
      { title: 'Bytes', isNumber: true },
    ],
    rows: rows.map(({ name, images, bytes }) => [name, images, formatBytes(bytes)]),
  })
  const bars = rows.map(({ name, images, bytes }) => ({
    label: name,
    text: `${formatBytes(bytes)}, ${formatCount(images, 'image')}`,
    tracks: [[{ series: 0, value: bytes }]],
  }))
  const text = {
    id: 'usage-pulls',
    title: 'Bytes by days since the last pull',
    description: 'One bar for each age of the last pull. The table before has the numbers.',
  }
  const chart = renderBarChart(text, bars, [{ name: 'bytes', className: 's2' }])
  return markup`<h3>Last pulls</h3>
    ${renderView(table, chart)}`
}

function nameOf({ fromDays, toDays }: PullBucket): string {
  return toDays === undefined ? `${fromDays} days ago or more` : `${fromDays} to ${toDays} days ago`
}
