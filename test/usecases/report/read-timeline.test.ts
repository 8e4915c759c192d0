import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { mergeFiles } from '../../../src/audit/merge/merge-files.ts'
import type { AuditRecord } from '../../../src/audit/log/record.ts'
import { readTimeline } from '../../../src/usecases/report/timeline/read-timeline.ts'
import { openLog, outcome, waitingClock } from '../../support/audit-log.ts'
import { tempFolder } from '../../support/temp.ts'

const now = Date.UTC(2026, 10, 23)
const dayMs = 86_400_000
const signal = new AbortController().signal

function promotion(daysAgo: number): AuditRecord {
  return outcome({
    run: `run-${daysAgo}`,
    time: new Date(now - daysAgo * dayMs).toISOString(),
    image: 'api:1.4.2',
    environment: { from: 'staging', to: 'prod' },
  })
}

async function logWith(path: string, records: readonly AuditRecord[]): Promise<void> {
  await using log = openLog(path)
  for (const one of records) await log.write([one])
}

const read = async (path: string, days = 90) =>
  await readTimeline(
    { path, since: now - days * dayMs, environments: ['staging', 'prod'] },
    waitingClock(now),
    signal,
  )

describe('the timeline of an audit log', () => {
  it('has the events of the period, the environments, and the verified end of the log', async () => {
    const path = join(await tempFolder(), 'audit.jsonl')
    await logWith(path, [promotion(100), promotion(30), promotion(2)])
    const { events, lanes, log } = await read(path)
    expect(events.map(({ run }) => run)).toEqual(['run-2', 'run-30'])
    expect(lanes).toEqual(['staging', 'prod'])
    expect(log).toMatchObject({ records: 3, head: 'agrees', isAbsent: false, torn: 0 })
    expect(log.hash).toMatch(/^sha256:/)
    expect(log.problem).toBeUndefined()
  })

  it('of a log that does not exist has no events and says so (16)', async () => {
    const { events, log } = await read(join(await tempFolder(), 'audit.jsonl'))
    expect(events).toEqual([])
    expect(log.isAbsent).toBe(true)
  })

  it('of a log that was removed without its head is an error (16)', async () => {
    const path = join(await tempFolder(), 'audit.jsonl')
    await logWith(path, [promotion(3)])
    await rm(path)
    await expect(read(path)).rejects.toMatchObject({ code: 'corrupt' })
  })

  it('of an empty log has no records (16)', async () => {
    const path = join(await tempFolder(), 'audit.jsonl')
    await writeFile(path, '')
    const { events, log } = await read(path)
    expect(events).toEqual([])
    expect(log).toMatchObject({ isAbsent: false, records: 0, hash: null, head: 'missing' })
  })

  it('of a rotated log begins with the first record of the new one (16)', async () => {
    const path = join(await tempFolder(), 'audit.jsonl')
    await logWith(path, [promotion(30)])
    for (const file of [path, `${path}.head`]) await rename(file, `${file}.old`)
    await logWith(path, [promotion(2)])
    const { events, log } = await read(path)
    expect(events.map(({ run }) => run)).toEqual(['run-2'])
    expect(log.span?.first).toBe(promotion(2).time)
  })

  it('of a merged log names the logs that it was merged from (16)', async () => {
    const folder = await tempFolder()
    const [one, other, path] = ['one.jsonl', 'other.jsonl', 'audit.jsonl'].map((name) => join(folder, name))
    await logWith(one ?? '', [promotion(30)])
    await logWith(other ?? '', [promotion(2)])
    await mergeFiles([one ?? '', other ?? ''], path ?? '', signal)
    const { events, log } = await read(path ?? '')
    expect(events).toHaveLength(2)
    expect(log.mergedFrom.toSorted()).toEqual([one, other])
  })

  it.each([
    ['a line that is no record', (lines: string[]) => lines.with(2, 'no record')],
    ['a changed record', (lines: string[]) => lines.with(2, (lines[2] ?? '').replace('tester', 'other'))],
    ['a removed record', (lines: string[]) => lines.toSpliced(2, 1)],
  ])('of a damaged log ends before %s (16)', async (_damage, change) => {
    const path = join(await tempFolder(), 'audit.jsonl')
    await logWith(path, [promotion(50), promotion(40), promotion(30), promotion(20)])
    const lines = (await readFile(path, 'utf8')).split('\n')
    await writeFile(path, change(lines).join('\n'))
    const { events, log } = await read(path)
    expect(log).toMatchObject({ records: 2, hash: null, problem: { line: 3 } })
    expect(events.map(({ run }) => run)).toEqual(['run-40', 'run-50'])
  })
})
