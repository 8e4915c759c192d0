import { describe, expect, it } from 'vitest'
import type { AuditRecord } from '../../../src/audit/log/record.ts'
import type { AuditSink } from '../../../src/audit/log/sink.ts'
import { DrayError } from '../../../src/lib/errors.ts'
import { formatPlanFile, parsePlanFile } from '../../../src/plan/plan-file.ts'
import type { PrunePlan } from '../../../src/plan/prune/prune-plan.ts'
import { cosignSignature, image, index, referrer } from '../../support/images.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { isDelete, startPruneRegistry } from '../../support/prune-registry.ts'
import { executePrunePlan, prunePlanOf, recordsOf } from '../../support/pruning.ts'

const of = (label: string) => image({ label, layers: 1 })
/** A sink that keeps the records, and fails from the `failFrom`th write on. */
function keptSink(failFrom = Infinity): AuditSink & { readonly writes: (readonly AuditRecord[])[] } {
  const writes: (readonly AuditRecord[])[] = []
  return {
    path: 'memory',
    writes,
    write: (records) => {
      if (writes.length + 1 >= failFrom) return Promise.reject(new Error('no room'))
      writes.push(records)
      return Promise.resolve()
    },
  }
}

describe('a plan to delete', () => {
  it('deletes exactly what it shows: indexes before children, images before attached artifacts, tags last', async () => {
    const world = await startPruneRegistry()
    const [kept, arm, amd] = [of('kept'), image({ platform: 'arm64' }), image({ platform: 'amd64' })]
    const [both, one] = [index([arm, amd]), index([amd])]
    world.put(kept, 'prod', 'pr-3')
    world.put(both, 'pr-1', 'pr-1-again')
    world.put(one, 'stable')
    world.put(cosignSignature(both))
    world.put(referrer(both))
    const plan = await prunePlanOf(world.run, [world.repository])
    world.registry.forget()
    const done = await executePrunePlan(world.run, plan)
    expect(done.repositories).toMatchObject([
      { status: 'pruned', deleted: 4, images: 1, untagged: 1, failed: 0, errors: [] },
    ])
    expect(await world.registry.oracle.tags('dev/api')).toEqual(['prod', 'stable'])
    expect(await world.remaining()).toEqual(['prod', 'stable', amd.root.digest].sort())
    expect(world.deletes()[0]).toBe('pr-1')
    expect(world.deletes().at(-1)).toBe('pr-3')
    const methods = new Set(world.registry.requests.map(({ method }) => method))
    expect([...methods].sort()).toEqual(['DELETE', 'GET', 'HEAD'])
  })

  it('does the same if it comes from a file', async () => {
    const world = await startPruneRegistry()
    world.put(of('a'), 'pr-1')
    world.put(of('b'), 'prod')
    const plan = await prunePlanOf(world.run, [world.repository])
    await executePrunePlan(world.run, parsePlanFile(formatPlanFile(plan), 'p.json') as PrunePlan)
    expect(await world.remaining()).toEqual(['prod'])
  })

  it('sends no delete the second time, and reports that all of it was gone', async () => {
    const world = await startPruneRegistry()
    const both = index(['arm64', 'amd64'])
    world.put(both, 'pr-1')
    world.put(of('b'), 'prod', 'pr-2')
    const plan = await prunePlanOf(world.run, [world.repository])
    await executePrunePlan(world.run, plan)
    world.registry.forget()
    const again = await executePrunePlan(world.run, plan)
    expect(again.repositories).toMatchObject([{ status: 'unchanged', absent: 4, freed: 0, errors: [] }])
    expect(world.deletes()).toEqual([])
  })

  it('is refused if its steps differ from what it shows', async () => {
    const world = await startPruneRegistry()
    world.put(of('a'), 'pr-1')
    const plan = await prunePlanOf(world.run, [world.repository])
    const refused = { ...plan, refusals: [{ error: { code: 'refused', message: 'too many' } as const }] }
    await expect(executePrunePlan(world.run, refused)).rejects.toMatchObject({ code: 'malformed' })
    expect(world.deletes()).toEqual([])
  })
})

describe('the audit records of a prune', () => {
  it('have an intent for each delete before it is sent, and an outcome for each', async () => {
    const world = await startPruneRegistry()
    const api = world.put(of('a'), 'pr-1')
    world.put(of('kept'), 'prod', 'pr-2')
    const other = { ...world.repository, path: 'dev/web' }
    await world.registry.oracle.push(of('w'), 'dev/web', 'pr-1')
    const plan = await prunePlanOf(world.run, [world.repository, other])
    const sink = keptSink()
    const records = (phase: AuditRecord['phase']): readonly AuditRecord[] =>
      sink.writes.flat().filter((one) => one.phase === phase)
    for (const nth of [1, 2, 3])
      world.after(isDelete, () => expect(records('intent').length).toBeGreaterThanOrEqual(nth), nth)
    await executePrunePlan(world.run, plan, { sink, reason: 'cleaning' })
    expect(world.deletes()).toHaveLength(3)
    const intents = records('intent').toSorted((one, another) =>
      (one.image ?? '').localeCompare(another.image ?? ''),
    )
    expect(intents).toMatchObject([
      { operation: 'prune', image: 'dev/api', before: api, reason: 'cleaning' },
      { step: { kind: 'deleteTag', tag: 'pr-2' } },
      { image: 'dev/web' },
    ])
    expect(records('outcome')).toHaveLength(3)
    for (const record of records('outcome')) expect(record).toMatchObject({ result: 'done', after: null })
  })

  it('keep it from deleting anything if they cannot be written', async () => {
    const world = await startPruneRegistry()
    world.put(of('a'), 'pr-1')
    const plan = await prunePlanOf(world.run, [world.repository])
    await expect(executePrunePlan(world.run, plan, { sink: keptSink(1) })).rejects.toMatchObject({
      code: 'audit',
    })
    expect(world.deletes()).toEqual([])
  })

  it('end the deletes in all repositories if one cannot be written', async () => {
    const world = await startPruneRegistry()
    for (const n of [1, 2, 3]) world.put(of(`a${n}`), `pr-${n}`)
    const paths = ['dev/web', 'dev/db', 'dev/c', 'dev/d', 'dev/e']
    for (const path of paths) await world.registry.oracle.push(of(path), path, 'pr-1', 'pr-2')
    const all = [world.repository, ...paths.map((path) => ({ ...world.repository, path }))]
    const plan = await prunePlanOf(world.run, all)
    world.registry.forget()
    await expect(executePrunePlan(world.run, plan, { sink: keptSink(2) })).rejects.toMatchObject({
      code: 'audit',
    })
    // The first delete of each of the four repositories in progress.
    expect(world.deletes().length).toBeLessThanOrEqual(4)
  })

  it('include the refusals', async () => {
    const world = await startPruneRegistry()
    world.put(of('a'), 'pr-1')
    const plan = await prunePlanOf(world.run, [world.repository])
    const error = { code: 'refused', message: 'too many' } as const
    const refused: PrunePlan = {
      ...plan,
      repositories: plan.repositories.map((one) => ({ ...one, steps: [] })),
      refusals: [{ repository: world.repository, error }, { error }],
    }
    const done = await executePrunePlan(world.run, refused)
    expect(done.repositories).toMatchObject([{ status: 'refused', errors: [error] }])
    expect(await recordsOf(world.run)).toMatchObject([
      { phase: 'refused', image: 'dev/api', error },
      { phase: 'refused', error },
    ])
  })

  it('have an outcome for conflicts and for manifests that the registry keeps', async () => {
    const world = await startPruneRegistry({ profile: 'docker-registry-2.8' })
    const [a, b] = [world.put(of('a'), 'pr-1'), world.put(of('b'), 'prod', 'pr-2')]
    const plan = await prunePlanOf(world.run, [world.repository])
    world.put(of('a'), 'pr-1', 'mine')
    await executePrunePlan(world.run, plan)
    const outcomes = (await recordsOf(world.run)).filter(({ phase }) => phase === 'outcome')
    expect(outcomes).toMatchObject([
      { result: 'conflict', before: a, error: { code: 'conflict' } },
      { result: 'unchanged', before: b, error: { code: 'unsupported' } },
    ])
  })
})

describe('a stop', () => {
  const stopped = () => new DrayError('interrupted', 'interrupted')

  it('before the first delete reads, deletes and records nothing', async () => {
    const world = await startPruneRegistry()
    world.put(of('a'), 'pr-1')
    const plan = await prunePlanOf(world.run, [world.repository])
    world.registry.forget()
    const done = await executePrunePlan(world.run, plan, { stop: AbortSignal.abort(stopped()) })
    expect(done.repositories).toMatchObject([{ status: 'notAttempted', notAttempted: 1, errors: [] }])
    expect(world.registry.requests).toEqual([])
    expect(await recordsOf(world.run)).toEqual([])
  })

  it('between deletes finishes the deletes in progress, and records an outcome for every step', async () => {
    const world = await startPruneRegistry()
    for (let n = 0; n < 12; n++) world.put(of(`a${n}`), `pr-${n}`)
    const plan = await prunePlanOf(world.run, [world.repository])
    const controller = new AbortController()
    world.after(isDelete, () => controller.abort(stopped()), 3)
    const done = await executePrunePlan(world.run, plan, { stop: controller.signal, deletesAtOnce: 4 })
    const { deleted = 0, notAttempted = 0 } = done.repositories[0] ?? {}
    expect(deleted).toBe(world.deletes().length)
    expect(deleted).toBeLessThanOrEqual(5)
    expect(deleted + notAttempted).toBe(12)
    const outcomes = (await recordsOf(world.run)).filter(({ phase }) => phase === 'outcome')
    expect(outcomes).toHaveLength(12)
    expect(outcomes.at(-1)).toMatchObject({
      result: 'failed',
      error: { code: 'interrupted', message: expect.stringContaining('not attempted') as string },
    })
  })
})

describe('the requests of a prune', () => {
  it('are the lists of names, and a check and a delete for each image, if the plan was made just now', async () => {
    const world = await startPruneRegistry()
    for (let n = 0; n < 3; n++) world.put(of(`a${n}`), `pr-${n}`)
    const plan = await prunePlanOf(world.run, [world.repository])
    world.registry.forget()
    await executePrunePlan(world.run, plan, { readAt: Date.now() })
    const count = (method: string, kind: string) =>
      world.registry.requests.filter((one) => one.method === method && one.kind === kind).length
    // The first delete is sent alone, then the others together, each after a list; the last list
    // shows what came in between.
    expect([count('GET', 'tags'), count('HEAD', 'manifest'), count('DELETE', 'manifest')]).toEqual([3, 3, 3])
    expect(world.registry.requests).toHaveLength(9)
  })

  it.each<
    [string, { readonly since: number; readonly referrers: 'read' | 'remembered'; readonly looks: boolean }]
  >([
    ['made two seconds ago', { since: 2_000, referrers: 'read', looks: false }],
    ['made longer ago', { since: 2_001, referrers: 'read', looks: true }],
    ['that knows referrers from an earlier run', { since: 0, referrers: 'remembered', looks: true }],
  ])(
    'include all tags before the first delete only if the plan has to be checked: %s',
    async (_, { since, referrers, looks }) => {
      const world = await startPruneRegistry()
      world.put(of('a'), 'pr-1')
      world.put(of('b'), 'prod')
      const { repositories, ...plan } = await prunePlanOf(world.run, [world.repository])
      world.registry.forget()
      const clock = manualClock()
      await executePrunePlan(
        world.run,
        { ...plan, repositories: repositories.map((one) => ({ ...one, referrers })) },
        { clock, readAt: clock.now() - since },
      )
      const read = world.registry.requests.map(({ reference }) => reference)
      expect(read.includes('prod')).toBe(looks)
    },
  )

  it('include all tags before the first delete if the log was slow to take the intents', async () => {
    const world = await startPruneRegistry()
    world.put(of('a'), 'pr-1')
    world.put(of('b'), 'prod')
    const plan = await prunePlanOf(world.run, [world.repository])
    world.registry.forget()
    const clock = manualClock()
    const sink = keptSink()
    const slow: AuditSink = {
      path: sink.path,
      write: async (records) => {
        if (sink.writes.length === 0) await clock.advance(2_001)
        await sink.write(records)
      },
    }
    await executePrunePlan(world.run, plan, { clock, sink: slow, readAt: clock.now() })
    expect(world.registry.requests.map(({ reference }) => reference)).toContain('prod')
    expect(world.deletes()).toEqual(['pr-1'])
  })
})
