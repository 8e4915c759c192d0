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
    await fc.assert(
      fc.asyncProperty(lineNumber, async (line) => {
        put(whole.lines.toSpliced(line - 1, 1), whole.head)
        expect((await verify()).problem).toMatchObject({ line })
      }),
    )
  })

  it('has a problem at an inserted line, or at the next if the inserted one follows the one before', async () => {
    await fc.assert(
      fc.asyncProperty(lineNumber, lineNumber, fc.boolean(), async (line, copied, fits) => {
        const before = logOf(loggedRecords.slice(0, line - 1))
        const forged = fits ? logOf([...loggedRecords.slice(0, line - 1), refusal()]).lines.at(-1) : undefined
        const inserted = forged ?? whole.lines[copied - 1] ?? ''
        put([...before.lines, inserted, ...whole.lines.slice(line - 1)], whole.head)
        // A copy of the existing line follows too.
        const isAfter = fits || copied === line
        expect((await verify()).problem).toMatchObject({ line: isAfter ? expectedAfter(line) : line })
      }),
    )
  })

  /** The head is compared with its line before there is a next one. */
  const expectedAfter = (line: number): unknown =>
    line === count ? expect.toSatisfy((n: number) => n === count || n === count + 1) : line + 1

  it('has a problem at the first of two swapped lines', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(lineNumber, { minLength: 2, maxLength: 2 }), async ([a = 1, b = 2]) => {
        const swapped = whole.lines
          .with(a - 1, whole.lines[b - 1] ?? '')
          .with(b - 1, whole.lines[a - 1] ?? '')
        put(swapped, whole.head)
        expect((await verify()).problem).toMatchObject({ line: Math.min(a, b) })
      }),
    )
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
    await fc.assert(
      fc.asyncProperty(lineNumber, async (line) => {
        const anew = logOf([
          ...loggedRecords.slice(0, line - 1),
          ...loggedRecords.slice(line - 1).map((one) => ({ ...one, tool: '9' })),
        ])
        put(anew.lines, whole.head)
        expect((await verify()).problem).toMatchObject({ line: count })
      }),
    )
  })

  it('has no problem if its end and its head were rewritten or cut, which needs a checkpoint', async () => {
    await fc.assert(
      fc.asyncProperty(lineNumber, fc.boolean(), async (line, isCut) => {
        const kept = loggedRecords.slice(0, line - 1)
        const rest = isCut ? [] : loggedRecords.slice(line - 1).map((one) => ({ ...one, tool: '9' }))
        const anew = logOf([...kept, ...rest])
        put(anew.lines, anew.lines.length === 0 ? undefined : anew.head)
        expect((await verify()).problem).toBeUndefined()
      }),
    )
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
