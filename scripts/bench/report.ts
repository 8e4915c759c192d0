import type { Contest, Goal, Row } from './contest.ts'

/** The result of one goal. */
export interface Verdict {
  readonly contest: string
  readonly text: string
  readonly isMet: boolean
}

const units = {
  ms: (value: number) => `${value.toFixed(0)} ms`,
  requests: (value: number) => `${value} requests`,
  writes: (value: number) => `${value} writes`,
  maxRss: megabytes,
} as const

/** Judges the goals of a contest for which these rows have the distance and the comparison. */
export function judge(contest: Contest, rows: readonly Row[]): readonly Verdict[] {
  return contest.goals.flatMap((goal) => {
    const own = rows.filter((row) => row.contest === contest.name && row.rtt === goal.rtt)
    const is = own.find((row) => row.name === goal.of)?.[goal.what]
    const base = goal.times === undefined ? 1 : figureOf(goal.times, goal.what, own)
    if (is === undefined || base === undefined) return []
    const most = goal.atMost * base + (goal.plus ?? 0)
    const show = units[goal.what]
    const ratio = goal.times === undefined ? '' : `${(is / base).toFixed(2)} of ${goal.times}, `
    const bound = goal.times === undefined ? '' : ` (${boundOf(goal)})`
    const text = `${goal.of}${goal.rtt === 0 ? '' : `, ${goal.rtt} ms away`}: ${ratio}${show(is)}; goal: at most ${show(most)}${bound}`
    return [{ contest: contest.name, text, isMet: is <= most }]
  })
}

/** Formats the rows as a table, compared with the best peer at its defaults. */
export function renderContest(contest: Contest, rows: readonly Row[], verdicts: readonly Verdict[]): string {
  const tables = [...new Set(rows.map((row) => row.rtt))].map((rtt) => {
    const atDistance = rows.filter((row) => row.rtt === rtt)
    const distance = rtt === 0 ? '' : `, ${rtt} ms away`
    return `${contest.name}: ${contest.title}${distance}\n${tableOf(atDistance)}`
  })
  const results = verdicts.map(({ text, isMet }) => `  ${isMet ? 'met   ' : 'MISSED'}  ${text}`)
  return `${[...tables, ...(results.length > 0 ? [results.join('\n')] : [])].join('\n')}\n`
}

function tableOf(rows: readonly Row[]): string {
  const measure = rows.some((row) => row.kind === 'floor') ? 'bare node' : 'best peer'
  const base = figureOf(measure, 'ms', rows)
  const hasRequests = rows.some((row) => row.requests > 0)
  const hasUsage = rows.some((row) => row.maxRss !== undefined)
  const header = [
    '',
    'ms',
    'least',
    `x ${measure}`,
    ...(hasRequests ? ['requests', 'writes'] : []),
    ...(hasUsage ? ['CPU s', 'memory'] : []),
    '',
  ]
  const lines = rows.map((row) => [
    row.name,
    row.ms.toFixed(0),
    row.leastMs.toFixed(0),
    base === undefined ? '' : (row.ms / base).toFixed(2),
    ...(hasRequests ? [String(row.requests), String(row.writes)] : []),
    ...(hasUsage
      ? [row.cpuSeconds?.toFixed(2) ?? '', row.maxRss === undefined ? '' : megabytes(row.maxRss)]
      : []),
    row.notes.join('; '),
  ])
  return aligned([header, ...lines])
}

/** Aligns names left and figures right. */
export function aligned(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  )
  return lines
    .map((line) => {
      const cells = line.map((cell, column) => {
        const width = widths[column] ?? 0
        return column === 0 || column === line.length - 1 ? cell.padEnd(width) : cell.padStart(width)
      })
      return `  ${cells.join('  ')}`.trimEnd()
    })
    .join('\n')
}

/** Ignores programs that failed or lost evidence. */
function figureOf(
  of: NonNullable<Goal['times']>,
  what: Goal['what'],
  rows: readonly Row[],
): number | undefined {
  const figures = rows
    .filter((row) => {
      if (of === 'crane' || of === 'bare node') return row.name === of
      if (row.notes.length > 0) return false
      return row.kind === 'peer' || (of === 'best tuned peer' && row.kind === 'tuned')
    })
    .flatMap((row) => row[what] ?? [])
  return figures.length === 0 ? undefined : Math.min(...figures)
}

function boundOf({ atMost, times, plus }: Goal): string {
  return `${atMost} of ${times}${plus === undefined ? '' : ` + ${plus}`}`
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`
}
