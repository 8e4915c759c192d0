import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { beforeEach, describe, expect, it } from 'vitest'
import { advance, formatLine, type Position, startOfChain } from '../../../src/audit/log/chain.ts'
import { formatHead } from '../../../src/audit/log/head.ts'
import type { AuditRecord, LogRecord } from '../../../src/audit/log/record.ts'
import { verifyLog } from '../../../src/audit/verify/verify-log.ts'
import {
  chainComplaints,
  entriesOf,
  linesOf,
  openLog,
  outcome,
  record,
  refusal,
  tagStep,
  waitingClock,
} from '../../support/audit-log.ts'
import { hookedLog, suspendedWriter } from '../../support/suspended-writer.ts'
import { tempFolder } from '../../support/temp.ts'

let path: string
beforeEach(async () => {
  path = `${await tempFolder()}/audit.jsonl`
})

const verify = () => verifyLog(path, { clock: waitingClock() }, new AbortController().signal)
const ids = (): string[] => entriesOf(path).flatMap((one) => (one.phase === 'recovered' ? [] : [one.id]))
const recovered = () => entriesOf(path).flatMap((one) => (one.phase === 'recovered' ? [one] : []))
const keptText = (): string[] => recovered().map(({ torn }) => Buffer.from(torn, 'base64').toString())
const intents = (run: string, count: number): AuditRecord[] =>
  Array.from({ length: count }, (_, n) => record({ run, step: tagStep(`${run}-${n}`) }))

/** The records as lines after `start`, which may be an earlier position than the end of the log. */
function linesAfter(start: Position, records: readonly LogRecord[]): { text: string; end: Position } {
  let end = start
  let text = ''
  for (const one of records) {
    const line = formatLine(one, end)
    end = advance(end, Buffer.from(line))
    text += `${line}\n`
  }
  return { text, end }
}

/** As another process does that takes over the lock of a suspended process. */
const loseLock = (): void => rmSync(`${path}.lock`, { force: true })

/** The end of the log after its line of this number. */
const positionAfter = (seq: number): Position =>
  linesOf(path)
    .slice(0, seq)
    .reduce((end, line) => advance(end, Buffer.from(line)), startOfChain)

/** Returns the ids of the records. */
async function withRecords(): Promise<readonly string[]> {
  await openLog(path).write([refusal(), refusal()])
  return ids()
}

const setUps: readonly (readonly [string, () => Promise<readonly string[]>])[] = [
  ['a new log', async () => []],
  ['a log with records', withRecords],
  [
    'a log with a torn end',
    async () => {
      const before = await withRecords()
      appendFileSync(path, '{"seq":3,"prev":"sha256:')
      return before
    },
  ],
  [
    'a log with stray lines',
    async () => {
      const before = await withRecords()
      appendFileSync(path, linesAfter(positionAfter(1), intents('run-z', 2)).text)
      return before
    },
  ],
]

describe.each(setUps)('a run that is suspended at any operation on %s', (_, setUp) => {
  it('while another run takes the lock and writes: loses nothing, and both continue one chain', async () => {
    const wrong: string[] = []
    let points = 0
    for (let at = 1; ; at++) {
      path = `${await tempFolder()}/audit.jsonl`
      const before = await setUp()
      const [mine, others] = [intents('run-a', 3), intents('run-b', 2)]
      const writer = suspendedWriter(path, (count) => count === at)
      const writing = writer.log.write(mine)
      const isSuspended = await Promise.race([writer.reached.then(() => true), writing.then(() => false)])
      if (!isSuspended) break
      points++
      loseLock()
      const other = openLog(path)
      await other.write(others)
      writer.resume()
      await writing
      const ends = [mine, others].map((written) =>
        written.map((one) => outcome({ ...one, id: `${one.id}-end`, phase: 'outcome' })),
      )
      await other.write(ends[1] ?? [])
      await writer.log.write(ends[0] ?? [])
      const report = await verify()
      const expected = new Set([...before, ...[...mine, ...others, ...ends.flat()].map(({ id }) => id)])
      const seen = ids()
      const complaints = [
        ...chainComplaints(path),
        ...(report.problem === undefined ? [] : [report.problem.why]),
        ...(report.head === 'agrees' ? [] : [`the head ${report.head}`]),
        ...(seen.length === expected.size && seen.every((id) => expected.has(id))
          ? []
          : [`records ${seen.join()}`]),
        ...(mine
          .map(({ id }) => seen.indexOf(id))
          .every((place, i, all) => i === 0 || place > (all[i - 1] ?? 0))
          ? []
          : ['order']),
        ...(report.open.alive.length + report.open.lost.length === 0 ? [] : ['open intents']),
        ...(existsSync(`${path}.torn`) ? ['torn bytes are left aside'] : []),
      ]
      wrong.push(...complaints.map((one) => `suspended before operation ${at}: ${one}`))
      await writer.log.close()
      await other.close()
    }
    expect(points).toBeGreaterThan(4)
    expect(wrong).toEqual([])
  })
})

describe('lines of a run that was suspended before its write', () => {
  it('are kept as recovered, with the run that wrote them, and written again where they belong', async () => {
    await openLog(path).write([refusal()])
    const writer = suspendedWriter(path, (_, operation) => operation === 'write')
    const mine = intents('run-a', 2)
    const writing = writer.log.write(mine)
    await writer.reached
    loseLock()
    const others = intents('run-b', 1)
    await openLog(path).write(others)
    const stray = linesAfter(positionAfter(1), mine).text
    writer.resume()
    await writing
    expect(ids().slice(1)).toEqual([...others, ...mine].map(({ id }) => id))
    expect(recovered().map(({ writtenBy }) => writtenBy)).toEqual(['run-a', 'run-a'])
    expect(
      keptText()
        .map((line) => `${line}\n`)
        .join(''),
    ).toBe(stray)
    expect((await verify()).problem).toBeUndefined()
  })

  it('are not written again if the run that took over has them in its chain', async () => {
    await openLog(path).write([refusal()])
    const writer = suspendedWriter(path, (_, operation) => operation === 'datasync')
    const mine = intents('run-a', 2)
    const writing = writer.log.write(mine)
    await writer.reached
    loseLock()
    await openLog(path).write(intents('run-b', 1))
    const before = readFileSync(path, 'utf8')
    writer.resume()
    await writing
    expect(readFileSync(path, 'utf8')).toBe(before)
    expect(recovered()).toEqual([])
  })

  it.each([
    ['torn in its text', (line: string) => line.slice(0, 300)],
    ['torn in its hash', (line: string) => line.slice(0, 30)],
    ['torn in its number', (line: string) => line.slice(0, 8)],
  ])('are kept by the next run if their own run has died, also a last line %s', async (_, tear) => {
    await openLog(path).write([refusal(), refusal(), refusal()])
    const [first, second] = [linesAfter(startOfChain, intents('run-a', 3)), intents('run-c', 1)]
    const torn = tear(linesAfter(positionAfter(1), second).text)
    appendFileSync(path, first.text + torn)
    await openLog(path).write([record({ run: 'run-d' })])
    expect(chainComplaints(path)).toEqual([])
    expect(recovered().map(({ run, writtenBy }) => [run, writtenBy])).toEqual([
      ...Array.from({ length: 3 }, () => ['run-d', 'run-a']),
      ['run-d', undefined],
    ])
    expect(keptText().join('\n')).toBe(first.text + torn)
    expect((await verify()).problem).toBeUndefined()
  })

  it('are kept if they were written behind a torn line of a third run', async () => {
    await openLog(path).write([refusal(), refusal()])
    const torn = linesAfter(positionAfter(2), intents('run-b', 1)).text.slice(0, 200)
    const stray = linesAfter(positionAfter(1), intents('run-a', 2)).text
    appendFileSync(path, torn + stray)
    await openLog(path).write([record({ run: 'run-d' })])
    expect(chainComplaints(path)).toEqual([])
    expect(
      keptText()
        .map((line) => `${line}\n`)
        .join(''),
    ).toBe(torn + stray)
  })

  it('are kept in several records if one would be too long', async () => {
    await openLog(path).write([refusal(), refusal()])
    const long = linesAfter(positionAfter(1), [record({ run: 'run-a', image: 'x'.repeat(520_000) })]).text
    appendFileSync(path, long)
    await openLog(path).write([record({ run: 'run-d' })])
    expect(chainComplaints(path)).toEqual([])
    expect(recovered().map(({ writtenBy }) => writtenBy)).toEqual(['run-a', 'run-a'])
    expect(`${keptText().join('')}\n`).toBe(long)
  })

  it('are kept up to 8 MiB, and more of them stop every run', async () => {
    await openLog(path).write([refusal(), refusal()])
    const long = (count: number): string =>
      linesAfter(
        positionAfter(1),
        intents('run-a', count).map((one) => ({ ...one, image: 'x'.repeat(500_000) })),
      ).text
    const before = readFileSync(path)
    appendFileSync(path, long(17))
    await expect(openLog(path).write([record({ run: 'run-d' })])).rejects.toMatchObject({ code: 'audit' })
    writeFileSync(path, before)
    appendFileSync(path, long(16))
    await openLog(path).write([record({ run: 'run-d' })])
    expect(chainComplaints(path)).toEqual([])
    expect(recovered()).toHaveLength(16 * 2)
  })

  it('are kept once, wherever the recovery was interrupted', async () => {
    await openLog(path).write([refusal(), refusal()])
    const [before, head] = [readFileSync(path), readFileSync(`${path}.head`)]
    const stray = linesAfter(positionAfter(1), intents('run-a', 3)).text
    appendFileSync(path, stray)
    await openLog(path).write([record({ run: 'run-d' })])
    const lines = linesOf(path)
      .slice(2, 5)
      .map((line) => `${line}\n`)
    const torn = Buffer.from(stray).toString('base64')
    for (const left of [
      stray,
      '',
      lines[0]?.slice(0, 200) ?? '',
      lines.slice(0, 1).join(''),
      lines.slice(0, 1).join('') + (lines[1]?.slice(0, 400) ?? ''),
      lines.slice(0, 2).join(''),
      lines.join(''),
      // Another suspended run wrote meanwhile.
      stray + linesAfter(positionAfter(1), intents('run-c', 1)).text,
      linesAfter(positionAfter(1), intents('run-c', 1)).text,
      lines.slice(0, 1).join('') + linesAfter(positionAfter(1), intents('run-c', 1)).text,
    ]) {
      writeFileSync(path, Buffer.concat([before, Buffer.from(left)]))
      writeFileSync(`${path}.head`, head)
      writeFileSync(`${path}.torn`, JSON.stringify({ offset: before.byteLength, torn }))
      await openLog(path).write([record({ run: 'run-d' })])
      expect(chainComplaints(path)).toEqual([])
      const writers = recovered().map(({ writtenBy }) => writtenBy)
      expect(
        writers.filter((run) => run === 'run-a'),
        left,
      ).toHaveLength(3)
      expect(writers.filter((run) => run === 'run-c')).toHaveLength(left.includes('run-c') ? 1 : 0)
      expect(writers).toHaveLength(left.includes('run-c') ? 4 : 3)
      expect(existsSync(`${path}.torn`)).toBe(false)
    }
  })
})

describe('the head', () => {
  it('of a suspended run that replaces a later one is behind, and the log is continued', async () => {
    const log = openLog(path)
    await log.write([record({ run: 'run-a' })])
    const late = readFileSync(`${path}.head`)
    await openLog(path).write([record({ run: 'run-b' })])
    writeFileSync(`${path}.head`, late)
    expect(await verify()).toMatchObject({ head: 'behind' })
    await openLog(path).write([record({ run: 'run-c' })])
    expect(await verify()).toMatchObject({ head: 'agrees', end: { seq: 3 } })
  })

  it('that an earlier version wrote for stray lines does not stop the next run', async () => {
    await openLog(path).write([refusal(), refusal()])
    const stray = linesAfter(positionAfter(2), intents('run-a', 2))
    const others = intents('run-b', 3)
    await openLog(path).write(others)
    appendFileSync(path, stray.text)
    writeFileSync(`${path}.head`, formatHead({ ...stray.end, settled: { seq: 0, offset: 0 } }))
    const next = record({ run: 'run-d' })
    await openLog(path).write([next])
    expect(await verify()).toMatchObject({ head: 'agrees', counts: { recovered: 2 } })
    expect((await verify()).problem).toBeUndefined()
    expect(ids().slice(2)).toEqual([...others, next].map(({ id }) => id))
    expect(recovered().map(({ writtenBy }) => writtenBy)).toEqual(['run-a', 'run-a'])
  })
})

describe('bytes behind the end of a log that no suspended run can have written', () => {
  const others = intents('run-b', 2)
  const stray = (): string => linesAfter(positionAfter(1), intents('run-a', 2)).text
  it.each([
    ['a copy of an earlier line', () => `${linesOf(path)[1]}\n`],
    ['a stray line without a phase', () => stray().replace('"phase":"intent",', '')],
    ['stray lines of which one was changed', () => stray().replace('tester', 'nobody')],
    ['a stray line and a line of another program', () => `${stray()}hello\n`],
    [
      'a line that continues no line of the log',
      () => linesAfter({ ...startOfChain, seq: 1, hash: `sha256:${'0'.repeat(64)}` }, others).text,
    ],
    ['a stray line with a torn line of another program', () => `${stray()}hello`],
  ])('such as %s stop every run', async (_, bytes) => {
    await openLog(path).write([refusal(), refusal(), refusal()])
    appendFileSync(path, bytes())
    const before = readFileSync(path)
    await expect(openLog(path).write([record()])).rejects.toMatchObject({ code: 'audit' })
    expect(readFileSync(path)).toEqual(before)
    expect((await verify()).problem).toBeDefined()
  })

  it('such as an original end behind an inserted line stop every run', async () => {
    await openLog(path).write([refusal(), refusal()])
    const start = positionAfter(1)
    const [, last = ''] = linesOf(path)
    const inserted = linesAfter(start, [record({ run: 'forged' })]).text
    writeFileSync(path, `${linesOf(path)[0]}\n${inserted}${last}\n`)
    // One run wrote both the line that was displaced and a line behind it.
    const end = linesAfter(advance(start, Buffer.from(last)), [
      record({ run: 'run1' }),
      record({ run: 'run2' }),
    ])
    appendFileSync(path, end.text)
    writeFileSync(`${path}.head`, formatHead({ ...end.end, settled: { seq: 0, offset: 0 } }))
    await expect(openLog(path).write([record()])).rejects.toMatchObject({ code: 'audit' })
  })
})

describe('a write that fails', () => {
  const full = (): Error => Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })

  it('takes back its own bytes', async () => {
    await openLog(path).write([refusal()])
    const before = readFileSync(path)
    const log = hookedLog(path, async (operation, handle, [bytes]) => {
      if (operation !== 'write') return
      await handle.write((bytes as Buffer).subarray(0, 100))
      throw full()
    })
    await expect(log.write(intents('run-a', 2))).rejects.toMatchObject({ code: 'audit' })
    expect(readFileSync(path)).toEqual(before)
  })

  it.each([
    ['behind', (own: Buffer, stray: Buffer) => Buffer.concat([own, stray])],
    ['before', (own: Buffer, stray: Buffer) => Buffer.concat([stray, own])],
  ])('takes back nothing if another process wrote %s its bytes', async (_, order) => {
    await openLog(path).write([refusal(), refusal()])
    const stray = Buffer.from(linesAfter(positionAfter(1), intents('run-c', 1)).text)
    const mine = intents('run-a', 2)
    const log = hookedLog(path, async (operation, handle, [bytes]) => {
      if (operation !== 'write') return
      await handle.write(order(bytes as Buffer, stray))
      throw full()
    })
    await expect(log.write(mine)).rejects.toMatchObject({ code: 'audit' })
    await openLog(path).write([record({ run: 'run-d' })])
    expect(chainComplaints(path)).toEqual([])
    expect(recovered().map(({ writtenBy }) => writtenBy)).toContain('run-c')
    expect((await verify()).problem).toBeUndefined()
  })

  it('takes back nothing if another run has its lock', async () => {
    await openLog(path).write([refusal()])
    const others = intents('run-b', 2)
    const mine = intents('run-a', 2)
    let isFirst = true
    const log = hookedLog(path, async (operation, handle, [bytes]) => {
      if (operation !== 'write' || !isFirst) return
      isFirst = false
      loseLock()
      await handle.write((bytes as Buffer).subarray(0, 100))
      await openLog(path).write(others)
      throw full()
    })
    await log.write(mine)
    expect(chainComplaints(path)).toEqual([])
    expect(ids().slice(1)).toEqual([...others, ...mine].map(({ id }) => id))
    expect(recovered()).toHaveLength(1)
  })

  it('ends with an error if its lock is taken again and again', async () => {
    await openLog(path).write([refusal()])
    let writes = 0
    const log = hookedLog(path, async (operation) => {
      if (operation !== 'write') return
      loseLock()
      await openLog(path).write([refusal({ run: `run-${writes++}` })])
    })
    await expect(log.write(intents('run-a', 1))).rejects.toMatchObject({ code: 'audit' })
    expect(writes).toBe(5)
  })
})

describe('an error that is due to a lost lock', () => {
  it('is not reported: the open intents are read again', async () => {
    await openLog(path).write(intents('run-b', 2))
    let isFirst = true
    const log = hookedLog(path, async (operation) => {
      if (operation !== 'read' || !isFirst || !existsSync(`${path}.lock`)) return
      isFirst = false
      loseLock()
      await openLog(path).write(intents('run-c', 1))
      throw new Error('the log looks damaged')
    })
    expect((await log.openIntents()).map((one) => one.record.run)).toEqual(['run-b', 'run-b', 'run-c'])
  })
})
