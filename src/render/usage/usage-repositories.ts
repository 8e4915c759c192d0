import type {
  RepositoryUsage,
  UnpulledImages,
  UnreachableUsage,
  UsageReport,
} from '../../usecases/usage/usage-report.ts'
import { joinCounts } from '../text/counts.ts'
import { escapeText } from '../text/escape.ts'
import { formatBytes, formatCost, formatCount } from '../text/format.ts'
import type { Page } from '../text/style.ts'
import { type Cell, type Column, renderTable, textOf } from '../text/table.ts'
import { cut, displayWidth } from '../text/width.ts'
import {
  bytesCell,
  formatWholeAge,
  freedCell,
  growthText,
  nothingCell,
  unknownCell,
  unpulledTitle,
} from './usage-cells.ts'

/** A column of the table, and the words of its value in a list. */
interface RepositoryColumn {
  readonly title: string
  readonly cell: (row: RepositoryUsage) => Cell
  /** `34.4 GiB unique`; undefined: the row has no value */
  readonly words: (row: RepositoryUsage) => string | undefined
}

/** A name is cut to this width before the table becomes a list. */
const leastName = 20
const gap = 2

/** Renders one line for each repository, or a few if the page is too narrow for the table. */
export function renderRepositoryUsage(report: UsageReport, page: Page): string {
  const columns = columnsOf(report)
  const shown = shownRows(report)
  const rows = shown.map((row) => [nameOf(row), ...columns.map(({ cell }) => cell(row))])
  const lost = report.unreachable.map((one): readonly Cell[] => [
    nameOf(one),
    { text: 'unreachable', tone: 'red', isWhole: true },
  ])
  const layout: readonly Column[] = [
    { title: 'REPOSITORY', flexible: true, keep: leastName },
    ...columns.map(({ title }): Column => ({ title, align: 'right' })),
  ]
  if (page.width !== undefined && minWidthOf(layout, rows) > page.width)
    return renderList({ ...report, repositories: shown }, columns, page)
  return renderTable(layout, [...rows, ...lost], page)
}

/** A note names the repositories that have nothing: an image need not be in every environment. */
function shownRows({ repositories }: UsageReport): readonly RepositoryUsage[] {
  const filled = repositories.filter(({ manifests }) => manifests > 0)
  return filled.length === 0 ? repositories : filled
}

function nameOf({ image }: RepositoryUsage | UnreachableUsage): string {
  return escapeText(image)
}

function minWidthOf(layout: readonly Column[], rows: readonly (readonly Cell[])[]): number {
  return layout.reduce((sum, { title }, i) => {
    const widths = rows.map((row) => displayWidth(textOf(row[i] ?? '')))
    const width = widths.reduce((a, b) => Math.max(a, b), title.length)
    return sum + (i === 0 ? Math.min(width, leastName) : width + gap)
  }, 0)
}

function columnsOf(report: UsageReport): readonly RepositoryColumn[] {
  const { repositories, notPulledFor, policy, sinceDays } = report
  const hasGrowth = repositories.some(({ growth }) => growth !== 'unknown')
  const hasCost = repositories.some(({ cost }) => cost !== undefined)
  return [
    {
      title: 'IMAGES',
      cell: ({ images }) => (images === 0 ? nothingCell : String(images)),
      words: ({ images }) => formatCount(images, 'image'),
    },
    bytesColumn('UNIQUE', 'unique', ({ bytes }) => bytes.unique),
    bytesColumn('SHARED', 'shared', ({ bytes }) => bytes.shared),
    bytesColumn('CROSS-REPO', 'cross-repo', ({ bytes }) => bytes.crossRepository),
    bytesColumn('UNTAGGED', 'untagged', ({ bytes }) => bytes.untagged),
    ...(hasGrowth ? [growthColumn(sinceDays)] : []),
    ...(notPulledFor === undefined ? [] : [unpulledColumn(report, notPulledFor)]),
    ...(policy === undefined ? [] : [freedColumn]),
    ...(hasCost ? [costColumn] : []),
  ]
}

function bytesColumn(
  title: string,
  noun: string,
  of: (row: RepositoryUsage) => number | 'unknown',
): RepositoryColumn {
  return {
    title,
    cell: (row) => bytesCell(of(row)),
    words: (row) => {
      const bytes = of(row)
      if (bytes === 'unknown') return `${noun} unknown`
      return bytes === 0 ? undefined : `${formatBytes(bytes)} ${noun}`
    },
  }
}

function growthColumn(days: number): RepositoryColumn {
  return {
    title: days === 1 ? '1 DAY' : `${days} DAYS`,
    cell: ({ growth }) => (growth === 'unknown' ? unknownCell : growthText(growth, days)),
    words: ({ growth }) =>
      growth === 'unknown' ? undefined : `${growthText(growth, growth.days)} in ${growth.days}d`,
  }
}

function unpulledColumn(report: UsageReport, age: number): RepositoryColumn {
  const text = ({ images, bytes }: UnpulledImages): string => `${images} (${formatBytes(bytes)})`
  return {
    title: unpulledTitle(report),
    cell: ({ notPulled = 'unknown' }) => {
      if (notPulled === 'unknown') return unknownCell
      return notPulled.images === 0 ? nothingCell : text(notPulled)
    },
    words: ({ notPulled = 'unknown' }) => {
      if (notPulled === 'unknown') return 'pulls unknown'
      return notPulled.images === 0 ? undefined : `${text(notPulled)} not pulled for ${formatWholeAge(age)}`
    },
  }
}

const freedColumn: RepositoryColumn = {
  title: 'WOULD FREE',
  cell: ({ wouldFree }) => (wouldFree === undefined ? nothingCell : freedCell(wouldFree)),
  words: ({ wouldFree }) => {
    if (wouldFree === undefined || (wouldFree.bytes === 0 && wouldFree.refused === undefined))
      return undefined
    return wouldFree.refused === undefined ? `would free ${formatBytes(wouldFree.bytes)}` : 'policy refused'
  },
}

const costColumn: RepositoryColumn = {
  title: 'COST',
  cell: ({ cost }) => (cost === undefined ? nothingCell : formatCost(cost)),
  words: ({ cost }) => (cost === undefined ? undefined : `cost ${formatCost(cost)}`),
}

function renderList(
  { repositories, unreachable }: UsageReport,
  columns: readonly RepositoryColumn[],
  page: Page,
): string {
  const { style, width = Infinity } = page
  const title = (row: RepositoryUsage | UnreachableUsage): string => style.bold(cut(nameOf(row), width))
  const read = repositories.map((row) => {
    const texts = columns.flatMap(({ words }) => words(row) ?? []).map((text) => ({ text }))
    return `${title(row)}\n${joinCounts(' ', texts, page)}`
  })
  const lost = unreachable.map((row) => `${title(row)}\n  ${style.red('unreachable')}`)
  return [...read, ...lost].join('\n')
}
