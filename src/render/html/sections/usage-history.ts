import type { UsageReport } from '../../../usecases/usage/usage-report.ts'
import { formatBytes } from '../../text/format.ts'
import { renderAreaChart } from '../charts/area-chart.ts'
import { renderView } from '../charts/chart.ts'
import { type Content, markup } from '../markup.ts'
import { renderDataTable } from '../parts/data-table.ts'
import { renderNote } from '../parts/texts.ts'

/** Series with an area of their own: one colour each. The others are one area. */
const maxSeries = 5
/** Days in the table: the chart has all of them. */
const maxDays = 31

/** Renders the recorded bytes over time. One recorded day is no chart. */
export function renderGrowthOverTime({ history }: UsageReport): Content {
  const { series, points } = history
  if (points.length < 2) {
    const text = markup`<p>
      dray records the stored bytes of a day when it runs ${markup`<code>dray usage</code>`} or
      ${markup`<code>dray report</code>`}. The chart begins with the second day.
    </p>`
    return renderNote('none', 'No growth over time yet', text)
  }
  const merged = mergeSeries(history)
  const rows = points.map(({ day }, i) => {
    const values = merged.values[i] ?? []
    const total = values.reduce<number>((sum, one) => sum + (one ?? 0), 0)
    return [day, ...values.map((one) => (one === null ? 'no record' : formatBytes(one))), formatBytes(total)]
  })
  const table = renderDataTable({
    caption: 'Stored bytes by day, the newest first',
    columns: [
      { title: 'Day' },
      ...merged.names.map((title) => ({ title, isNumber: true })),
      { title: 'Sum', isNumber: true },
    ],
    rows: rows.toReversed().slice(0, maxDays),
    ...(rows.length > maxDays && {
      others: [`${rows.length - maxDays} earlier days`, ...merged.names.map(() => ''), ''],
    }),
  })
  const text = {
    id: 'usage-history',
    title: 'Stored bytes over time',
    description: `Stacked areas from ${points[0]?.day} to ${points.at(-1)?.day}: ${merged.names.join(', ')}. The table before has the numbers.`,
  }
  const chart = renderAreaChart(text, {
    series: merged.names.map((name, i) => ({ name, className: `s${i + 1}` })),
    points: points.map(({ day }, i) => ({
      time: Date.parse(day),
      values: (merged.values[i] ?? []).map((one) => one ?? 0),
    })),
    formatValue: formatBytes,
  })
  const details = markup`<details>
    <summary>Stored bytes by day</summary>
    ${table}
  </details>`
  return markup`<h3>Growth</h3>
    ${renderView(series.length === 0 ? '' : details, chart)}`
}

/** The first series, and the sum of the others. */
function mergeSeries({ series, points }: UsageReport['history']): {
  readonly names: readonly string[]
  readonly values: readonly (readonly (number | null)[])[]
} {
  if (series.length <= maxSeries + 1) return { names: series, values: points.map(({ bytes }) => bytes) }
  const values = points.map(({ bytes }) => {
    const rest = bytes.slice(maxSeries).flatMap((one) => one ?? [])
    const sum = rest.length === 0 ? null : rest.reduce((total, one) => total + one, 0)
    return [...bytes.slice(0, maxSeries), sum]
  })
  return { names: [...series.slice(0, maxSeries), 'others'], values }
}
