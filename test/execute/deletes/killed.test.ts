import { dirname } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { AuditRecord } from '../../../src/audit/log/record.ts'
import { resolveIntents } from '../../../src/audit/log/resolve-intents.ts'
import { DrayError } from '../../../src/lib/errors.ts'
import { chainComplaints, entriesOf, openLog, waitingClock } from '../../support/audit-log.ts'
import { image, index, referrer } from '../../support/images.ts'
import { bench } from '../../support/promotion.ts'
import { isDelete, type PruneRegistry, startPruneRegistry } from '../../support/prune-registry.ts'
import { executePrunePlan, prunePlanOf } from '../../support/pruning.ts'

/** Two signed images of two platforms, one of them shared: seven manifests and a tag to delete. */
async function place(): Promise<PruneRegistry> {
  const world = await startPruneRegistry()
  const shared = image({ platform: 'arm64', label: 'shared' })
  for (const label of ['a', 'b']) {
    const both = index([shared, image({ platform: 'amd64', label })])
    world.put(both, `pr-${label}`)
    world.put(referrer(both))
  }
  world.put(index([shared]), 'prod', 'pr-c')
  return world
}
const atTheEnd = ['prod', image({ platform: 'arm64', label: 'shared' }).root.digest].sort()

describe('a prune that is killed', () => {
  it.each([1, 2, 3, 4, 5, 6, 7])(
    'at its delete number %i reaches the same end state when it is run again, with complete records',
    async (nth) => {
      const world = await place()
      const plan = await prunePlanOf(world.run, [world.repository])
      const clock = waitingClock()
      const file = world.run.auditFile
      const killed = new AbortController()
      world.after(isDelete, () => killed.abort(new DrayError('interrupted', 'killed')), nth)
      // The killed run writes nothing more, and its deletes in progress may be done or not.
      const first = openLog(file, clock)
      const sink = {
        path: file,
        write: (records: readonly AuditRecord[]) => {
          killed.signal.throwIfAborted()
          return first.write(records)
        },
      }
      const dying = { ...world.run, call: { ...world.run.call, signal: killed.signal } }
      await executePrunePlan(dying, plan, { sink, runId: 'first' }).catch(() => undefined)
      expect(killed.signal.aborted).toBe(true)

      clock.turn(60_000)
      const second = openLog(file, clock)
      const later = await bench()
      onTestFinished(() => later[Symbol.asyncDispose]())
      const ports = {
        log: second,
        openStores: () => Promise.resolve(later.freshStores()),
        folder: dirname(file),
        clock,
        newId: () => crypto.randomUUID(),
        tool: '0',
      }
      const { left } = await resolveIntents({ ...ports, run: 'second' }, later.call)
      expect(left).toBe(0)
      const done = await executePrunePlan(later, plan, { sink: second, runId: 'second' })
      expect(done.repositories).toMatchObject([{ failed: 0, conflicts: 0, notAttempted: 0, errors: [] }])
      expect(await world.remaining()).toEqual(atTheEnd)
      expect(await world.registry.oracle.tags('dev/api')).toEqual(['prod'])
      expect(chainComplaints(file)).toEqual([])
      const outcomes = entriesOf(file).filter(({ phase }) => phase === 'outcome') as AuditRecord[]
      const deleted = outcomes.filter(({ result }) => result === 'done').map(({ step }) => step?.id ?? '')
      // One of the runs deleted each manifest, and every delete has its record.
      const steps = plan.repositories[0]?.steps ?? []
      expect(deleted).toHaveLength(steps.length)
      expect(new Set(deleted)).toEqual(new Set(steps.map(({ id }) => id)))
    },
  )
})

it('a delete that a second interrupt cuts off has an open intent for the next run', async () => {
  const world = await place()
  const plan = await prunePlanOf(world.run, [world.repository])
  const hard = new AbortController()
  const clock = waitingClock()
  const log = openLog(world.run.auditFile, clock)
  world.after(isDelete, () => hard.abort(new DrayError('interrupted', 'interrupted')))
  const cut = { ...world.run, call: { ...world.run.call, signal: hard.signal } }
  const done = await executePrunePlan(cut, plan, { sink: log, runId: 'first' })
  expect(done.repositories).toMatchObject([{ failed: 1, notAttempted: 6, deleted: 0 }])
  const open = await log.openIntents()
  expect(open.map(({ record }) => record.step?.id)).toEqual([done.steps[0]?.step])
})
