import { formatRepository, type RepositoryName } from '../../oci/reference.ts'
import type { DriftState, RepositoryDrift, TagDrift } from '../../plan/sync/drift.ts'
import type { SyncPlan } from '../../plan/sync/sync-plan.ts'
import { escapeText } from '../text/escape.ts'
import { formatBytes, shortenDigest } from '../text/format.ts'
import { breakLines } from '../text/section.ts'
import type { Page, Style } from '../text/style.ts'
import { type Cell, type Column, renderTable } from '../text/table.ts'

/** Counts of one destination, in the order of the columns. */
interface DriftCounts {
  readonly selected: number
  readonly missing: number
  readonly moved: number
  readonly changed: number
  readonly extra: number
  readonly bytes: number
}

/** Returns what counts the differences of one destination and the bytes to copy there. Pure. */
export function driftCounter({ placements, steps }: SyncPlan): (one: RepositoryDrift) => DriftCounts {
  const copied = new Set(steps.flatMap(({ kind, placement }) => (kind === 'copy' ? [placement] : [])))
  // Shared blobs of several images count once for each image: it is at most so much.
  const bytes = new Map<string, number>()
  for (const { id, rule, to, size = 0 } of placements) {
    if (!copied.has(id)) continue
    const key = keyOf(rule, to.repository)
    bytes.set(key, (bytes.get(key) ?? 0) + size)
  }
  return (one) => {
    const count = (state: DriftState): number => one.tags.filter((tag) => tag.state === state).length
    return {
      selected: one.selected,
      missing: count('missing'),
      moved: count('moved'),
      changed: count('changed'),
      extra: count('extra'),
      bytes: bytes.get(keyOf(one.rule, one.to)) ?? 0,
    }
  }
}

function keyOf(rule: string | undefined, repository: RepositoryName): string {
  return JSON.stringify([rule, formatRepository(repository)])
}

const columns: readonly Column[] = [
  { title: 'REPOSITORY', flexible: true, keep: 24 },
  { title: 'SELECTED', align: 'right' },
  { title: 'MISSING', align: 'right' },
  { title: 'MOVED', align: 'right' },
  { title: 'CHANGED', align: 'right' },
  { title: 'EXTRA', align: 'right' },
  { title: 'TO COPY', align: 'right' },
]
/** The table is 64 columns wide without the names. A narrower page gets a list. */
const leastWidth = 72

/** Renders a row for each destination. On a narrow page, each has a line of its own for counts. */
export function renderDriftTable(drift: readonly RepositoryDrift[], plan: SyncPlan, page: Page): string {
  const names = repositoryNames(drift)
  const count = driftCounter(plan)
  if (page.width !== undefined && page.width < leastWidth)
    return drift.map((one, i) => narrowRow(names[i] ?? '', one, count(one), page)).join('\n')
  const rows = drift.map((one, i): readonly Cell[] => {
    const name = escapeText(names[i] ?? '')
    if (one.error !== undefined) return [name, { text: 'unread', tone: 'red' }]
    const { selected, missing, moved, changed, extra, bytes } = count(one)
    return [
      name,
      String(selected),
      toned(missing, 'green'),
      toned(moved, 'yellow'),
      toned(changed, 'red'),
      toned(extra, 'yellow'),
      formatBytes(bytes),
    ]
  })
  return renderTable(columns, rows, page)
}

function toned(count: number, tone: keyof Style): Cell {
  return count === 0 ? '0' : { text: String(count), tone }
}

function narrowRow(name: string, one: RepositoryDrift, counts: DriftCounts, { style }: Page): string {
  if (one.error !== undefined) return `${style.bold(escapeText(name))}\n  ${style.red('unread')}`
  const { selected, missing, moved, changed, extra, bytes } = counts
  const parts = [
    `${selected} selected`,
    ...(missing > 0 ? [style.green(`${missing} missing`)] : []),
    ...(moved > 0 ? [style.yellow(`${moved} moved`)] : []),
    ...(changed > 0 ? [style.red(`${changed} changed`)] : []),
    ...(extra > 0 ? [style.yellow(`${extra} extra`)] : []),
    ...(bytes > 0 ? [formatBytes(bytes)] : []),
  ]
  const lines = parts.length > 3 ? [parts.slice(0, 3), parts.slice(3)] : [parts]
  return [style.bold(escapeText(name)), ...lines.map((line) => `  ${line.join(', ')}`)].join('\n')
}

/** The paths of the sources, if they are distinct; else the destinations. */
function repositoryNames(drift: readonly RepositoryDrift[]): readonly string[] {
  const sources = drift.map(({ from }) => formatRepository(from))
  const isOneRegistry = new Set(drift.map(({ from }) => from.registry)).size === 1
  const names = drift.map(({ from }) => (isOneRegistry ? from.path : formatRepository(from)))
  if (new Set(sources).size === drift.length && new Set(names).size === drift.length) return names
  return drift.map(({ to }) => formatRepository(to))
}

/** `3.20  moved  a1b2c3 -> d4e5f6  reason`, in lines of at most `width` columns. */
export function renderTagLines(
  { tag, state, source, destination, written, reason }: TagDrift,
  width: number | undefined,
  style: Style,
): readonly string[] {
  const parts = [
    tag,
    stateTexts[state],
    ...(state === 'moved' && source !== null && destination !== null
      ? [`${shortenDigest(destination)} -> ${shortenDigest(source)}`]
      : []),
    ...(written === undefined ? [] : [`dray wrote ${shortenDigest(written)}`]),
    ...(reason === undefined ? [] : [reason]),
  ]
  return breakLines(escapeText(parts.join('  ')), width).map((line) => style[tones[state]](line))
}

const stateTexts: Readonly<Record<DriftState, string>> = {
  missing: 'missing',
  moved: 'moved',
  changed: 'changed by another client',
  kept: 'kept',
  extra: 'extra',
  evidenceMissing: 'lacks attached artifacts',
  damaged: 'damaged',
}

const tones: Readonly<Record<DriftState, keyof Style>> = {
  missing: 'green',
  moved: 'yellow',
  changed: 'red',
  kept: 'dim',
  extra: 'yellow',
  evidenceMissing: 'yellow',
  damaged: 'red',
}
