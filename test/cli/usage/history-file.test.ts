import { appendFile, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { UsageHistoryFile } from '../../../src/cli/usage/history-file.ts'
import type { UsageRecord } from '../../../src/usecases/usage/growth/usage-record.ts'
import { type Clock, systemClock } from '../../../src/lib/clock.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { tempFolder } from '../../support/temp.ts'

const call = { signal: new AbortController().signal, notify: () => undefined }
const clock = manualClock(Date.parse('2026-06-30T12:00:00Z'))

function record(bytes: number, day = '2026-06-30'): UsageRecord {
  return { day, repository: 'registry.example.com/web', tags: 1, manifests: 2, bytes, untagged: null }
}

async function historyFile(
  clockOf: Clock = clock,
): Promise<{ readonly file: UsageHistoryFile; readonly path: string }> {
  const home = await tempFolder()
  const file = new UsageHistoryFile({ HOME: home, XDG_STATE_HOME: join(home, 'state') }, clockOf)
  return { file, path: join(home, 'state', 'dray', 'usage.jsonl') }
}

describe('the growth file', () => {
  it('has a line for each repository and day, which only this user can read', async () => {
    const { file, path } = await historyFile()
    expect(await file.read()).toEqual({ records: [], notes: [] })
    expect(await file.add([record(1, '2026-06-29')], call)).toEqual([])
    await file.add([record(2)], call)
    await file.add([record(3)], call)
    expect((await file.read()).records).toEqual([record(1, '2026-06-29'), record(3)])
    expect((await readFile(path, 'utf8')).split('\n')).toHaveLength(3)
    expect([(await stat(path)).mode & 0o777, (await stat(dirname(path))).mode & 0o777]).toEqual([
      0o600, 0o700,
    ])
  })

  it('keeps the records of runs at the same time', async () => {
    // The locks of the others end after real time.
    const { file } = await historyFile(systemClock)
    const names = Array.from({ length: 10 }, (_, i) => `registry.example.com/r${i}`)
    await Promise.all(names.map((repository) => file.add([{ ...record(1), repository }], call)))
    const { records } = await file.read()
    expect(records.map(({ repository }) => repository).toSorted()).toEqual(names)
  })

  it('skips damaged lines with a note, and the next record removes them (case 8)', async () => {
    const { file, path } = await historyFile()
    await file.add([record(1, '2026-06-01')], call)
    const damaged = ['{"day":"2026-06', 'null', '{"day":"2026-02-30","repository":"a"}', '{"day":1}']
    await appendFile(path, damaged.join('\n'))
    const { records, notes } = await file.read()
    expect(records).toEqual([record(1, '2026-06-01')])
    expect(notes.join()).toContain('dray skips 4 damaged lines')
    await file.add([record(2)], call)
    expect(await file.read()).toEqual({ records: [record(1, '2026-06-01'), record(2)], notes: [] })
  })

  it('is not read through a link, and the report is made without it', async () => {
    const { file, path } = await historyFile()
    const other = join(await tempFolder(), 'other')
    await writeFile(other, `${JSON.stringify(record(1))}\n`)
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await symlink(other, path)
    const { records, notes } = await file.read()
    expect(records).toEqual([])
    expect(notes.join()).toContain('Growth is unknown')
  })

  it('is a note if there is no folder for it', async () => {
    const folder = await tempFolder()
    await writeFile(join(folder, 'file'), '')
    const file = new UsageHistoryFile({ XDG_STATE_HOME: join(folder, 'file') }, clock)
    const notes = await file.add([record(1)], call)
    expect(notes.join()).toMatch(/^This run is not recorded for growth: /)
  })
})
