import { readFile, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ChainedLog } from '../../../src/audit/log/chained-log.ts'
import { readHead } from '../../../src/audit/log/head.ts'
import { mergeFiles } from '../../../src/audit/merge/merge-files.ts'
import { verifyLog } from '../../../src/audit/verify/verify-log.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { chained, recordOf } from '../../support/log-lines.ts'
import { tempFolder } from '../../support/temp.ts'

const { signal } = new AbortController()

async function logs(): Promise<{ readonly folder: string; readonly paths: readonly string[] }> {
  const folder = await tempFolder()
  const paths = await Promise.all(
    ['a', 'b', 'c'].map(async (name, i) => {
      const records = Array.from({ length: 40 }, (_, j) => [
        recordOf({ id: `${name}${j}i`, run: `${name}${j}`, phase: 'intent', time: timeOf(j * 3 + i) }),
        recordOf({ id: `${name}${j}o`, run: `${name}${j}`, time: timeOf(j * 3 + i) }),
      ])
      const path = join(folder, `${name}.jsonl`)
      await writeFile(path, `${chained(records.flat()).join('\n')}\n`)
      return path
    }),
  )
  return { folder, paths }
}

function timeOf(second: number): string {
  return new Date(Date.UTC(2026, 2, 4) + second * 1000).toISOString()
}

describe('logs that are merged into a file', () => {
  it('become a log that verifies with its head, readable only for its owner', async () => {
    const { folder, paths } = await logs()
    const out = join(folder, 'merged.jsonl')
    expect(await mergeFiles(paths, out, signal)).toEqual({ lines: 240, merged: 240 })
    const report = await verifyLog(out, { clock: systemClock }, signal)
    expect(report).toMatchObject({ head: 'agrees', torn: 0, end: { seq: 240 } })
    expect(report.problem).toBeUndefined()
    expect((await stat(out)).mode & 0o777).toBe(0o600)
  })

  it('can be continued', async () => {
    const { folder, paths } = await logs()
    const out = join(folder, 'merged.jsonl')
    await mergeFiles(paths, out, signal)
    const log = new ChainedLog(out, { clock: systemClock, newId: () => crypto.randomUUID() })
    await log.write([recordOf({ id: 'next', phase: 'refused' })])
    await log.close()
    const report = await verifyLog(out, { clock: systemClock }, signal)
    expect(report).toMatchObject({ head: 'agrees', end: { seq: 241 } })
    expect(report.problem).toBeUndefined()
  })

  it('keep an intent open if none of them has its outcome', async () => {
    const folder = await tempFolder()
    const [path, out] = [join(folder, 'a.jsonl'), join(folder, 'merged.jsonl')]
    const done = [recordOf({ id: '1', run: 'a', phase: 'intent' }), recordOf({ id: '2', run: 'a' })]
    const lost = [
      recordOf({ id: '3', run: 'b', phase: 'intent' }),
      recordOf({ id: '4', run: 'c', phase: 'refused' }),
    ]
    await writeFile(path, `${chained([...done, ...lost]).join('\n')}\n`)
    await mergeFiles([path], out, signal)
    expect(await readHead(out)).toMatchObject({ seq: 4, settled: { seq: 2 } })
    const report = await verifyLog(out, { clock: systemClock }, signal)
    expect(report.open.lost.map(({ record }) => record)).toEqual(lost.slice(0, 1))
  })

  it('are not written if one of them is broken, and leave nothing behind', async () => {
    const { folder, paths } = await logs()
    const lines = (await readFile(paths[1] ?? '', 'utf8')).split('\n')
    await writeFile(paths[1] ?? '', lines.toSpliced(20, 1).join('\n'))
    const before = (await readdir(folder)).toSorted()
    await expect(mergeFiles(paths, join(folder, 'merged.jsonl'), signal)).rejects.toMatchObject({
      code: 'corrupt',
      subject: paths[1],
    })
    expect((await readdir(folder)).toSorted()).toEqual(before)
  })

  it('never replace an existing file', async () => {
    const { paths } = await logs()
    const [first = '', second = ''] = paths
    const before = await readFile(second)
    await expect(mergeFiles([first], second, signal)).rejects.toMatchObject({ code: 'usage' })
    expect(await readFile(second)).toEqual(before)
  })
})
