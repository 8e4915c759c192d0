import type { StatusCell, StatusView, StepState } from '../../usecases/views/status/status.ts'
import type { Digest } from '../../oci/digest.ts'
import { escapeText } from '../text/escape.ts'
import { formatAge, formatCount, shortenHex } from '../text/format.ts'
import { renderMatrix } from '../text/matrix.ts'
import type { Page, Style } from '../text/style.ts'
import { type Cell, type Column, renderTable } from '../text/table.ts'
import { formatTargetName } from '../target.ts'

/**
 * Renders a line for each image and a group of columns for each target if the terminal is wide
 * enough; else a line for each image and target. A pipe has whole digests.
 */
export function renderStatus(view: StatusView, now: Date, page: Page): string {
  const { style, width } = page
  const matrix = width === undefined ? undefined : renderWide(view, now, { style, width })
  return matrix ?? renderLines(view, now, page)
}

function renderWide(
  { images }: StatusView,
  now: Date,
  page: { readonly style: Style; readonly width: number },
): string | undefined {
  const targets = images[0]?.cells ?? []
  const groups = targets.map((target, i) => ({
    title: targetName(target, targets),
    rows: images.map(({ cells }) => {
      const cell = cells[i]
      return cell === undefined ? [] : [...factsOf(cell, now, shortenHex, ''), stepOf(cell, '=', '')]
    }),
  }))
  const names = images.map(({ image }) => escapeText(image))
  return renderMatrix('IMAGE', names, groups, page)
}

const columns: readonly Column[] = [
  { title: 'IMAGE', flexible: true, keep: Infinity },
  { title: 'ENVIRONMENT', flexible: true },
  { title: 'VERSION', flexible: true },
  { title: 'DIGEST' },
  { title: 'AGE' },
  { title: 'STATE', flexible: true },
]

function renderLines({ images }: StatusView, now: Date, page: Page): string {
  const isPipe = page.width === undefined
  const digest = isPipe ? (whole: Digest): string => whole : shortenHex
  const level = isPipe ? 'level' : '='
  const rows = images.flatMap(({ image, cells }) =>
    cells.map((cell, i): readonly Cell[] => [
      // A terminal shows a name once for all of its lines; a pipe repeats it.
      isPipe || i === 0 ? escapeText(image) : '',
      targetName(cell, cells),
      ...factsOf(cell, now, digest, '-'),
      stepOf(cell, level, '-'),
    ]),
  )
  return renderTable(columns, rows, page)
}

function targetName(cell: StatusCell, all: readonly StatusCell[]): string {
  const targets = all.filter(({ environment }) => environment === cell.environment)
  const repositories = targets.map(({ repository }) => repository)
  return formatTargetName(cell.environment, targets.indexOf(cell), repositories)
}

/** Version, digest and age. */
function factsOf(
  cell: StatusCell,
  now: Date,
  digest: (whole: Digest) => string,
  none: string,
): readonly Cell[] {
  switch (cell.state) {
    case 'unreachable':
      return [{ text: 'unreachable', tone: 'red' }, none, none]
    case 'absent':
      return [{ text: 'absent', tone: 'dim' }, none, none]
    case 'unmarked': {
      const highest = cell.highest === null ? '' : ` (${cell.highest})`
      return [{ text: escapeText(`no ${cell.marker}${highest}`), tone: 'yellow' }, none, none]
    }
    case 'present':
      return [
        cell.version === null ? { text: 'unknown', tone: 'yellow' } : escapeText(cell.version),
        cell.digest === null ? none : { text: digest(cell.digest), tone: 'dim' },
        cell.created === null ? none : formatAge(now.getTime() - Date.parse(cell.created)),
      ]
  }
}

const tones: Readonly<Record<StepState, keyof Style>> = {
  level: 'dim',
  behind: 'yellow',
  differs: 'red',
  unknown: 'dim',
}

/** Formats the comparison with the environments before; if there are several, with their names. */
function stepOf({ against, state: own }: StatusCell, level: string, none: string): Cell {
  const unlike = Map.groupBy(
    against.filter(({ state }) => state !== 'level'),
    ({ state }) => state,
  )
  const [first] = unlike.keys()
  if (first === undefined) {
    // If neither side has the image, there is nothing to compare.
    return against.length === 0 || own !== 'present' ? none : { text: level, tone: tones.level }
  }
  // A target that was not reached is unknown to all environments, so no names are needed.
  const isOne = against.length === 1 || own === 'unreachable'
  const states = [...unlike].map(([state, those]) =>
    isOne ? state : `${state} ${those.map(({ from }) => from).join(', ')}`,
  )
  return { text: escapeText(states.join(', ')), tone: tones[first] }
}

/** Summarises the status in one line for a person. */
export function renderStatusSummary({ environments, images, summary }: StatusView, style: Style): string {
  const { behind, differs, unknown, level } = summary
  const absent = images.filter(({ cells }) => cells.every(({ state }) => state === 'absent')).length
  const steps = [
    ...(behind > 0 ? [style.yellow(`${behind} behind`)] : []),
    ...(differs > 0 ? [style.red(formatCount(differs, 'differs', 'differ'))] : []),
  ]
  const isLevel = level > 0 && behind + differs + unknown === 0 && absent < images.length
  const what = [
    ...(isLevel ? ['all level'] : steps),
    ...countUnreachable(images, summary).map(style.red),
    ...(absent > 0 ? [`${formatCount(absent, 'image')} nowhere`] : []),
  ]
  const summaryText = what.length === 0 ? 'nothing to compare' : what.join(', ')
  return `${formatCount(images.length, 'image')}, ${formatCount(environments.length, 'environment')}: ${summaryText}`
}

/** Counts unreachable targets, and the images if some could be read. */
function countUnreachable(images: StatusView['images'], summary: StatusView['summary']): readonly string[] {
  const { unreachableTargets, unreachableCells } = summary
  if (unreachableTargets === 0) return []
  const text = `${formatCount(unreachableTargets, 'target')} unreachable`
  if (unreachableCells === unreachableTargets * images.length) return [text]
  const missed = images.filter(({ cells }) => cells.some(({ state }) => state === 'unreachable'))
  return [`${text} for ${formatCount(missed.length, 'image')}`]
}
