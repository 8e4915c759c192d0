import type { SyncComparison, SyncState, UnknownReason } from '../../usecases/views/status/compare-sides.ts'
import type { StatusCell, StatusView } from '../../usecases/views/status/status.ts'
import type { Digest } from '../../oci/digest.ts'
import { type CountText, joinCounts } from '../text/counts.ts'
import { escapeText } from '../text/escape.ts'
import { formatAge, formatCount, shortenHex } from '../text/format.ts'
import { renderMatrix } from '../text/matrix.ts'
import type { Page, Style } from '../text/style.ts'
import { type Cell, type Column, renderTable } from '../text/table.ts'
import { breakLines } from '../text/section.ts'
import { formatTargetName } from '../target.ts'

/** Renders the table, what all comparisons share, and the reasons of unknown states. */
export function renderStatus(view: StatusView, now: Date, page: Page): string {
  const { style, width } = page
  const bases = new Set(view.images.flatMap(({ cells }) => cells.flatMap((cell) => listBases(cell, cells))))
  // On a terminal, one line has the basis that all comparisons share.
  const isShared = width !== undefined && bases.size < 2
  const table = renderTableOf(view, now, page, !isShared)
  const notes = listReasons(view).flatMap((text) => breakLines(text, width))
  return [
    table,
    ...(isShared ? [...bases].map((basis) => style.dim(`Compared by: ${escapeText(basis)}`)) : []),
    ...notes.map((line) => style.dim(line)),
  ].join('\n')
}

/**
 * Renders a line for each image and a group of columns for each target if the terminal is wide
 * enough; else a line for each image and target. A pipe has whole digests.
 */
function renderTableOf(view: StatusView, now: Date, page: Page, withBasis: boolean): string {
  const { style, width } = page
  const matrix = width === undefined ? undefined : renderWide(view, now, { style, width }, withBasis)
  return matrix ?? renderStatusLines(view, now, page, { withBasis })
}

function renderWide(
  { images }: StatusView,
  now: Date,
  page: { readonly style: Style; readonly width: number },
  withBasis: boolean,
): string | undefined {
  const targets = images[0]?.cells ?? []
  const groups = targets.map((target, i) => ({
    title: targetName(target, targets),
    rows: images.map(({ cells }) => {
      const cell = cells[i]
      if (cell === undefined) return []
      const basis = withBasis ? [basisOf(cell, cells, '')] : []
      return [...factsOf(cell, now, shortenHex, ''), stepOf(cell, ''), ...basis]
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
const basisColumn: Column = { title: 'COMPARED BY', flexible: true }

/** Renders a line for each image and target. With `time`, a first column has it. */
export function renderStatusLines(
  { images }: StatusView,
  now: Date,
  page: Page,
  { withBasis = true, time }: { readonly withBasis?: boolean; readonly time?: string } = {},
): string {
  const isPipe = page.width === undefined
  const digest = isPipe ? (whole: Digest): string => whole : shortenHex
  const rows = images.flatMap(({ image, cells }) =>
    cells.map((cell, i): readonly Cell[] => [
      ...(time === undefined ? [] : [time]),
      // A terminal shows a name once for all of its lines; a pipe repeats it.
      isPipe || i === 0 ? escapeText(image) : '',
      targetName(cell, cells),
      ...factsOf(cell, now, digest, '-'),
      stepOf(cell, '-'),
      ...(withBasis ? [basisOf(cell, cells, '-')] : []),
    ]),
  )
  const first = time === undefined ? [] : [{ title: 'TIME (UTC)' }]
  const all = [...first, ...columns, ...(withBasis ? [basisColumn] : [])]
  return isPipe ? renderTable(all, rows, page) : renderWithoutAge(all, rows, page)
}

/** Omits the ages if no image has one, so that a terminal has more space for the rest. */
function renderWithoutAge(all: readonly Column[], rows: readonly (readonly Cell[])[], page: Page): string {
  const age = all.findIndex(({ title }) => title === 'AGE')
  const hasAge = rows.some((row) => row[age] !== '-')
  const keep = <T>(cells: readonly T[]): readonly T[] => (hasAge ? cells : cells.filter((_, i) => i !== age))
  return renderTable(keep(all), rows.map(keep), page)
}

/** The name of a target among the cells of an image. Escaped. */
export function targetName(cell: StatusCell, all: readonly StatusCell[]): string {
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
  const shownDigest: Cell = cell.digest === null ? none : { text: digest(cell.digest), tone: 'dim' }
  switch (cell.state) {
    case 'unreachable':
      return [{ text: 'unreachable', tone: 'red' }, none, none]
    case 'not-deployed':
      return [{ text: 'not deployed', tone: 'dim' }, none, none]
    case 'no-current-tag': {
      const version = `${cell.highest ?? 'unknown'} (no ${cell.currentTag})`
      return [{ text: escapeText(version), tone: 'yellow' }, shownDigest, none]
    }
    case 'present':
      return [
        cell.version === null ? { text: 'unknown', tone: 'yellow' } : escapeText(cell.version),
        shownDigest,
        cell.created === null ? none : formatAge(now.getTime() - Date.parse(cell.created)),
      ]
  }
}

const tones: Readonly<Record<SyncState, keyof Style>> = {
  'in-sync': 'dim',
  behind: 'yellow',
  drifted: 'red',
  unknown: 'yellow',
}

/** Formats the comparison with the environments before; if there are several, with their names. */
function stepOf({ against, state: own }: StatusCell, none: string): Cell {
  if (against.length === 0) return none
  const unlike = Map.groupBy(
    against.filter(({ state }) => state !== 'in-sync'),
    ({ state }) => state,
  )
  const [first] = unlike.keys()
  if (first === undefined) return { text: formatState('in-sync'), tone: tones['in-sync'] }
  // A target that was not reached is unknown to all environments, so no names are needed.
  const isOne = against.length === 1 || own === 'unreachable'
  const states = [...unlike].map(([state, those]) =>
    isOne ? formatState(state) : `${formatState(state)} (${those.map(({ from }) => from).join(', ')})`,
  )
  return { text: escapeText(states.join(', ')), tone: tones[first] }
}

function formatState(state: SyncState): string {
  return state === 'in-sync' ? 'in sync' : state
}

/** Formats the basis of the comparison of a cell. */
function basisOf(cell: StatusCell, all: readonly StatusCell[], none: string): Cell {
  const bases = [...new Set(listBases(cell, all))]
  return bases.length === 0 ? none : { text: escapeText(bases.join(', ')), tone: 'dim' }
}

const basisNames: Readonly<Record<Exclude<NonNullable<SyncComparison['comparedBy']>, 'currentTag'>, string>> =
  {
    highestVersion: 'highest version',
    commonTags: 'common tags',
    sameDigest: 'same digest',
  }

/** The names of the comparisons of a cell. Not escaped. */
export function listBases(
  { against, currentTag }: StatusCell,
  all: readonly StatusCell[],
): readonly string[] {
  return against.flatMap(({ from, comparedBy }) => {
    if (comparedBy === null) return []
    if (comparedBy !== 'currentTag') return [basisNames[comparedBy]]
    const source = all.find(({ environment }) => environment === from)?.currentTag ?? currentTag
    return [source === currentTag ? currentTag : `${source} and ${currentTag}`]
  })
}

const reasons: Readonly<Record<Exclude<UnknownReason, 'unreachable'>, string>> = {
  notDeployed: 'The image is not deployed in either environment.',
  nothingInCommon:
    'The environments have no current-version tag, version or tag in common. Set "currentTag" in dray.yaml.',
  moreInSource: 'The common tags are equal, but the source has further tags. Set "currentTag" in dray.yaml.',
  otherVersions:
    'One environment has tags that may be higher versions, such as dates. Set "scheme", "ignoreVersions" or "currentTag" in dray.yaml.',
  tooManyTags: 'The environments have too many common tags to compare. Set "currentTag" in dray.yaml.',
}

/** Explains the unknown states, one line for each reason. */
export function listReasons({ images }: StatusView): readonly string[] {
  const all = images.flatMap(({ steps }) =>
    steps.flatMap(({ why }) => (why === undefined || why === 'unreachable' ? [] : [why])),
  )
  return [...Map.groupBy(all, (why) => why)].map(([why, those]) => `${those.length} unknown: ${reasons[why]}`)
}

/** Summarises the status for a person. */
export function renderStatusSummary(
  { environments, images, summary }: StatusView,
  style: Style,
  width?: number,
): string {
  const { inSync, behind, drifted, unknown } = summary
  const isEmpty = inSync + behind + drifted + unknown === 0
  const parts: readonly CountText[] = [
    ...(inSync > 0 ? [{ text: `${inSync} in sync`, tone: 'green' as const }] : []),
    ...(behind > 0 ? [{ text: `${behind} behind`, tone: 'yellow' as const }] : []),
    ...(drifted > 0 ? [{ text: `${drifted} drifted`, tone: 'red' as const }] : []),
    ...(unknown > 0 ? [{ text: `${unknown} unknown`, tone: 'yellow' as const }] : []),
    ...(isEmpty ? ['nothing compared'] : listUncompared(environments, images)).map((text) => ({ text })),
    ...countUnreachable(images, summary).map((text) => ({ text, tone: 'red' as const })),
    ...countAbsent(images).map((text) => ({ text })),
  ]
  const heading = `${formatCount(images.length, 'image')}, ${formatCount(environments.length, 'environment')}:`
  return joinCounts(heading, parts, { style, width })
}

/** Names the environments that no other one promotes from or to. */
function listUncompared(environments: readonly string[], images: StatusView['images']): readonly string[] {
  const steps = images[0]?.steps ?? []
  const alone = environments.filter((name) => steps.every(({ from, to }) => name !== from && name !== to))
  return alone.map((name) => `${escapeText(name)} not compared`)
}

function countAbsent(images: StatusView['images']): readonly string[] {
  const absent = images.filter(({ cells }) => cells.every(({ state }) => state === 'not-deployed')).length
  return absent === 0 ? [] : [`${absent} not deployed`]
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
