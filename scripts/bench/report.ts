import type { Contest, Figure, Goal, Row } from './contest.ts'

/** The result of one goal. */
export interface Verdict {
  readonly contest: string
  readonly text: string
  readonly isMet: boolean
}

const units = {
  ms: (value: number) => `${value.toFixed(0)} ms`,
  cpuMs: (value: number) => `${value.toFixed(0)} ms of CPU`,
  requests: (value: number) => `${value} requests`,
  writes: (value: number) => `${value} writes`,
  maxRss: megabytes,
} as const

/** Judges the goals of a contest for which these rows have the distance and the comparison. */
export function judge(contest: Contest, rows: readonly Row[]): readonly Verdict[] {
  return contest.goals.flatMap((goal) => {
    const own = rows.filter((row) => row.contest === contest.name && row.rtt === goal.rtt)
    const is = figureOfGoal(goal, goal.of, own)
    const base = goal.times === undefined ? 1 : figureOfGoal(goal, goal.times, own)
    if (is === undefined || base === undefined) return []
    const most = goal.atMost * base + (goal.plus ?? 0)
    const show = units[goal.what]
    const ratio = goal.times === undefined ? '' : `${(is / base).toFixed(2)} of ${goal.times}, `
    const text = `${subjectOf(goal)}: ${ratio}${show(is)}; goal: at most ${show(most)}${boundOf(goal)}`
    return [{ contest: contest.name, text, isMet: is <= most }]
  })
}

function figureOfGoal(
  { what, variant, without }: Goal,
  of: string,
  rows: readonly Row[],
): number | undefined {
  const figure = figureOf(of, what, rowsOf(variant, rows))
  if (without === undefined || figure === undefined) return figure
  const subtracted = figureOf(of, what, rowsOf(without, rows))
  return subtracted === undefined ? undefined : figure - subtracted
}

function subjectOf({ of, variant, rtt, without }: Goal): string {
  const distance = rtt === 0 ? '' : `, ${rtt} ms away`
  return `${labelOf(of, variant)}${distance}${without === undefined ? '' : `, without ${without}`}`
}

function boundOf({ atMost, times, plus }: Goal): string {
  return times === undefined ? '' : ` (${atMost} of ${times}${plus === undefined ? '' : ` + ${plus}`})`
}

/** The rows of a variant, and of entrants that are the same in all variants. */
export function rowsOf(variant: string | undefined, rows: readonly Row[]): readonly Row[] {
  return rows.filter((row) => row.variant === undefined || row.variant === variant)
}

/**
 * The figure of an entrant, or of the best one of a group: `best peer` at its defaults, `best tuned
 * peer` at any settings. Groups ignore programs that failed or lost evidence.
 */
export function figureOf(of: string, what: Figure, rows: readonly Row[]): number | undefined {
  const isIn = ({ name, kind, notes }: Row): boolean => {
    if (of === 'best peer') return kind === 'peer' && notes.length === 0
    if (of === 'best tuned peer') return (kind === 'peer' || kind === 'tuned') && notes.length === 0
    return name === of
  }
  const figures = rows.filter(isIn).flatMap((row) => row[what] ?? [])
  return figures.length === 0 ? undefined : Math.min(...figures)
}

/** Formats the rows as a table, compared with the best peer at its defaults and with the floor. */
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
  const floor = rows.find((row) => row.kind === 'floor')?.name
  const measures = ['best peer', ...(floor === undefined ? [] : [floor])]
  const hasRequests = rows.some((row) => row.requests > 0)
  const hasMemory = rows.some((row) => row.maxRss !== undefined)
  const header = [
    '',
    'ms',
    'least',
    'CPU ms',
    ...measures.map((measure) => `x ${measure}`),
    ...(hasRequests ? ['requests', 'writes'] : []),
    ...(hasMemory ? ['memory'] : []),
    '',
  ]
  const lines = rows.map((row) => [
    labelOf(row.name, row.variant),
    row.ms.toFixed(0),
    row.leastMs.toFixed(0),
    row.cpuMs.toFixed(0),
    ...measures.map((measure) => {
      const base = figureOf(measure, 'ms', rowsOf(row.variant, rows))
      return base === undefined ? '' : (row.ms / base).toFixed(2)
    }),
    ...(hasRequests ? [String(row.requests), String(row.writes)] : []),
    ...(hasMemory ? [row.maxRss === undefined ? '' : megabytes(row.maxRss)] : []),
    row.notes.join('; '),
  ])
  return aligned([header, ...lines])
}

function labelOf(name: string, variant: string | undefined): string {
  return variant === undefined ? name : `${name}, ${variant}`
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

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`
}
