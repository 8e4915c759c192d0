import { markup, type Markup } from '../markup.ts'
import { barSwatch, type ChartText, percent, renderChart, shortLabel } from './chart.ts'

/** A part of a bar. */
interface BarSegment {
  readonly series: number
  readonly value: number
}

export interface Bar {
  readonly label: string
  /** the value of the whole bar in words */
  readonly text: string
  /** each track is one bar below the label; its segments follow one another */
  readonly tracks: readonly (readonly BarSegment[])[]
}

export interface BarSeries {
  readonly name: string
  /** the class of its bars: `s1` to `s6`, or `free` for an outline */
  readonly className: string
}

const labelHeight = 15
const trackHeight = 8
const gap = 6

/** Renders horizontal stacked bars on one scale from 0 to the largest sum. */
export function renderBarChart(text: ChartText, bars: readonly Bar[], series: readonly BarSeries[]): Markup {
  const sums = bars.flatMap(({ tracks }) => tracks.map((track) => sumOf(track)))
  const most = Math.max(0, ...sums)
  let y = 0
  const parts = bars.map((bar) => {
    const top = y
    y += labelHeight + bar.tracks.length * trackHeight + gap
    return renderBar(bar, top, most, series)
  })
  const legend =
    series.length < 2
      ? []
      : series.map(({ name, className }) => ({ swatch: barSwatch(className), text: name }))
  return renderChart(text, y, parts, legend)
}

function renderBar(
  { label, text, tracks }: Bar,
  top: number,
  most: number,
  series: readonly BarSeries[],
): Markup {
  const segments = tracks.map((track, i) => {
    const y = top + labelHeight + i * trackHeight
    let before = 0
    const rects = track.map(({ series: at, value }) => {
      const x = most === 0 ? 0 : before / most
      before += value
      const width = most === 0 ? 0 : value / most
      return (
        value > 0 &&
        markup`<rect
          class="${series[at]?.className}"
          x="${percent(x)}"
          y="${y}"
          width="${percent(width)}"
          height="${trackHeight - 1}"
        />`
      )
    })
    return markup`<rect class="track" y="${y}" width="100%" height="${trackHeight - 1}" />${rects}`
  })
  return markup`<text y="${top + 11}">${shortLabel(label)}</text
    ><text class="v" x="100%" y="${top + 11}" text-anchor="end">${text}</text>${segments} `
}

function sumOf(track: readonly BarSegment[]): number {
  return track.reduce((sum, { value }) => sum + value, 0)
}
