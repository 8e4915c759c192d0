import { markup, type Markup } from '../markup.ts'
import { barSwatch, type ChartText, percent, renderChart } from './chart.ts'
import { positionIn, renderTimeAxis } from './time-axis.ts'

interface AreaPoint {
  /** milliseconds since 1970 */
  readonly time: number
  /** of each series, from the bottom to the top */
  readonly values: readonly number[]
}

export interface AreaChart {
  readonly series: readonly { readonly name: string; readonly className: string }[]
  /** in the order of time, at least two */
  readonly points: readonly AreaPoint[]
  readonly formatValue: (value: number) => string
}

const top = 16
const height = 180
/** The units of the inner drawing, which is stretched to the width of the page. */
const [unitsWide, unitsHigh] = [1000, 100]

/** Renders stacked areas over time, from 0 to the largest sum. */
export function renderAreaChart(text: ChartText, { series, points, formatValue }: AreaChart): Markup {
  const [first, last] = [points[0], points.at(-1)]
  if (first === undefined || last === undefined) return markup``
  const span = { from: first.time, to: last.time }
  const most = Math.max(1, ...points.map(({ values }) => values.reduce((sum, one) => sum + one, 0)))
  const lowers = points.map(() => 0)
  const areas = series.map(({ className }, at) => {
    const below = points.map(({ time }, i) => [positionIn(span, time), lowers[i] ?? 0] as const)
    for (const [i, { values }] of points.entries()) lowers[i] = (lowers[i] ?? 0) + (values[at] ?? 0)
    const above = points.map(({ time }, i) => [positionIn(span, time), lowers[i] ?? 0] as const)
    const corners = [...above, ...below.toReversed()].map(([x, value]) => {
      return `${round(x * unitsWide)},${round(unitsHigh - (value / most) * unitsHigh)}`
    })
    return markup`<polygon class="${className}" points="${corners.join(' ')}" />`
  })
  const bottom = top + height
  const body = markup`${renderTimeAxis(span, top, bottom)}<svg
      y="${top}"
      width="100%"
      height="${height}"
      viewBox="0 0 ${unitsWide} ${unitsHigh}"
      preserveAspectRatio="none"
    >
      ${areas}
    </svg>
    <line class="base" x1="0" x2="100%" y1="${bottom}" y2="${bottom}" /><text class="a" y="11"
      >${formatValue(most)}</text
    ><line class="g" x1="0" x2="${percent(1)}" y1="${top}" y2="${top}" />`
  const legend = series.map(({ name, className }) => ({ swatch: barSwatch(className), text: name }))
  return renderChart(text, bottom + 18, body, legend)
}

function round(value: number): number {
  return Number(value.toFixed(1))
}
