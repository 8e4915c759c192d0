import { formatCount } from '../../text/format.ts'
import { markup, type Markup } from '../markup.ts'
import type { MarkShape } from '../parts/icons.ts'
import { type ChartText, type LegendItem, percent, renderChart, shortLabel } from './chart.ts'
import { positionIn, renderTimeAxis, type TimeSpan } from './time-axis.ts'

export interface LaneMark {
  readonly shape: MarkShape
  /** milliseconds since 1970 */
  readonly time: number
  /** for the tooltip of a mark that stands alone */
  readonly text: string
}

export interface Lane {
  readonly label: string
  /** the number of changes in words */
  readonly text: string
  readonly marks: readonly LaneMark[]
}

const laneHeight = 40
const lineAt = 28
/** Marks that are nearer to each other are one mark: a lane has at most this many of each shape. */
const maxMarks = 150

const shapeNames: Readonly<Record<MarkShape, string>> = {
  promote: 'promotion',
  rollback: 'rollback',
  other: 'tag, copy or sync',
  refused: 'refused',
  problem: 'failed or conflict',
  open: 'no outcome',
}
/** Later ones are drawn over earlier ones. */
const shapes = Object.keys(shapeNames) as readonly MarkShape[]

/** Renders one line of time for each lane, with a mark for each change. */
export function renderLaneChart(text: ChartText, lanes: readonly Lane[], span: TimeSpan): Markup {
  const bottom = lanes.length * laneHeight + 2
  const used = new Set(lanes.flatMap(({ marks }) => marks.map(({ shape }) => shape)))
  const legend = shapes
    .filter((shape) => used.has(shape))
    .map((shape): LegendItem => ({
      swatch: markup`<svg aria-hidden="true" viewBox="-7 -7 14 14">
        <use class="m ${shape}" href="#m-${shape}" />
      </svg>`,
      text: shapeNames[shape],
    }))
  const body = markup`${renderTimeAxis(span, 2, bottom)}${lanes.map((lane, i) => renderLane(lane, i * laneHeight, span))}`
  return renderChart(text, bottom + 18, body, legend)
}

function renderLane({ label, text, marks }: Lane, top: number, span: TimeSpan): Markup {
  const y = top + lineAt
  const groups = Map.groupBy(marks, ({ shape, time }) => {
    return JSON.stringify([shape, Math.round(positionIn(span, time) * maxMarks)])
  })
  const drawn = [...groups.values()]
    .toSorted((a, b) => rankOf(a) - rankOf(b))
    .map((those) => renderMarks(those, y, span))
  return markup`<text y="${top + 13}">${shortLabel(label)}</text
    ><text class="a" x="100%" y="${top + 13}" text-anchor="end">${text}</text
    ><line class="base" x1="0" x2="100%" y1="${y}" y2="${y}" />${drawn} `
}

function rankOf([first]: readonly LaneMark[]): number {
  return first === undefined ? 0 : shapes.indexOf(first.shape)
}

function renderMarks(those: readonly LaneMark[], y: number, span: TimeSpan): Markup {
  const [first] = those
  if (first === undefined) return markup``
  const { shape, time, text } = first
  const title = those.length === 1 ? text : formatCount(those.length, 'change')
  const at = percent(0.006 + positionIn(span, time) * 0.988)
  return markup`<use class="m ${shape}" href="#m-${shape}" x="${at}" y="${y}"><title>${title}</title></use>`
}
