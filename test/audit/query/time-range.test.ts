import { appendFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import * as fc from 'fast-check'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { matcher } from '../../../src/audit/query/filter.ts'
import { selectLines } from '../../../src/audit/query/select-lines.ts'
import type { AuditRecord } from '../../../src/audit/log/record.ts'
import { formatHead } from '../../../src/audit/log/head.ts'
import { outcome, record, refusal, tagStep } from '../../support/audit-log.ts'
import { writeLog } from '../../support/log-files.ts'
import { tempFolder } from '../../support/temp.ts'

const never = new AbortController().signal
const minute = 60_000
const hour = 60 * minute
const firstTime = Date.UTC(2026, 10, 23)
/** Long lines make a large log of few records. */
const filler = 'x'.repeat(8_000)

let path: string
beforeEach(async () => {
  path = `${await tempFolder()}/audit.jsonl`
})

interface Query {
  readonly since?: number | undefined
  readonly until?: number | undefined
  readonly limit?: number | undefined
  readonly withoutSettled?: boolean | undefined
}

/** The numbers of the selected lines: the lines themselves are too long to be compared. */
async function select({ since, until, limit, withoutSettled = false }: Query): Promise<number[]> {
  const options = { since, until, matches: matcher({ since, until }), withoutSettled }
  await using selection = await selectLines(
    path,
    { ...options, ...(limit !== undefined && { limit }) },
    never,
  )
  const numbers: number[] = []
  for await (const batch of selection.batches) for (const { entry } of batch) numbers.push(entry.seq)
  return numbers
}

/** What `select` finds if it reads every line. */
function expected(
  records: readonly AuditRecord[],
  { since, until, limit, withoutSettled = false }: Query,
): number[] {
  const matches = matcher({ since, until })
  const isSettled = (intent: AuditRecord, index: number): boolean =>
    records.slice(index).some(({ phase, step }) => phase === 'outcome' && step?.id === intent.step?.id)
  const found = records.flatMap((one, index) => {
    const isHidden = withoutSettled && one.phase === 'intent' && isSettled(one, index)
    return matches(one) && !isHidden ? [index + 1] : []
  })
  return limit === undefined ? found : found.slice(-limit)
}

const at = (time: number): string => new Date(time).toISOString()

/** Intents and outcomes whose times are `minutes` after the first. */
function recordsAt(minutes: readonly number[]): readonly AuditRecord[] {
  return minutes.map((time, i) => {
    const step = tagStep(`s${i - (i % 4 < 2 ? 0 : 2)}`)
    const fields = { step, time: at(firstTime + time * minute), reason: filler }
    return i % 4 < 2 ? record(fields) : outcome(fields)
  })
}

/** Counts the bytes that all files are asked for. */
async function countBytes(): Promise<() => number> {
  const handle = await open(path)
  const methods = Object.getPrototypeOf(handle) as FileHandle
  await handle.close()
  const spy = vi.spyOn(methods, 'read')
  onTestFinished(() => spy.mockRestore())
  return () => spy.mock.calls.reduce((sum, call) => sum + Number((call as readonly unknown[])[2]), 0)
}

const count = 400
const indexes = Array.from({ length: count }, (_, i) => i)
const moment = fc.option(
  fc.integer({ min: -100, max: 500 }).map((minutes) => firstTime + minutes * minute),
  { nil: undefined },
)
const query: fc.Arbitrary<Query> = fc.record({
  since: moment,
  until: moment,
  limit: fc.option(fc.integer({ min: 1, max: 100 }), { nil: undefined }),
  withoutSettled: fc.boolean(),
})

/** Ranges from a time on, and up to it. */
const ranges: readonly Query[] = Array.from(
  { length: count / 20 },
  (_, i) => firstTime + i * 20 * minute,
).flatMap((time) => [{ since: time }, { until: time }])

describe('records of a range of times', () => {
  it('are all found if no record is older by more than an hour than one before it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 59 }), { minLength: count, maxLength: count }),
        fc.array(query, { minLength: 12, maxLength: 12 }),
        async (late, queries) => {
          const records = recordsAt(late.map((minutes, i) => i - minutes))
          writeLog(path, records)
          for (const one of queries) expect(await select(one)).toEqual(expected(records, one))
        },
      ),
      { numRuns: 6 },
    )
  })

  it('are found with a bounded number of bytes, however long the log is', async () => {
    const bytes: number[] = []
    for (const length of [20_000, 40_000]) {
      const times = Array.from({ length }, (_, i) => firstTime + (i - length) * minute)
      writeLog(
        path,
        times.map((time) => refusal({ time: at(time) })),
      )
      const counted = await countBytes()
      const end = Array.from({ length: 60 }, (_, i) => length - 59 + i)
      expect(await select({ since: firstTime - hour })).toEqual(end)
      expect(await select({ since: firstTime - hour, withoutSettled: true, limit: 500 })).toEqual(end)
      expect(await select({ until: firstTime - (length - 60) * minute })).toHaveLength(60)
      bytes.push(counted())
      vi.restoreAllMocks()
    }
    const [some = 0, twice = 0] = bytes
    // Three searches, and the records that may be out of order.
    expect(some).toBeLessThan(3 * 1024 * 1024 + 512 * 1024)
    // A log that is twice as long takes each search one step more.
    expect(twice).toBeLessThan(some + 4 * 64 * 1024)
  })

  it('are found before the records of a run that was suspended for hours', async () => {
    const late = indexes.map((i) => (i >= 340 && i < 355 ? i - 300 : i))
    const records = recordsAt(late)
    writeLog(path, records)
    for (const { since } of ranges) expect(await select({ since })).toEqual(expected(records, { since }))
  })

  it('are found if the clock was a day ahead for half of the log', async () => {
    const records = recordsAt(indexes.map((i) => (i < count / 2 ? i + 24 * 60 : i)))
    writeLog(path, records)
    for (const one of ranges) expect(await select(one)).toEqual(expected(records, one))
  })

  it.each([
    ['after the last record', { since: firstTime + 1000 * minute }],
    ['before the first record', { until: firstTime }],
    ['empty', { since: firstTime + 100 * minute, until: firstTime + 50 * minute }],
  ])('are none if the range is %s', async (_, one) => {
    writeLog(path, recordsAt(indexes))
    expect(await select(one)).toEqual([])
    expect(await select({ ...one, withoutSettled: true, limit: 5 })).toEqual([])
  })

  it('are none of an empty log', async () => {
    writeFileSync(path, '')
    for (const one of ranges.slice(0, 2)) expect(await select(one)).toEqual([])
  })

  it('are found in a log with a torn end, line ends of Windows, and very long lines', async () => {
    const records = Array.from({ length: 30 }, (_, i) =>
      refusal({ time: at(firstTime + i * hour), reason: i % 5 < 2 ? 'y'.repeat(500_000) : filler }),
    )
    const lines = writeLog(path, records)
    const queries = [{ since: firstTime + 20 * hour }, { until: firstTime + 9 * hour }, { since: firstTime }]
    appendFileSync(path, '{"seq":31,"prev":"sha256:')
    for (const one of queries) expect(await select(one)).toEqual(expected(records, one))
    writeFileSync(path, lines.map((line) => `${line}\r\n`).join(''))
    for (const one of queries) expect(await select(one)).toEqual(expected(records, one))
  })

  it('are found if the lines do not begin with a time', async () => {
    const records = recordsAt(indexes)
    const turned = writeLog(path, records).map((line) => {
      const { time, ...rest } = JSON.parse(line) as AuditRecord
      return JSON.stringify({ ...rest, time })
    })
    writeFileSync(path, turned.map((line) => `${line}\n`).join(''))
    for (const one of ranges.slice(0, 6)) expect(await select(one)).toEqual(expected(records, one))
  })

  it('are not checked outside of the range', async () => {
    const lines = writeLog(path, recordsAt(indexes))
    writeFileSync(
      path,
      lines
        .with(3, 'nonsense')
        .map((line) => `${line}\n`)
        .join(''),
    )
    expect(await select({ since: firstTime + (count - 2) * minute })).toEqual([count - 1, count])
    await expect(select({ since: firstTime - 1 })).rejects.toMatchObject({ code: 'malformed' })
  })
})

describe('an intent in the table', () => {
  const intents = ['found', 'lost'].map((id) => record({ step: tagStep(id), time: at(firstTime) }))
  const others = Array.from({ length: 600 }, (_, i) =>
    refusal({ time: at(firstTime + i * hour), reason: filler }),
  )
  const found = outcome({ step: tagStep('found'), time: at(firstTime + 600 * hour) })
  const range = { until: firstTime + minute, withoutSettled: true }

  it('is shown only if no outcome follows, also behind the range', async () => {
    writeLog(path, [...intents, ...others, found])
    expect(await select(range)).toEqual([2, 3])
    rmSync(`${path}.head`)
    expect(await select(range)).toEqual([2, 3])
  })

  it('needs nothing of the rest of the log if the head shows that it is settled', async () => {
    const { length: seq } = writeLog(path, [...intents.slice(0, 1), ...others, found])
    const { size } = statSync(path)
    const settled = { seq, offset: size }
    writeFileSync(`${path}.head`, formatHead({ seq, hash: record().plan, size, settled }))
    const counted = await countBytes()
    expect(await select(range)).toEqual([2])
    expect(counted()).toBeLessThan(size / 2)
  })
})
