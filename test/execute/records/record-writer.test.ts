import { describe, expect, it } from 'vitest'
import type { AuditRecord } from '../../../src/audit/log/record.ts'
import { RecordWriter } from '../../../src/execute/records/record-writer.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { hashOfPlan } from '../../../src/plan/plan-hash.ts'
import type { Plan } from '../../../src/plan/plan.ts'
import { manualClock } from '../../support/manual-clock.ts'

const plan: Plan = {
  schema: 'dray.plan/1',
  operation: 'promote',
  createdAt: '2026-11-23T00:00:00.000Z',
  tool: '1',
  policy: 'sha256:policy',
  placements: [],
  steps: [],
  refusals: [],
}

/** A writer for a log that fails from the `failing`th write on, or in that write alone. */
function writerWith(failing = Infinity, { once = false }: { readonly once?: boolean } = {}) {
  const written: AuditRecord[] = []
  let writes = 0
  let ids = 0
  const writer = new RecordWriter(plan, {
    sink: {
      path: '/var/log/audit.jsonl',
      write: async (records) => {
        writes++
        if (once ? writes === failing : writes >= failing) throw new Error('no room')
        written.push(...records)
      },
    },
    clock: manualClock(),
    actor: { user: 'tester', host: 'here' },
    reason: 'release',
    ticket: 'OPS-1',
    tool: '1.2.3',
    newId: () => `id ${++ids}`,
    runId: 'run 1',
  })
  return { writer, written }
}

describe('an audit record', () => {
  it('has the facts of the run beside its own', async () => {
    const { writer, written } = writerWith()
    await writer.intents([{ image: 'api', before: digestOf('old') }, { image: 'web' }])
    const run = {
      schema: 'dray.audit/1',
      run: 'run 1',
      time: '2026-11-23T00:00:00.000Z',
      operation: 'promote',
      plan: hashOfPlan(plan),
      policy: 'sha256:policy',
      actor: { user: 'tester', host: 'here' },
      reason: 'release',
      ticket: 'OPS-1',
      tool: '1.2.3',
      phase: 'intent',
    }
    expect(written).toEqual([
      { ...run, id: 'id 1', image: 'api', before: digestOf('old') },
      { ...run, id: 'id 2', image: 'web' },
    ])
  })

  it('is not written without content', async () => {
    const { writer, written } = writerWith(1)
    await writer.refusals([])
    expect([written, writer.failed.aborted]).toEqual([[], false])
  })
})

describe('a record that cannot be written', () => {
  it('is an error that names the place, and ends the run', async () => {
    const { writer } = writerWith(1)
    const error = { code: 'audit', message: 'cannot write to the audit log /var/log/audit.jsonl' }
    await expect(writer.intents([{}])).rejects.toMatchObject(error)
    expect(writer.failed.reason).toMatchObject(error)
  })

  it('allows no further intent, although the log could be written again', async () => {
    const { writer, written } = writerWith(1, { once: true })
    await expect(writer.outcomes([{}])).rejects.toMatchObject({ code: 'audit' })
    await expect(writer.intents([{}])).rejects.toMatchObject({ code: 'audit' })
    expect(written).toEqual([])
  })

  it('does not keep the outcomes of other changes from being written', async () => {
    const { writer, written } = writerWith(1, { once: true })
    await expect(writer.intents([{}])).rejects.toMatchObject({ code: 'audit' })
    await writer.outcomes([{ image: 'api', result: 'done' }])
    expect(written).toMatchObject([{ phase: 'outcome', image: 'api', result: 'done' }])
  })
})
