import type { RepositoryUsage, StoredBytes, UsageReport } from '../../../usecases/usage/usage-report.ts'
import { formatBytes, formatCost, formatCount } from '../../text/format.ts'
import { type Bar, renderBarChart } from '../charts/bar-chart.ts'
import { renderView } from '../charts/chart.ts'
import { type Content, markup, type Markup } from '../markup.ts'
import { type HtmlColumn, renderDataTable } from '../parts/data-table.ts'
import type { RowLimits } from './section.ts'
import { formatChange, formatGrowth, formatKnownBytes } from './usage-numbers.ts'

type UsageRows = readonly RepositoryUsage[]

interface StoredColumn extends HtmlColumn {
  readonly cell: (one: RepositoryUsage) => Content
  /** of several repositories; absent: they have no sum */
  readonly sum?: (all: UsageRows) => Content
  /** of all repositories; content that several of them have counts once */
  readonly total?: (totals: UsageReport['totals']) => Content
}

/** Renders the repositories, the largest first, as a table and as stacked bars. */
export function renderUsageRepositories(all: UsageRows, usage: UsageReport, limits: RowLimits): Markup {
  const columns = columnsOf(all, usage)
  const hidden = all.slice(limits.rows)
  const table = renderDataTable({
    caption: 'Repositories, the largest first',
    columns,
    rows: all.slice(0, limits.rows).map((one) => columns.map(({ cell }) => cell(one))),
    ...(hidden.length > 0 && {
      others: [
        formatCount(hidden.length, 'other repository', 'other repositories'),
        ...columns.slice(1).map(({ sum }) => sum?.(hidden) ?? ''),
      ],
    }),
    ...(all.length > 1 && { total: columns.map(({ total }) => total?.(usage.totals) ?? '') }),
  })
  return markup`${renderView(table, renderBars(all, limits.bars))}
  ${all.length > 1 && markup`<p class="small muted">In the row of all repositories, content that several of them have counts once.</p>`}`
}

const titles = {
  unique: 'Unique',
  shared: 'Shared',
  crossRepository: 'Cross-repository',
  untagged: 'Untagged',
} as const
const parts = Object.keys(titles) as readonly (keyof typeof titles)[]

function columnsOf(all: UsageRows, { sinceDays, notPulledFor }: UsageReport): readonly StoredColumn[] {
  // A note names the registries without pull times.
  const has = (name: 'lastPulledAt' | 'notPulled' | 'cost'): boolean =>
    all.some((one) => one[name] !== undefined && one[name] !== 'unknown')
  const images: StoredColumn = {
    title: 'Images',
    isNumber: true,
    cell: (one) => one.images,
    sum: (some) => some.reduce((total, one) => total + one.images, 0),
    total: (totals) => totals.images,
  }
  const growth: StoredColumn = {
    title: `${sinceDays} days`,
    isNumber: true,
    cell: (one) => formatGrowth(one.growth),
    sum: sumGrowth,
    total: (totals) => formatGrowth(totals.growth),
  }
  return [
    { title: 'Repository', cell: ({ image }) => image, total: () => 'All repositories' },
    images,
    ...parts.map((part) => bytesColumn(titles[part], part)),
    bytesColumn('Stored', 'stored'),
    growth,
    ...(has('lastPulledAt') ? [{ title: 'Last pull', isNumber: true, cell: lastPull }] : []),
    ...(has('notPulled') ? [unpulledColumn(notPulledFor)] : []),
    ...(has('cost') ? [costColumn] : []),
  ]
}

function bytesColumn(title: string, part: keyof StoredBytes): StoredColumn {
  return {
    title,
    isNumber: true,
    cell: ({ bytes }) => formatKnownBytes(bytes[part]),
    sum: (all) => formatKnownBytes(sumOf(all, part)),
    total: ({ bytes }) => formatKnownBytes(bytes[part]),
  }
}

function unpulledColumn(age: number | undefined): StoredColumn {
  const days = age === undefined ? '' : ` for ${Math.round(age / 86_400_000)} days`
  const format = ({ notPulled }: Pick<RepositoryUsage, 'notPulled'>): string => {
    if (notPulled === undefined || notPulled === 'unknown') return notPulled ?? ''
    return `${notPulled.images} (${formatBytes(notPulled.bytes)})`
  }
  return { title: `Not pulled${days}`, isNumber: true, cell: format, total: format }
}

const costColumn: StoredColumn = {
  title: 'Cost',
  isNumber: true,
  cell: formatPrice,
  total: formatPrice,
}

function formatPrice({ cost }: Pick<RepositoryUsage, 'cost'>): string {
  return cost === undefined ? '' : formatCost(cost)
}

function lastPull({ lastPulledAt }: RepositoryUsage): string {
  if (lastPulledAt === undefined) return ''
  return /^\d{4}-/.test(lastPulledAt) ? lastPulledAt.slice(0, 10) : lastPulledAt
}

function sumOf(all: UsageRows, part: keyof StoredBytes): number | 'unknown' {
  let total = 0
  for (const { bytes } of all) {
    const one = bytes[part]
    if (one === 'unknown') return 'unknown'
    total += one
  }
  return total
}

function sumGrowth(all: UsageRows): string {
  const known = all.flatMap(({ growth }) => (growth === 'unknown' ? [] : [growth.bytes]))
  if (known.length < all.length) return 'unknown'
  return formatChange(known.reduce((sum, bytes) => sum + bytes, 0))
}

function renderBars(all: UsageRows, most: number): Markup {
  const shown = all.length > most ? all.slice(0, most - 1) : all
  const rest = all.slice(shown.length)
  const bars = [
    ...shown.map((one) => barOf(one.image, [one])),
    ...(rest.length === 0 ? [] : [barOf(`${rest.length} others`, rest)]),
  ]
  const text = {
    id: 'usage-repositories',
    title: 'Stored bytes by repository',
    description:
      'One bar for each repository, the largest first, with the unique, shared, cross-repository and untagged bytes. The table before has the numbers.',
  }
  const series = parts.map((part, i) => ({ name: titles[part].toLowerCase(), className: `s${i + 1}` }))
  return renderBarChart(text, bars, series)
}

function barOf(label: string, all: UsageRows): Bar {
  const known = (part: keyof StoredBytes): number =>
    all.reduce((sum, { bytes }) => sum + (bytes[part] === 'unknown' ? 0 : bytes[part]), 0)
  return {
    label,
    text: formatBytes(known('stored')),
    tracks: [parts.map((part, series) => ({ series, value: known(part) }))],
  }
}
