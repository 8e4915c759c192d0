import { appendFile, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { RecordedPuts } from '../../../src/audit/query/recorded-puts.ts'
import type { AuditRecord } from '../../../src/audit/log/record.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { formatRepository } from '../../../src/oci/reference.ts'
import { openLog, outcome, record, tagStep } from '../../support/audit-log.ts'
import { manifestStep } from '../../support/delete-steps.ts'
import { tempFolder } from '../../support/temp.ts'

const api = { registry: 'prod.example', path: 'api' }
const stepNamed = (tag: string) => tagStep(tag, { tag })

async function followedLog(before: readonly AuditRecord[] = []) {
  const path = join(await tempFolder(), 'audit.jsonl')
  const log = openLog(path)
  await log.write(before)
  const puts = new RecordedPuts(path, formatRepository)
  await puts.begin()
  const tags = async () => (await puts.in(api)).map(({ tag }) => tag)
  return { path, log, puts, tags }
}

describe('what other runs put into a repository by the audit log', () => {
  it('is what is under way at the beginning, and what comes later', async () => {
    const { log, tags } = await followedLog([
      record({ step: stepNamed('ended') }),
      record({ step: stepNamed('open') }),
      outcome({ step: stepNamed('ended') }),
    ])
    expect(await tags()).toEqual(['open'])
    await log.write([record({ step: stepNamed('later') })])
    expect(await tags()).toEqual(['open', 'later'])
    await log.close()
  })

  it.each(['done', 'unchanged'] as const)('includes a step that ended as %s meanwhile', async (result) => {
    const { log, tags } = await followedLog([record({ step: stepNamed('mine') })])
    await log.write([outcome({ step: stepNamed('mine'), result })])
    expect(await tags()).toEqual(['mine'])
    await log.close()
  })

  it.each(['failed', 'conflict'] as const)('lacks a step that ended as %s', async (result) => {
    const { log, tags } = await followedLog([record({ step: stepNamed('mine') })])
    expect(await tags()).toEqual(['mine'])
    await log.write([outcome({ step: stepNamed('mine'), result })])
    expect(await tags()).toEqual([])
    await log.close()
  })

  it('has the run, its user, the digest and the source', async () => {
    const { puts, log } = await followedLog([record()])
    expect(await puts.in(api)).toEqual([
      {
        run: 'run1',
        operation: 'promote',
        user: 'tester',
        repository: api,
        digest: digestOf('target'),
        tag: '1.4.2',
        from: { registry: 'staging.example', path: 'api' },
      },
    ])
    await log.close()
  })

  it('has nothing of other repositories, and nothing of deletes', async () => {
    const { log, tags } = await followedLog()
    await log.write([
      record({ step: tagStep('t1', { repository: { ...api, path: 'web' } }) }),
      record({ operation: 'prune', step: manifestStep({ repository: api }) }),
    ])
    expect(await tags()).toEqual([])
    await log.close()
  })

  it('is known by all names of the repository', async () => {
    const { path, log } = await followedLog([record()])
    const puts = new RecordedPuts(path, (one) => one.path)
    await puts.begin()
    expect(await puts.in({ registry: 'alias.example', path: 'api' })).toHaveLength(1)
    await log.close()
  })
})

describe('a log that is followed', () => {
  it('is not read again if its size is the same', async () => {
    const { path, log, tags } = await followedLog()
    await log.write([record({ step: stepNamed('first') })])
    expect(await tags()).toEqual(['first'])
    await log.close()
    const text = await readFile(path, 'utf8')
    await writeFile(path, text.replaceAll('"first"', '"other"'))
    expect(await tags()).toEqual(['first'])
  })

  it('is read only from where the last reading ended', async () => {
    const { path, log, tags } = await followedLog()
    await log.write([record({ step: stepNamed('first') })])
    expect(await tags()).toEqual(['first'])
    await log.close()
    const { size } = await stat(path)
    await writeFile(path, `${' '.repeat(size - 1)}\n`)
    await appendFile(path, `${JSON.stringify(record({ step: stepNamed('later') }))}\n`)
    expect(await tags()).toEqual(['first', 'later'])
  })

  it('gives a line that is being written once it is complete', async () => {
    const { path, log, tags } = await followedLog()
    const line = `${JSON.stringify(record({ step: stepNamed('mine') }))}\n`
    await appendFile(path, line.slice(0, 100))
    expect(await tags()).toEqual([])
    await appendFile(path, line.slice(100))
    expect(await tags()).toEqual(['mine'])
    await log.close()
  })

  it('is read from its start if another file has replaced it', async () => {
    const { path, log, tags } = await followedLog([record({ step: stepNamed('old') })])
    expect(await tags()).toEqual(['old'])
    await log.close()
    await writeFile(`${path}.new`, `${JSON.stringify(record({ step: stepNamed('mine') }))}\n`)
    await rename(`${path}.new`, path)
    expect(await tags()).toEqual(['old', 'mine'])
  })

  it('has nothing before it exists', async () => {
    const { path, log, tags } = await followedLog()
    expect(await tags()).toEqual([])
    await log.write([record({ step: stepNamed('mine') })])
    expect(await tags()).toEqual(['mine'])
    await log.close()
    await rm(path)
  })

  it('that cannot be read is reported when its records are needed', async () => {
    const path = await tempFolder()
    const puts = new RecordedPuts(join(path, 'a-file', 'audit.jsonl'), formatRepository)
    await writeFile(join(path, 'a-file'), '')
    await puts.begin()
    await expect(puts.in(api)).rejects.toMatchObject({ code: 'io' })
  })
})
