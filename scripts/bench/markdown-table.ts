import { binaryName } from './contestants.ts'
import type { Row } from './contest.ts'
import { figureOf, rowsOf } from './report.ts'

/** One line of the table. */
interface Operation {
  readonly label: string
  readonly rows: readonly Row[]
}

const hosts: readonly string[] = ['dray', binaryName]

/**
 * The table of docs/performance.md: a line for each operation and distance, a column for each
 * contestant with milliseconds and CPU milliseconds, and the ratios of dray, on each host, to the
 * best peer, tuned or not, and to the floor.
 */
export function markdownTable(rows: readonly Row[]): string {
  const names = [...new Set(rows.map(({ name }) => name))]
  const floors = [...new Set(rows.filter(({ kind }) => kind === 'floor').map(({ name }) => name))]
  const lines = operationsOf(rows).map(({ label, rows: own }) => [
    label,
    ...names.map((name) => cellOf(own.find((row) => row.name === name))),
    ratiosTo(['best tuned peer'], own),
    ratiosTo(floors, own),
  ])
  const header = ['ms (CPU ms)', ...names, 'ratio to the best peer', 'to the floor']
  const table = [header, header.map(() => '---'), ...lines]
  return `${table.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`
}

function operationsOf(rows: readonly Row[]): readonly Operation[] {
  return [...new Set(rows.map(({ contest }) => contest))].flatMap((contest) => {
    const own = rows.filter((row) => row.contest === contest)
    const rtts = new Set(own.map(({ rtt }) => rtt))
    const variants = new Set(own.flatMap(({ variant }) => variant ?? []))
    return [...rtts].flatMap((rtt) =>
      (variants.size === 0 ? [undefined] : [...variants]).map((variant): Operation => ({
        label: [
          contest,
          ...(variant === undefined ? [] : [variant]),
          ...(rtts.size === 1 && rtt === 0 ? [] : [`${rtt} ms`]),
        ].join(', '),
        rows: rowsOf(variant, own).filter((row) => row.rtt === rtt),
      })),
    )
  })
}

function cellOf(row: Row | undefined): string {
  if (row === undefined) return ''
  return [`${row.ms.toFixed(0)} (${row.cpuMs.toFixed(0)})`, ...row.notes].join('; ').replaceAll('|', '\\|')
}

function ratiosTo(others: readonly string[], rows: readonly Row[]): string {
  const [base] = others.flatMap((other) => figureOf(other, 'ms', rows) ?? [])
  if (base === undefined) return ''
  return hosts
    .flatMap((host) => figureOf(host, 'ms', rows) ?? [])
    .map((ms) => (ms / base).toFixed(2))
    .join(', ')
}
