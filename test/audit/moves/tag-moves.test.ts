import { rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { AuditRecord } from '../../../src/audit/log/record.ts'
import { noMoves, readTagMoves, type RepositoryMoves } from '../../../src/audit/moves/tag-moves.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { formatRepository, type RepositoryName } from '../../../src/oci/reference.ts'
import type { TagStep } from '../../../src/plan/plan.ts'
import { openLog, outcome, record, tagStep } from '../../support/audit-log.ts'
import { manifestStep } from '../../support/delete-steps.ts'
import { tempFolder } from '../../support/temp.ts'

const api = { registry: 'prod.example', path: 'api' }
const first = digestOf('first')
const second = digestOf('second')

async function logOf(records: readonly AuditRecord[]): Promise<string> {
  const path = join(await tempFolder(), 'audit.jsonl')
  const log = openLog(path)
  await log.write(records)
  await log.close()
  return path
}

async function readMoves(path: string, identify = formatRepository): Promise<RepositoryMoves> {
  const signal = new AbortController().signal
  const found = await readTagMoves(path, { identities: new Set([identify(api)]), identify, signal })
  return found.get(identify(api)) ?? noMoves
}

const step = (tag: string, digest = first, rest: Partial<TagStep> = {}): TagStep =>
  tagStep(`${tag} ${digest}`, { tag, target: { mediaType: 'm', digest, size: 1 }, ...rest })

function moved(tag: string, day: number, to = first, rest: Partial<AuditRecord> = {}): AuditRecord {
  return outcome({ step: step(tag, to), time: at(day), ...rest })
}

const at = (day: number): string => `2026-11-${String(day).padStart(2, '0')}T00:00:00.000Z`
const ms = (day: number): number => Date.parse(at(day))

describe('when dray put a tag on a digest, by the audit log', () => {
  it('is the newest of its promotions, copies, tags and rollbacks', async () => {
    for (const operation of ['promote', 'copy', 'tag', 'rollback'] as const) {
      const path = await logOf([moved('a', 3), moved('b', 5, first, { operation }), moved('a', 4)])
      expect((await readMoves(path)).puts.get(first)).toEqual({ tag: 'b', at: ms(5) })
    }
  })

  it('counts a tag that was on the digest already', async () => {
    const path = await logOf([moved('a', 3), moved('a', 9, first, { result: 'unchanged' })])
    expect((await readMoves(path)).puts.get(first)?.at).toBe(ms(9))
  })

  it.each(['failed', 'conflict'] as const)('does not count a step that ended as %s', async (result) => {
    const path = await logOf([
      record({ step: step('a'), time: at(3) }),
      moved('a', 3, first, { result, before: second }),
    ])
    expect(await readMoves(path)).toEqual(noMoves)
  })

  it('counts a step without an outcome: it may have put the tag', async () => {
    const path = await logOf([record({ step: step('a'), time: at(3), before: second })])
    const { puts, superseded } = await readMoves(path)
    expect(puts.get(first)?.at).toBe(ms(3))
    expect(superseded).toEqual([])
  })

  it('has nothing of other repositories, copies of content and prunes', async () => {
    const path = await logOf([
      outcome({ step: step('a', first, { repository: { ...api, path: 'web' } }) }),
      outcome({ operation: 'prune', step: manifestStep({ repository: api }) }),
    ])
    expect(await readMoves(path)).toEqual(noMoves)
  })

  it('is known by all names of the repository', async () => {
    const path = await logOf([moved('a', 3)])
    const identify = ({ path: name }: RepositoryName): string => `the same/${name}`
    expect((await readMoves(path, identify)).puts.size).toBe(1)
  })
})

describe('a superseded digest, by the audit log', () => {
  it('is each digest that a tag pointed to before, with its newest move', async () => {
    const path = await logOf([
      moved('stable', 1, first, { before: null }),
      moved('stable', 2, second, { before: first }),
      moved('stable', 3, first, { before: second }),
      moved('stable', 4, second, { before: first }),
    ])
    expect((await readMoves(path)).superseded).toEqual([
      { tag: 'stable', digest: first, at: ms(4) },
      { tag: 'stable', digest: second, at: ms(3) },
    ])
  })

  it('is not one that dray deleted afterwards, unless a tag is moved from it again', async () => {
    const deleted = outcome({
      operation: 'prune',
      step: manifestStep({ repository: api, target: { mediaType: 'm', digest: first, size: 1 } }),
      before: first,
      after: null,
    })
    const before = [moved('stable', 2, second, { before: first }), deleted]
    expect((await readMoves(await logOf(before))).superseded).toEqual([])
    const again = [...before, moved('stable', 5, second, { before: first })]
    expect((await readMoves(await logOf(again))).superseded).toHaveLength(1)
    const kept = [before[0] ?? deleted, { ...deleted, result: 'unchanged' as const }]
    expect((await readMoves(await logOf(kept))).superseded).toHaveLength(1)
  })

  it('is not one that the tag is put on again', async () => {
    const path = await logOf([moved('stable', 2, first, { before: first })])
    expect((await readMoves(path)).superseded).toEqual([])
  })
})

describe('indexes without some platforms, by the audit log', () => {
  const copy = {
    id: 'c1',
    placement: 'p1',
    after: [],
    expect: [],
    kind: 'copy',
    root: { mediaType: 'm', digest: first, size: 1 },
    from: { registry: 'hub.example', path: 'api' },
    to: api,
    rootBy: 'digest',
  } as const

  it('are those whose copy was limited to platforms', async () => {
    const sparse = { ...outcome({ step: copy }), sparse: { platforms: ['linux/amd64'] } }
    expect([...(await readMoves(await logOf([sparse]))).sparse]).toEqual([first])
    expect((await readMoves(await logOf([outcome({ step: copy })]))).sparse.size).toBe(0)
    const failed = { ...sparse, result: 'failed' } as const
    expect((await readMoves(await logOf([failed]))).sparse.size).toBe(0)
  })

  it('are not those that a later copy of all platforms completed', async () => {
    const sparse = { ...outcome({ step: copy }), sparse: { platforms: ['linux/amd64'] } }
    const whole = outcome({ step: copy })
    expect((await readMoves(await logOf([sparse, whole]))).sparse.size).toBe(0)
    expect((await readMoves(await logOf([whole, sparse]))).sparse.size).toBe(1)
    const failed = outcome({ step: copy, result: 'failed' })
    expect((await readMoves(await logOf([sparse, failed]))).sparse.size).toBe(1)
  })
})

describe('an audit log that is not whole', () => {
  it('has no moves if it does not exist', async () => {
    expect(await readMoves(join(await tempFolder(), 'none.jsonl'))).toEqual(noMoves)
  })

  it('is an error if it was cut or removed: the newest promotions are missing', async () => {
    const path = await logOf([moved('a', 3), moved('b', 4)])
    await truncate(path, 600)
    await expect(readMoves(path)).rejects.toMatchObject({
      code: 'audit',
      why: expect.stringContaining('cut'),
    })
    await rm(path)
    await expect(readMoves(path)).rejects.toMatchObject({ why: expect.stringContaining('missing') })
  })

  it('is an error if a line is no record, or lines are missing', async () => {
    const path = await logOf([moved('a', 3)])
    await rm(`${path}.head`)
    await writeFile(path, 'not a record\n', { flag: 'a' })
    await expect(readMoves(path)).rejects.toMatchObject({ code: 'audit' })
    await writeFile(path, '{"seq":1,"prev":null,"time":"x"}\n{"seq":3,"prev":null,"time":"x"}\n')
    await expect(readMoves(path)).rejects.toMatchObject({
      why: expect.stringContaining('record 2 is missing'),
    })
  })

  it('is an error if it cannot be read', async () => {
    await expect(readMoves(await tempFolder())).rejects.toMatchObject({ code: 'audit' })
  })

  it('is read up to a torn line at its end', async () => {
    const path = await logOf([moved('a', 3)])
    await writeFile(path, '{"seq":2,"pr', { flag: 'a' })
    expect((await readMoves(path)).puts.size).toBe(1)
  })
})
