import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { followChain } from '../../../src/audit/query/log-lines.ts'
import { mergeLogs, type MergeSource, surveyLogs } from '../../../src/audit/merge/merge.ts'
import type { LogEntry, LogRecord } from '../../../src/audit/log/record.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { batches, chained, recordOf } from '../../support/log-lines.ts'

function at(second: number, id: string): LogRecord {
  return recordOf({ id, time: new Date(Date.UTC(2026, 2, 4) + second * 1000).toISOString() })
}

function source(name: string, lines: readonly string[], torn = ''): MergeSource {
  return { name, lines: () => batches(lines, torn) }
}

async function merge(...sources: readonly MergeSource[]): Promise<readonly string[]> {
  const lines: string[] = []
  for await (const { line } of mergeLogs(await surveyLogs(sources))) lines.push(line.toString())
  return lines
}

function entries(lines: readonly string[]): readonly LogEntry[] {
  return lines.map((line) => JSON.parse(line) as LogEntry)
}

function ids(lines: readonly string[]): readonly string[] {
  return entries(lines).map(({ id }) => id)
}

/** Restores a line as docs/audit-log.md says, without code of the merge. */
function originalLine(line: string): { readonly log: string; readonly line: string } {
  const { origin } = JSON.parse(line) as LogEntry
  if (origin === undefined) throw new Error('the line was not merged')
  const body = line.slice(line.indexOf('"time":'), -`,"origin":${JSON.stringify(origin)}}`.length)
  const inner = origin.origin === undefined ? '' : `,"origin":${JSON.stringify(origin.origin)}`
  const start = `{"seq":${origin.seq},"prev":${JSON.stringify(origin.prev)}`
  return { log: origin.log, line: `${start},${body}${inner}}` }
}

/** The original lines of each log. */
function originals(lines: readonly string[]): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const line of lines) {
    const original = originalLine(line)
    found.set(original.log, [...(found.get(original.log) ?? []), original.line])
  }
  return found
}

async function isWhole(lines: readonly string[]): Promise<boolean> {
  let seq = 0
  for await (const { position } of followChain(batches(lines), 'merged')) seq = position.seq
  return seq === lines.length
}

const a = chained([at(1, 'a1'), at(4, 'a2'), at(5, 'a3')])
const b = chained([at(2, 'b1'), at(3, 'b2'), at(6, 'b3')])

describe('merged logs', () => {
  it('are one valid chain, ordered by time', async () => {
    const merged = await merge(source('a', a), source('b', b))
    expect(ids(merged)).toEqual(['a1', 'b1', 'b2', 'a2', 'a3', 'b3'])
    expect(await isWhole(merged)).toBe(true)
  })

  it('restore every line of every log, byte for byte', async () => {
    const merged = await merge(source('a', a), source('b', b))
    expect(originals(merged)).toEqual(
      new Map([
        ['a', [...a]],
        ['b', [...b]],
      ]),
    )
    expect(entries(merged)[1]?.origin).toEqual({
      log: 'b',
      head: digestOf(b.at(-1) ?? ''),
      seq: 1,
      prev: null,
    })
  })

  it('can be merged again and still restore every line', async () => {
    const c = chained([at(0, 'c1'), at(9, 'c2')])
    const first = await merge(source('a', a), source('b', b))
    const second = await merge(source('first', first), source('c', c))
    expect(ids(second)).toEqual(['c1', 'a1', 'b1', 'b2', 'a2', 'a3', 'b3', 'c2'])
    expect(await isWhole(second)).toBe(true)
    expect(originals(second).get('first')).toEqual(first)
    expect(originals(originals(second).get('first') ?? []).get('a')).toEqual(a)
  })

  it('have a repeated record once, also after an earlier merge', async () => {
    const first = await merge(source('a', a), source('b', b))
    const again = await merge(source('first', first), source('a', a), source('b', b))
    expect(ids(again)).toEqual(['a1', 'b1', 'b2', 'a2', 'a3', 'b3'])
    expect(await isWhole(again)).toBe(true)
  })

  it('are refused if a record differs between logs', async () => {
    const forged = chained([recordOf({ id: 'a2', time: '2026-03-04T00:00:04.000Z', reason: 'forged' })])
    await expect(merge(source('a', a), source('b', forged))).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('a2'),
    })
  })

  it('are refused before the merge if a chain is broken, with the first bad line', async () => {
    const cut = b.toSpliced(1, 1)
    await expect(surveyLogs([source('a', a), source('b', cut)])).rejects.toMatchObject({
      code: 'corrupt',
      subject: 'b',
      message: expect.stringContaining('line 2'),
    })
    await expect(surveyLogs([source('a', a.slice(1))])).rejects.toMatchObject({ code: 'corrupt' })
  })

  it('are refused if a line is no record in a valid chain', async () => {
    const { id: _id, ...rest } = recordOf()
    await expect(surveyLogs([source('a', chained([rest as LogRecord]))])).rejects.toMatchObject({
      code: 'corrupt',
    })
    const origins = [null, 'x', []].map((origin) => ({ ...recordOf(), origin }))
    for (const record of origins) {
      await expect(merge(source('a', chained([record])))).rejects.toMatchObject({ code: 'malformed' })
    }
  })

  it('omit a torn record', async () => {
    expect(ids(await merge(source('a', a, '{"seq":4'), source('b', [...b, '{"seq":4'])))).toHaveLength(6)
  })

  it('keep the order of each log if its clock went back', async () => {
    const back = chained([at(9, 'x1'), at(2, 'x2'), at(3, 'x3')])
    expect(ids(await merge(source('x', back), source('a', a)))).toEqual(['a1', 'a2', 'a3', 'x1', 'x2', 'x3'])
  })

  it('are refused if a log changed since the survey, and omit lines that came since', async () => {
    const reads = [a, [...a, 'later'], a, a.slice(0, 2), a, chained([at(1, 'z'), at(4, 'a2'), at(5, 'a3')])]
    const changing: MergeSource = { name: 'a', lines: () => batches(reads.shift() ?? []) }
    expect(ids(await merge(changing))).toEqual(['a1', 'a2', 'a3'])
    await expect(merge(changing)).rejects.toMatchObject({ code: 'conflict' })
    await expect(merge(changing)).rejects.toMatchObject({ code: 'conflict' })
  })

  it('are refused if two have the same name or there are too many', async () => {
    await expect(surveyLogs([source('a', a), source('a', b)])).rejects.toMatchObject({ code: 'usage' })
    const many = Array.from({ length: 257 }, (_, i) => source(`log ${i}`, []))
    await expect(surveyLogs(many)).rejects.toMatchObject({ code: 'usage' })
  })

  it('of empty logs are empty', async () => {
    expect(await merge()).toEqual([])
    expect(await merge(source('a', []), source('b', []))).toEqual([])
  })

  it('are one chain with every record once that restores each line, for any logs', async () => {
    const log = fc.array(fc.tuple(fc.nat(20), fc.string({ unit: 'grapheme', maxLength: 5 })), {
      maxLength: 8,
    })
    await fc.assert(
      fc.asyncProperty(fc.array(log, { maxLength: 5 }), async (logs) => {
        const sources = logs.map((records, i) =>
          chained(records.map(([second, text], j) => at(second, `${i} ${j} ${text}`))),
        )
        const merged = await merge(...sources.map((lines, i) => source(`log "${i}"\u2028`, lines)))
        expect(await isWhole(merged)).toBe(true)
        expect(merged).toHaveLength(sources.flat().length)
        const given = originals(merged)
        for (const [i, lines] of sources.entries()) {
          expect(given.get(`log "${i}"\u2028`) ?? []).toEqual(lines)
        }
      }),
      { numRuns: 40 },
    )
  })
})
