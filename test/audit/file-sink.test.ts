import { mkdir, readFile, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FileSink } from '../../src/audit/file-sink.ts'
import type { AuditRecord } from '../../src/audit/record.ts'
import { tempFolder } from '../support/temp.ts'

const record = (id: string): AuditRecord => ({
  schema: 'dray.audit/1',
  id,
  run: 'run',
  time: '2026-01-02T03:04:05.000Z',
  phase: 'intent',
  operation: 'promote',
  plan: 'sha256:0',
  policy: 'sha256:0',
  actor: { user: 'tester', host: 'here' },
  tool: '0',
})

async function idsIn(file: string): Promise<string[]> {
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n')
  return lines.map((line) => (JSON.parse(line) as AuditRecord).id)
}

describe('the file of records', () => {
  it('has every record of those who write at once, in the order of writing', async () => {
    const file = join(await tempFolder(), 'audit.jsonl')
    const sink = new FileSink(file)
    const ids = Array.from({ length: 100 }, (_, i) => `r${i}`)
    await Promise.all(ids.map((id) => sink.write([record(id)])))
    expect(await idsIn(file)).toEqual(ids)
  })

  it('fails all who wait where it cannot be written, and takes those who come when it can again', async () => {
    const file = join(await tempFolder(), 'audit.jsonl')
    await mkdir(file)
    const sink = new FileSink(file)
    const lost = await Promise.allSettled(['a', 'b', 'c'].map((id) => sink.write([record(id)])))
    expect(lost.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    await expect(sink.write([record('d')])).rejects.toMatchObject({ code: 'audit', subject: file })
    await rmdir(file)
    await sink.write([record('e')])
    expect(await idsIn(file)).toEqual(['e'])
  })
})
