import { expect, it } from 'vitest'
import type { Contest, Goal, Row } from '../../scripts/bench/contest.ts'
import { markdownTable } from '../../scripts/bench/markdown-table.ts'
import { judge } from '../../scripts/bench/report.ts'

function row(name: string, kind: Row['kind'], ms: number, more: Partial<Row> = {}): Row {
  return {
    contest: 'promotion',
    rtt: 20,
    name,
    kind,
    runs: 3,
    ms,
    leastMs: ms,
    cpuMs: ms / 2,
    requests: 10,
    writes: 4,
    notes: [],
    ...more,
  }
}

function verdictOf(goal: Omit<Goal, 'of' | 'rtt'>, rows: readonly Row[]): readonly string[] {
  const contest: Contest = {
    name: 'promotion',
    title: '',
    rtts: [20],
    goals: [{ of: 'dray', rtt: 20, ...goal }],
    prepare: () => Promise.resolve(),
    entrants: () => [],
  }
  return judge(contest, rows).map(({ text, isMet }) => `${isMet ? 'met' : 'missed'}: ${text}`)
}

const rows = [
  row('dray', 'dray', 300),
  row('prototype', 'floor', 200),
  row('crane', 'peer', 100, { notes: ['3 of 3 referrers lost'] }),
  row('oras', 'peer', 500),
  row('oras, tuned', 'tuned', 250),
]

it('a goal names an entrant, or the best peer that lost nothing', () => {
  expect(verdictOf({ what: 'ms', atMost: 0.65, times: 'best peer' }, rows)).toEqual([
    'met: dray, 20 ms away: 0.60 of best peer, 300 ms; goal: at most 325 ms (0.65 of best peer)',
  ])
  expect(verdictOf({ what: 'ms', atMost: 1, times: 'best tuned peer' }, rows)).toEqual([
    'missed: dray, 20 ms away: 1.20 of best tuned peer, 300 ms; goal: at most 250 ms (1 of best tuned peer)',
  ])
  expect(verdictOf({ what: 'cpuMs', atMost: 2, times: 'prototype' }, rows)).toEqual([
    'met: dray, 20 ms away: 1.50 of prototype, 150 ms of CPU; goal: at most 200 ms of CPU (2 of prototype)',
  ])
})

it('a goal without its comparison has no verdict', () => {
  expect(verdictOf({ what: 'ms', atMost: 1.3, times: 'regctl' }, rows)).toEqual([])
  expect(verdictOf({ what: 'ms', atMost: 1, variant: 'plan show' }, [])).toEqual([])
})

it('a goal without a variant compares what each image costs', () => {
  const both = [
    row('dray', 'dray', 1200, { variant: 'all' }),
    row('dray', 'dray', 400, { variant: 'one' }),
    row('prototype', 'floor', 600, { variant: 'all' }),
    row('prototype', 'floor', 100, { variant: 'one' }),
  ]
  const goal = { what: 'ms', atMost: 2, times: 'prototype', variant: 'all', without: 'one' } as const
  expect(verdictOf(goal, both)).toEqual([
    'met: dray, all, 20 ms away, without one: 1.60 of prototype, 800 ms; goal: at most 1000 ms (2 of prototype)',
  ])
})

it('the table has a line for each operation and distance, and a column for each contestant', () => {
  const table = markdownTable([
    row('node', 'floor', 20, { contest: 'start', rtt: 0 }),
    row('dray', 'dray', 30, { contest: 'start', rtt: 0, variant: '--version' }),
    row('dray', 'dray', 50, { contest: 'start', rtt: 0, variant: 'plan show' }),
    ...rows,
    row('dray', 'dray', 700, { rtt: 80 }),
    row('dray, binary', 'dray', 350, { rtt: 80 }),
    row('oras', 'peer', 1400, { rtt: 80 }),
  ])
  expect(table.split('\n')).toEqual([
    '| ms (CPU ms) | node | dray | prototype | crane | oras | oras, tuned | dray, binary | ratio to the best peer | to the floor |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    '| start, --version | 20 (10) | 30 (15) |  |  |  |  |  |  | 1.50 |',
    '| start, plan show | 20 (10) | 50 (25) |  |  |  |  |  |  | 2.50 |',
    '| promotion, 20 ms |  | 300 (150) | 200 (100) | 100 (50); 3 of 3 referrers lost | 500 (250) | 250 (125) |  | 1.20 | 1.50 |',
    '| promotion, 80 ms |  | 700 (350) |  |  | 1400 (700) |  | 350 (175) | 0.50, 0.25 |  |',
    '',
  ])
})
