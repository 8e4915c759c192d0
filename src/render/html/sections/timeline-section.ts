import type {
  LaneOperation,
  Timeline,
  TimelineEvent,
  TimelineResult,
} from '../../../usecases/report/timeline/timeline.ts'
import { formatCount } from '../../text/format.ts'
import { type Content, markup, type Markup } from '../markup.ts'
import { renderView } from '../charts/chart.ts'
import { type Lane, type LaneMark, renderLaneChart } from '../charts/lane-chart.ts'
import { renderDataTable } from '../parts/data-table.ts'
import type { MarkShape, ReportTone } from '../parts/icons.ts'
import { toneWords } from '../parts/icons.ts'
import { minuteOf, renderSource } from '../parts/texts.ts'
import { actorOf, renderActor, renderEventDetails, renderJustification } from './timeline-event.ts'
import { renderLogFacts, renderLogNotes } from './timeline-log.ts'
import type { RenderedSection, RowLimits } from './section.ts'

const resultWords: Readonly<Record<TimelineResult, readonly [ReportTone, string]>> = {
  done: ['good', 'done'],
  unchanged: ['none', 'up to date'],
  refused: ['notice', 'refused'],
  conflict: ['notice', 'conflict'],
  failed: ['bad', 'failed'],
  open: ['notice', 'no outcome'],
}

/** The longest text that is never broken. */
const maxLine = 24

/** Renders the changes of images over time, and the state of the log that they are from. */
export function renderTimelineSection(timeline: Timeline, limits: RowLimits): RenderedSection {
  const { since, events, log } = timeline
  const [failed, refused] = [countResults(events, 'failed'), countResults(events, 'refused')]
  const isDamaged = log.problem !== undefined
  const day = since.slice(0, 10)
  return {
    tone: isDamaged || failed > 0 ? 'bad' : refused > 0 ? 'notice' : events.length > 0 ? 'good' : 'none',
    headline: isDamaged ? 'The audit log is damaged' : headlineOf(events),
    detail: detailOf(events, day),
    body: markup`<p class="lead">Promotions, rollbacks and tags since ${day}, as the audit log has them.</p>
      ${renderLogNotes(timeline)} ${renderEvents(timeline, limits)}
      ${renderOthers(timeline)}${renderLogFacts(timeline)}
      ${renderSource(`dray audit log --since ${day} --all`, ['the lines of each change are in its details'])}`,
  }
}

/** Promotions and rollbacks, and everything that went wrong. */
function headlineOf(events: readonly TimelineEvent[]): string {
  const texts = [
    ...countDone(events, 'promote', 'promotion', 'promotions'),
    ...countDone(events, 'rollback', 'rollback', 'rollbacks'),
    ...(['refused', 'failed', 'conflict', 'open'] as const).flatMap((result) => {
      const some = countResults(events, result)
      return some === 0 ? [] : [`${some} ${resultWords[result][1]}`]
    }),
  ]
  if (texts.length > 0) return texts.join(', ')
  return events.length === 0 ? 'No changes' : 'No promotions'
}

function detailOf(events: readonly TimelineEvent[], day: string): string {
  const actors = new Set(events.map(actorOf)).size
  return [
    `Since ${day}`,
    ...(actors > 0 ? [`by ${formatCount(actors, 'actor')}`] : []),
    ...countDone(events, 'tag', 'version tagged', 'versions tagged'),
    ...countDone(events, 'copy', 'copy', 'copies'),
  ].join(', ')
}

function countDone(
  events: readonly TimelineEvent[],
  operation: LaneOperation,
  noun: string,
  plural: string,
): readonly string[] {
  const done = events.filter((one) => one.operation === operation && one.result === 'done').length
  return done === 0 ? [] : [formatCount(done, noun, plural)]
}

function countResults(events: readonly TimelineEvent[], result: TimelineResult): number {
  return events.filter((one) => one.result === result).length
}

function renderEvents({ events, lanes, since, until }: Timeline, limits: RowLimits): Content {
  if (events.length === 0) return ''
  const hidden = events.length - limits.rows
  const table = renderDataTable({
    caption: 'Changes, the newest first',
    columns: [
      { title: 'Time (UTC)' },
      { title: 'Change' },
      { title: 'To' },
      { title: 'Result' },
      { title: 'Actor' },
      { title: 'Reason and ticket' },
    ],
    rows: events.slice(0, limits.rows).map(rowOf),
    ...(hidden > 0 && {
      others: [`${hidden} earlier changes`, 'The chart has all of them.', '', '', '', ''],
    }),
  })
  const drawn = lanesOf(events, lanes, limits.bars)
  const span = { from: Date.parse(since), to: Date.parse(until) }
  const counts = drawn.map(({ label, text }) => `${label}: ${text}`).join('; ')
  const text = {
    id: 'timeline-chart',
    title: 'Changes over time',
    description: `One line for each environment from ${since.slice(0, 10)} to ${until.slice(0, 10)} with a mark for each change. ${counts}.`,
  }
  return renderView(table, renderLaneChart(text, drawn, span))
}

function rowOf(event: TimelineEvent): readonly Content[] {
  const [tone, words] = resultWords[event.result]
  return [
    minuteOf(event.time),
    markup`<div class="wrap wide"><b>${event.image ?? 'unknown image'}</b>${renderEventDetails(event)}</div>`,
    renderEnds(event),
    markup`<div>
      ${toneWords(tone, words)}${event.overriddenGates.length > 0 && markup`<small>gate overridden: ${event.overriddenGates.join(', ')}</small>`}
    </div>`,
    markup`<div class="wrap">${renderActor(event)}</div>`,
    markup`<div class="wrap">${renderJustification(event)}</div>`,
  ]
}

/** Names of usual length stay on one line. */
function renderEnds({ from, lane }: TimelineEvent): Markup {
  const text = from === undefined || from === lane ? lane : `${from} → ${lane}`
  return markup`<div class="${text.length > maxLine ? 'wrap' : 'nw'}">${text}</div>`
}

/** Lanes beyond the limit are one lane. */
function lanesOf(events: readonly TimelineEvent[], names: readonly string[], most: number): readonly Lane[] {
  const byLane = Map.groupBy(events, ({ lane }) => lane)
  const shown = names.length > most ? names.slice(0, most - 1) : names
  const rest = names.slice(shown.length)
  const lanes = shown.map((name) => laneOf(name, byLane.get(name) ?? []))
  if (rest.length === 0) return lanes
  return [
    ...lanes,
    laneOf(
      `${rest.length} others`,
      rest.flatMap((name) => byLane.get(name) ?? []),
    ),
  ]
}

function laneOf(label: string, events: readonly TimelineEvent[]): Lane {
  const text = events.length === 0 ? 'no changes' : formatCount(events.length, 'change')
  return { label, text, marks: events.map(markOf) }
}

function markOf(event: TimelineEvent): LaneMark {
  const { operation, result, time, image = 'unknown image' } = event
  const words = resultWords[result][1]
  return {
    shape: shapeOf(operation, result),
    time: Date.parse(time),
    text: `${time.slice(0, 16).replace('T', ' ')}: ${operation} ${image}, ${words}, ${actorOf(event)}`,
  }
}

function shapeOf(operation: LaneOperation, result: TimelineResult): MarkShape {
  if (result === 'refused' || result === 'open') return result
  if (result === 'failed' || result === 'conflict') return 'problem'
  return operation === 'promote' || operation === 'rollback' ? operation : 'other'
}

/** The operations without a lane. */
function renderOthers({ others }: Timeline): Content {
  if (others.length === 0) return ''
  const texts = others.map(
    ({ operation, runs, records }) =>
      `${operation} (${formatCount(runs, 'run')}, ${formatCount(records, 'record')})`,
  )
  return markup`<p class="small muted">
    The log also has other operations in this period: ${texts.join(', ')}.
  </p>`
}
