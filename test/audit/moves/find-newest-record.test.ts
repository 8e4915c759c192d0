import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findNewestRecord } from '../../../src/audit/moves/find-newest-record.ts'
import type { AuditRecord } from '../../../src/audit/log/record.ts'
import { openLog, outcome, record } from '../../support/audit-log.ts'
import { tempFolder } from '../../support/temp.ts'

const { signal } = new AbortController()
const at = (second: number): string => new Date(Date.UTC(2026, 10, 23, 0, 0, second)).toISOString()

async function logOf(...records: readonly AuditRecord[]): Promise<string> {
  const path = join(await tempFolder(), 'audit.jsonl')
  const log = openLog(path)
  await log.write(records)
  await log.close()
  return path
}

const newest = async (
  path: string,
  isMatch: (one: AuditRecord) => boolean = () => true,
  since = 0,
): Promise<string | undefined> => (await findNewestRecord(path, isMatch, { since, signal }))?.run

describe('the newest record of a change', () => {
  it.each<[string, readonly AuditRecord[], string | undefined]>([
    ['is the last outcome done', [outcome({ run: 'a' }), outcome({ run: 'b' })], 'b'],
    ['is an intent without an outcome', [outcome({ run: 'a' }), record({ run: 'b' })], 'b'],
    [
      'is not an intent whose outcome is a conflict',
      [outcome({ run: 'a' }), record({ run: 'b' }), outcome({ run: 'b', result: 'conflict' })],
      'a',
    ],
    ['is not an outcome without a change', [outcome({ run: 'a', result: 'unchanged' })], undefined],
    ['is not a refusal', [outcome({ run: 'a' }), record({ run: 'b', phase: 'refused' })], 'a'],
  ])('%s', async (_, records, run) => {
    expect(await newest(await logOf(...records))).toBe(run)
  })

  it('matches', async () => {
    const path = await logOf(outcome({ run: 'a', image: 'api:1' }), outcome({ run: 'b', image: 'web:1' }))
    expect(await newest(path, ({ image }) => image === 'api:1')).toBe('a')
  })

  it('is found behind a torn last line', async () => {
    const path = await logOf(outcome({ run: 'a' }))
    await appendFile(path, '{"seq":2,"prev":"sha256:')
    expect(await newest(path)).toBe('a')
  })

  it('is not older than the time of the search, and nothing before it is read', async () => {
    const matched: string[] = []
    const path = await logOf(...[1, 2, 3].map((second) => outcome({ run: `${second}`, time: at(second) })))
    const isMatch = ({ run }: AuditRecord): boolean => matched.push(run) < 0
    expect(await newest(path, isMatch, Date.parse(at(2)))).toBeUndefined()
    expect(matched).toEqual(['3', '2'])
  })

  it('is not found in a log that does not exist', async () => {
    await expect(newest(join(await tempFolder(), 'none.jsonl'))).rejects.toMatchObject({ code: 'not-found' })
  })
})
