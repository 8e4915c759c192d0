import { markup, type Markup } from '../markup.ts'
import { percent } from './chart.ts'

const dayMs = 86_400_000
/** Steps between ticks, in days. */
const steps = [1, 2, 5, 7, 14, 21, 30, 60, 90, 180, 365, 730, 1825, 3650] as const
const maxTicks = 5
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const

/** Milliseconds since 1970. */
export interface TimeSpan {
  readonly from: number
  readonly to: number
}

/** The position of a time, from 0 to 1. */
export function positionIn({ from, to }: TimeSpan, time: number): number {
  return to <= from ? 1 : (time - from) / (to - from)
}

/** Renders at most six days with lines from `top` to `bottom`. */
export function renderTimeAxis(span: TimeSpan, top: number, bottom: number): Markup {
  const days = (span.to - span.from) / dayMs
  const step = steps.find((one) => days / one <= maxTicks) ?? Math.ceil(days / maxTicks)
  const last = Math.floor(span.to / dayMs) * dayMs
  const ticks: number[] = []
  for (let at = last; at >= span.from && ticks.length <= maxTicks; at -= step * dayMs) ticks.push(at)
  return markup`${ticks.map((at) => {
    const x = positionIn(span, at)
    const anchor = x > 0.94 ? 'end' : x < 0.06 ? 'start' : 'middle'
    return markup`<line class="g" x1="${percent(x)}" x2="${percent(x)}" y1="${top}" y2="${bottom}" /><text
        class="a"
        x="${percent(x)}"
        y="${bottom + 14}"
        text-anchor="${anchor}"
        >${formatTick(at, step)}</text
      >`
  })} `
}

function formatTick(time: number, step: number): string {
  const date = new Date(time)
  const day = `${date.getUTCDate()} ${months[date.getUTCMonth()] ?? ''}`
  return step < 180 ? day : `${day} ${date.getUTCFullYear()}`
}
