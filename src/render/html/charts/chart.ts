import { type Content, markup, type Markup } from '../markup.ts'

export interface ChartText {
  /** unique on the page */
  readonly id: string
  readonly title: string
  /** the content in words, with the scale */
  readonly description: string
}

export interface LegendItem {
  readonly swatch: Markup
  readonly text: string
}

/**
 * Renders a chart that is as wide as the page: horizontal positions are percentages, and text keeps
 * its size. A table with the same numbers comes before it.
 */
export function renderChart(
  { id, title, description }: ChartText,
  height: number,
  body: Content,
  legend: readonly LegendItem[] = [],
): Markup {
  const items = legend.map(({ swatch, text }) => markup`<li>${swatch}${text}</li>`)
  return markup`<figure>
    <figcaption aria-hidden="true">${title}</figcaption>
    ${
      items.length > 0 &&
      markup`<ul class="legend" aria-hidden="true">
        ${items}
      </ul>`
    }
    <svg class="chart" role="img" aria-labelledby="${id}-t ${id}-d" height="${height}">
      <title id="${id}-t">${title}</title>
      <desc id="${id}-d">${description}</desc>
      ${body}
    </svg>
  </figure>`
}

/** The table, then the chart: a style shows the chart first. */
export function renderView(table: Content, chart: Content): Markup {
  return markup`<div class="view">${table}${chart}</div>`
}

/** `12.5%` of a share from 0 to 1. */
export function percent(share: number): string {
  return `${Number((Math.min(1, Math.max(0, share)) * 100).toFixed(2))}%`
}

/** The swatch of a bar in a legend. */
export function barSwatch(className: string): Markup {
  return markup`<svg aria-hidden="true">
    <rect class="${className}" x="10%" y="10%" width="80%" height="80%" />
  </svg>`
}

/** The largest number of characters of a label in a chart; the table has the whole name. */
const maxLabel = 40

/** Replaces the middle of a long label by `…`. */
export function shortLabel(label: string): string {
  const characters = Array.from(label)
  if (characters.length <= maxLabel) return label
  const half = Math.floor((maxLabel - 1) / 2)
  return `${characters.slice(0, half).join('')}…${characters.slice(-half).join('')}`
}
