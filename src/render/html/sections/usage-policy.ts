import type { RepositoryUsage, UsageReport, WouldFree } from '../../../usecases/usage/usage-report.ts'
import { formatBytes, formatCount } from '../../text/format.ts'
import { type Bar, renderBarChart } from '../charts/bar-chart.ts'
import { renderView } from '../charts/chart.ts'
import { type Content, markup, type Markup } from '../markup.ts'
import { renderDataTable } from '../parts/data-table.ts'
import { toneWords } from '../parts/icons.ts'
import { renderErrorNote, renderNote } from '../parts/texts.ts'
import type { RowLimits } from './section.ts'

interface PolicyEffect {
  readonly image: string
  readonly before: number
  readonly freed: WouldFree
}

/** Renders the bytes before and after a prune with the policy. */
export function renderPolicyEffect(
  repositories: readonly RepositoryUsage[],
  { policy, totals }: UsageReport,
  limits: RowLimits,
): Content {
  if (policy === undefined) return ''
  const all = repositories.flatMap(({ image, bytes, wouldFree }): readonly PolicyEffect[] =>
    wouldFree === undefined || !changes(wouldFree) ? [] : [{ image, before: bytes.stored, freed: wouldFree }],
  )
  const sorted = all.toSorted((a, b) => b.freed.bytes - a.freed.bytes)
  const name = policy.name === undefined ? 'the policy' : `the policy ${policy.name}`
  const { refused } = policy
  const view =
    all.length === 0
      ? refused === undefined && renderNote('good', 'No repository changes')
      : renderView(renderEffects(sorted, totals, limits.rows), renderEffectBars(sorted, name, limits.bars))
  return markup`<h3>What ${name} would free</h3>${
    refused !== undefined && renderErrorNote(refused, 'bad', 'Refused: a prune would delete nothing')
  }${view}`
}

function renderEffects(
  sorted: readonly PolicyEffect[],
  { bytes, wouldFree }: UsageReport['totals'],
  most: number,
): Markup {
  const hidden = sorted.slice(most)
  return renderDataTable({
    caption: 'Before and after the policy, the largest difference first',
    columns: [
      { title: 'Repository' },
      { title: 'Before', isNumber: true },
      { title: 'After', isNumber: true },
      { title: 'Would free', isNumber: true },
      { title: 'Images', isNumber: true },
    ],
    rows: sorted.slice(0, most).map(rowOf),
    ...(hidden.length > 0 && {
      others: [formatCount(hidden.length, 'other repository', 'other repositories'), ...sumCells(hidden)],
    }),
    ...(wouldFree !== undefined && { total: cellsOf('All repositories', bytes.stored, wouldFree) }),
  })
}

function renderEffectBars(sorted: readonly PolicyEffect[], name: string, most: number): Markup {
  const text = {
    id: 'usage-policy',
    title: `Stored bytes before and after ${name}`,
    description: 'Two bars for each repository: before and after a prune. The table before has the numbers.',
  }
  return renderBarChart(text, barsOf(sorted, most), [
    { name: 'before', className: 's6' },
    { name: 'after', className: 's1' },
  ])
}

/** A repository that the policy does not change has no row. */
function changes({ bytes, images, manifests, refused }: WouldFree): boolean {
  return bytes + images + manifests > 0 || refused !== undefined
}

function rowOf({ image, before, freed }: PolicyEffect): readonly Content[] {
  const refused = freed.refused
  if (refused === undefined) return cellsOf(image, before, freed)
  const name = markup`${image}<small>${toneWords('notice', 'refused')} ${refused.message}</small>`
  return cellsOf(name, before, freed)
}

function cellsOf(name: Content, before: number, { bytes, images }: WouldFree): readonly Content[] {
  return [name, formatBytes(before), formatBytes(before - bytes), formatBytes(bytes), images]
}

function sumCells(all: readonly PolicyEffect[]): readonly Content[] {
  const sum = (of: (one: PolicyEffect) => number): number => all.reduce((total, one) => total + of(one), 0)
  const [before, bytes, images] = [
    sum((one) => one.before),
    sum(({ freed }) => freed.bytes),
    sum(({ freed }) => freed.images),
  ]
  return [formatBytes(before), formatBytes(before - bytes), formatBytes(bytes), images]
}

function barsOf(all: readonly PolicyEffect[], most: number): readonly Bar[] {
  const shown = all.length > most ? all.slice(0, most - 1) : all
  const rest = all.slice(shown.length)
  return [
    ...shown.map((one) => barOf(one.image, [one])),
    ...(rest.length === 0 ? [] : [barOf(`${rest.length} others`, rest)]),
  ]
}

function barOf(label: string, all: readonly PolicyEffect[]): Bar {
  const before = all.reduce((sum, one) => sum + one.before, 0)
  const freed = all.reduce((sum, one) => sum + one.freed.bytes, 0)
  return {
    label,
    text: `${formatBytes(before)} → ${formatBytes(before - freed)}`,
    tracks: [[{ series: 0, value: before }], [{ series: 1, value: before - freed }]],
  }
}
