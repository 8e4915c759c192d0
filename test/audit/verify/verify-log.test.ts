import { appendFileSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { advance, formatLine, startOfChain } from '../../../src/audit/log/chain.ts'
import { formatHead } from '../../../src/audit/log/head.ts'
import type { AuditRecord, LogRecord } from '../../../src/audit/log/record.ts'
import { type LogReport, verifyLog } from '../../../src/audit/verify/verify-log.ts'
import { openLog, outcome, record, refusal, tagStep, waitingClock } from '../../support/audit-log.ts'
import { tempFolder } from '../../support/temp.ts'

const clock = waitingClock()
const never = new AbortController().signal

let path: string
beforeEach(async () => {
  path = `${await tempFolder()}/audit.jsonl`
})

const verify = (): Promise<LogReport> => verifyLog(path, { clock }, never)

/** A log of these records and its head. */
function logOf(records: readonly LogRecord[]): { lines: string[]; head: string } {
  let end = startOfChain
  const lines = records.map((one) => {
    const line = formatLine(one, end)
    end = advance(end, Buffer.from(line))
    return line
  })
  return { lines, head: formatHead({ ...end, settled: { seq: 0, offset: 0 } }) }
}
const textOf = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('')

function put(lines: readonly string[] | Uint8Array, head: string | undefined): void {
  writeFileSync(path, lines instanceof Uint8Array ? lines : textOf(lines))
  if (head === undefined) rmSync(`${path}.head`, { force: true })
  else writeFileSync(`${path}.head`, head)
}

const steps = Array.from({ length: 6 }, (_, i) => tagStep(`s${i}`))
const loggedRecords: readonly AuditRecord[] = [
  refusal(),
  ...steps.flatMap((step) => [record({ step, image: 'größe:1' }), outcome({ step })]),
]
const whole = logOf(loggedRecords)
const count = whole.lines.length
const lineNumber = fc.integer({ min: 1, max: count })
const lineNumbersOfLog = Array.from({ length: count }, (_, i) => i + 1)

describe('an intact log', () => {
  it('has no problem, and its counts are right', async () => {
    const log = openLog(path, clock)
    for (const one of loggedRecords) await log.write([one])
    expect(await verify()).toEqual({
      end: expect.objectContaining({ seq: count }) as unknown,
      span: { first: loggedRecords[0]?.time, last: loggedRecords.at(-1)?.time },
      head: 'agrees',
      torn: 0,
      counts: { intent: 6, outcome: 6, refused: 1, recovered: 0 },
      open: { alive: [], lost: [] },
    })
  })

  it('has no problem if a crash left an old head and a torn line', async () => {
    put(whole.lines.slice(0, 5), logOf(loggedRecords.slice(0, 4)).head)
    appendFileSync(path, '{"seq":6,')
    const report = await verify()
    expect(report).toMatchObject({ head: 'behind', torn: 9, end: { seq: 5 } })
    expect(report.problem).toBeUndefined()
  })

  it('separates intents of living and of dead runs, and neither is a problem', async () => {
    const log = openLog(path, clock)
    await log.write([record({ run: 'living' }), record({ run: 'dead' })])
    utimesSync(`${path}.runs/dead`, 0, 0)
    const { open, problem } = await verify()
    expect(open.alive.map((one) => one.record.run)).toEqual(['living'])
    expect(open.lost.map((one) => [one.seq, one.record.run])).toEqual([[2, 'dead']])
    expect(problem).toBeUndefined()
    await log.close()
  })

  it('reports progress', async () => {
    put(whole.lines, whole.head)
    const progress: number[][] = []
    await verifyLog(path, { clock, onProgress: (...update) => progress.push(update) }, never)
    const size = Buffer.byteLength(textOf(whole.lines))
    expect(progress.at(-1)).toEqual([size, size])
  })

  it('that does not exist is not found', async () => {
    await expect(verify()).rejects.toMatchObject({ code: 'not-found' })
  })
})

describe('a damaged log', () => {
  it('has a problem at the line of any flipped bit', async () => {
    const bytes = Buffer.from(textOf(whole.lines))
    const numbers = lineNumbers(bytes)
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.byteLength * 8 - 1), async (bit) => {
        const changed = Buffer.from(bytes)
        const at = bit >> 3
        changed[at] = (changed[at] ?? 0) ^ (1 << (bit & 7))
        put(changed, whole.head)
        expect((await verify()).problem).toMatchObject({ line: numbers[at] })
      }),
      { numRuns: 400 },
    )
  })

  it('has a broken chain if its last line was changed without a head', async () => {
    put([...whole.lines.slice(0, -1), (whole.lines.at(-1) ?? '').replace('tester', 'nobody')], undefined)
    const report = await verify()
    expect(report.head).toBe('missing')
    expect(report.problem).toBeUndefined()
  })

  it('has a problem at a removed line', async () => {
    for (const line of lineNumbersOfLog) {
      put(whole.lines.toSpliced(line - 1, 1), whole.head)
      expect((await verify()).problem).toMatchObject({ kind: 'removed', line })
    }
  })

  it('has a problem at an inserted line, also if it continues the line before it', async () => {
    await fc.assert(
      fc.asyncProperty(lineNumber, lineNumber, fc.boolean(), async (line, copied, fits) => {
        const before = logOf(loggedRecords.slice(0, line - 1))
        const forged = fits ? logOf([...loggedRecords.slice(0, line - 1), refusal()]).lines.at(-1) : undefined
        const inserted = forged ?? whole.lines[copied - 1] ?? ''
        put([...before.lines, inserted, ...whole.lines.slice(line - 1)], whole.head)
        const kind = fits ? 'inserted' : 'copied'
        // Of two equal lines the second one is the copy.
        expect((await verify()).problem).toMatchObject({
          kind,
          line: !fits && copied === line ? line + 1 : line,
        })
      }),
    )
  })

  it('has a problem at the first of two swapped lines', async () => {
    for (const a of lineNumbersOfLog) {
      for (const b of lineNumbersOfLog.slice(a)) {
        const swapped = whole.lines
          .with(a - 1, whole.lines[b - 1] ?? '')
          .with(b - 1, whole.lines[a - 1] ?? '')
        put(swapped, whole.head)
        expect((await verify()).problem).toMatchObject({ kind: 'moved', line: a })
      }
    }
  })

  it('has a problem at the first missing line if it was cut at any byte', async () => {
    const bytes = Buffer.from(textOf(whole.lines))
    const numbers = lineNumbers(bytes)
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.byteLength - 1), async (size) => {
        put(bytes.subarray(0, size), whole.head)
        const report = await verify()
        expect(report).toMatchObject({ head: 'differs', problem: { line: numbers[size] } })
      }),
    )
  })

  it('has a problem by its head if its end was rewritten from any line on', async () => {
    for (const line of lineNumbersOfLog) {
      const anew = logOf([
        ...loggedRecords.slice(0, line - 1),
        ...loggedRecords.slice(line - 1).map((one) => ({ ...one, tool: '9' })),
      ])
      put(anew.lines, whole.head)
      expect((await verify()).problem).toMatchObject({ line: count })
    }
  })

  it('has no problem if its end and its head were rewritten or cut, which needs a checkpoint', async () => {
    for (const line of lineNumbersOfLog) {
      for (const isCut of [false, true]) {
        const kept = loggedRecords.slice(0, line - 1)
        const rest = isCut ? [] : loggedRecords.slice(line - 1).map((one) => ({ ...one, tool: '9' }))
        const anew = logOf([...kept, ...rest])
        put(anew.lines, anew.lines.length === 0 ? undefined : anew.head)
        expect((await verify()).problem).toBeUndefined()
      }
    }
  })

  it.each([
    ['an id', [record({ id: 'same' }), outcome({ id: 'same' })], 'line 1 has the same id'],
    ['an outcome', [record(), outcome(), outcome()], 'line 2 has the same outcome'],
    ['an intent', [record(), outcome(), record()], 'line 1 has the same intent'],
    ['an open intent', [record(), record()], 'line 1 has the same intent'],
  ])('has a problem if a valid chain repeats %s, at the second one', async (_, records, why) => {
    const { lines, head } = logOf(records)
    put(lines, head)
    expect((await verify()).problem).toMatchObject({ line: records.length, why })
  })

  it('has no problem if a resolved outcome precedes the outcome of the run', async () => {
    const { lines, head } = logOf([record(), outcome({ resolvedBy: 'run2' }), outcome()])
    put(lines, head)
    expect((await verify()).problem).toBeUndefined()
  })

  it.each([
    ['schema', { schema: 'dray.audit/2' }],
    ['phase', { phase: 'thought' }],
    ['plan', { plan: 'sha256:1' }],
    ['actor', { actor: {} }],
    ['result', { result: 'perhaps' }],
    ['step', { step: { id: 's1' } }],
    ['time', { time: 'noon' }],
  ])('has a problem if a valid chain has an invalid %s', async (field, change) => {
    const { lines, head } = logOf([refusal(), { ...record(), ...change } as AuditRecord])
    put(lines, head)
    expect((await verify()).problem).toMatchObject({ line: 2, why: expect.stringContaining(field) as string })
  })

  it('is read in bounded memory if it has a line without end or many brackets', async () => {
    for (const bad of [`{"a":"${'x'.repeat(3_000_000)}`, '['.repeat(1_000_000), '{'.repeat(1_000_000)]) {
      put([...whole.lines.slice(0, 2), bad, ...whole.lines.slice(2)], whole.head)
      expect((await verify()).problem).toMatchObject({ line: 3 })
    }
  })
})

describe('the problem of a log', () => {
  const at = (line: number): string => whole.lines[line - 1] ?? ''
  it.each([
    [
      'changed',
      5,
      () => whole.lines.with(4, at(5).replace('tester', 'nobody')),
      'it was changed: line 6 has a different hash of it',
    ],
    [
      'changed',
      5,
      () => whole.lines.with(4, at(5).replace('"seq":5', '"seq":7')),
      'its number is 7 instead of 5',
    ],
    [
      'changed',
      5,
      () => whole.lines.with(4, at(5).replace(/"prev":"sha256:.{8}/, '"prev":"sha256:00000000')),
      'its hash of the previous line is wrong',
    ],
    [
      'changed',
      count,
      () => whole.lines.with(count - 1, at(count).replace('tester', 'nobody')),
      'it was changed: the head has a different hash of it',
    ],
    ['removed', 5, () => whole.lines.toSpliced(4, 1), 'line 5 is missing: the next line has the number 6'],
    [
      'removed',
      5,
      () => whole.lines.toSpliced(4, 3),
      'lines 5 to 7 are missing: the next line has the number 8',
    ],
    ['removed', 6, () => whole.lines.slice(0, 5), 'the log was cut: the head counts 13 records'],
    ['removed', 1, () => [], 'the log is empty: the head counts 13 records'],
    [
      'moved',
      5,
      () => whole.lines.with(4, at(8)).with(7, at(5)),
      'the lines are in another order: line 8 continues line 4',
    ],
    [
      'moved',
      5,
      () => whole.lines.with(4, at(6)).with(5, at(5)),
      'the lines are in another order: line 6 continues line 4',
    ],
    [
      'copied',
      5,
      () => whole.lines.toSpliced(4, 0, at(2)),
      'it is a copy of line 2, and line 6 continues line 4',
    ],
    [
      'copied',
      5,
      () => whole.lines.toSpliced(4, 0, at(9)),
      'it is a copy of line 10, and line 6 continues line 4',
    ],
    ['copied', count + 1, () => [...whole.lines, at(3)], 'it is a copy of line 3'],
    [
      'inserted',
      5,
      () => whole.lines.toSpliced(4, 0, at(3).replace('tester', 'nobody')),
      'it was inserted: line 6 continues line 4',
    ],
    [
      'inserted',
      5,
      () => whole.lines.toSpliced(4, 0, 'hello'),
      'it was inserted: it is not a record, and line 6 continues line 4',
    ],
    [
      'inserted',
      5,
      () => [...logOf([...loggedRecords.slice(0, 4), refusal()]).lines, ...whole.lines.slice(4)],
      'it was inserted: line 6 has the number 5 too, and the head confirms that line',
    ],
    [
      'inserted',
      5,
      () => [...logOf([...loggedRecords.slice(0, 4), refusal(), refusal()]).lines, ...whole.lines.slice(4)],
      'lines 5 to 6 were inserted: line 7 has the number 5 too, and the head confirms that line',
    ],
    ['invalid', 5, () => whole.lines.with(4, at(5).slice(0, -4)), 'it is not a record'],
  ] as const)('is "%s" at line %i', async (kind, line, change, why) => {
    put(change(), whole.head)
    expect((await verify()).problem).toEqual({ kind, line, offset: expect.any(Number) as number, why })
  })

  it('is that it is gone if only its head is there', async () => {
    put(whole.lines, whole.head)
    rmSync(path)
    await expect(verify()).rejects.toMatchObject({
      code: 'corrupt',
      why: expect.stringContaining('13 records') as string,
    })
  })
})

describe('a stray line', () => {
  const chainOf = (run: string, after: readonly LogRecord[], size: number): readonly string[] =>
    logOf([...after, ...Array.from({ length: size }, () => refusal({ run }))]).lines.slice(after.length)
  const earlier = [refusal({ run: 'first' }), refusal({ run: 'first' })]
  const others = [refusal({ run: 'run-b' }), refusal({ run: 'run-b' })]
  const all = logOf([...earlier, ...others])

  it('is the problem, with its run, and no line before it is accused', async () => {
    put([...all.lines, ...chainOf('run-a', earlier, 3)], all.head)
    expect(await verify()).toMatchObject({
      head: 'agrees',
      end: { seq: 4 },
      problem: {
        kind: 'stray',
        line: 5,
        why: 'it continues line 2 and does not follow line 4. The run run-a wrote it without the lock, which happens if a run is suspended before it writes. The 2 lines after it are stray too',
        hint: expect.stringContaining('recovered') as string,
      },
    })
  })

  it('is the problem if an earlier version of dray wrote the head for it', async () => {
    const stray = logOf([...earlier, refusal({ run: 'run-a' }), refusal({ run: 'run-a' })])
    put([...all.lines, ...stray.lines.slice(2)], stray.head)
    expect((await verify()).problem).toMatchObject({
      kind: 'stray',
      line: 5,
      why: expect.stringMatching(/The run run-a .* The head belongs to this run$/) as string,
    })
  })

  it('is no explanation for lines of several runs behind an inserted line without a head that agrees', async () => {
    const rest = [refusal({ run: 'run-a' }), refusal({ run: 'run-c' })]
    const real = logOf([...earlier, ...rest])
    const inserted = logOf([...earlier, refusal({ run: 'forged' })]).lines
    for (const head of [real.head, undefined]) {
      put([...inserted, ...real.lines.slice(2)], head)
      const { problem } = await verify()
      expect(problem).toMatchObject({ kind: 'inserted', line: head === undefined ? 4 : 3 })
    }
  })
})

describe('times that go backward', () => {
  const timed = (...seconds: readonly number[]) =>
    seconds.map((second) => refusal({ time: new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString() }))

  it('are counted, with the first line, and are no problem', async () => {
    const { lines, head } = logOf(timed(0, 3600, 10, 20, 7200, 60))
    put(lines, head)
    const report = await verify()
    expect(report.problem).toBeUndefined()
    expect(report.backward).toEqual({
      count: 2,
      first: { line: 3, time: '2026-01-01T00:00:10.000Z', before: '2026-01-01T01:00:00.000Z' },
    })
  })

  it('are expected within a minute, for which a run may wait for the lock', async () => {
    const { lines, head } = logOf(timed(60, 0, 61, 1))
    put(lines, head)
    expect((await verify()).backward).toBeUndefined()
  })
})

/** The line number of every byte, and of the position after the last one. */
function lineNumbers(bytes: Buffer): number[] {
  let line = 1
  return [...bytes, 0].map((byte) => (byte === 10 ? line++ : line))
}

it('a log with lines of every length is read across the borders of reads', async () => {
  const sizes = [1, 1000, 262_000, 262_144, 500_000, 7, 262_143, 520_000]
  const records = sizes.map((size, i) => refusal({ id: `r${i}`, image: 'x'.repeat(size) }))
  const { lines, head } = logOf(records.map((one) => ({ ...one, image: one.image?.slice(0, 500_000) ?? '' })))
  put(lines, head)
  expect(readFileSync(path).byteLength).toBeGreaterThan(1_500_000)
  expect(await verify()).toMatchObject({ head: 'agrees', end: { seq: sizes.length } })
})
