import { describe, expect, it } from 'vitest'
import type { AuditRecord } from '../../../src/audit/log/record.ts'
import { type EditPorts, executeEdits, type FileToEdit } from '../../../src/execute/edits/execute-edits.ts'
import { DrayError } from '../../../src/lib/errors.ts'
import type { EditingPlan, EditOutcome } from '../../../src/plan/edits/editing-plan.ts'
import { editStep } from '../../support/gitops/edit-steps.ts'
import { manualClock } from '../../support/manual-clock.ts'

const call = { signal: new AbortController().signal, notify: () => undefined }

const plan: EditingPlan = {
  schema: 'dray.plan/1',
  operation: 'gitops',
  createdAt: '2026-11-29T00:00:00.000Z',
  tool: '0',
  policy: '',
  placements: [],
  steps: [],
  refusals: [],
}

const edit = (file: string, i: number): FileToEdit => ({
  step: editStep({ id: `edit${i}`, file }),
  bytes: Buffer.from('after'),
  omitted: [],
})

/** Executes edits of `a` and `b`. `events` has the records and writes in their order. */
async function run(
  ports: Partial<EditPorts>,
  edits: readonly FileToEdit[] = [edit('a', 1), edit('b', 2)],
): Promise<{ outcome: EditOutcome; records: readonly AuditRecord[]; events: readonly string[] }> {
  const records: AuditRecord[] = []
  const events: string[] = []
  let id = 0
  const outcome = await executeEdits(
    plan,
    edits,
    [],
    {
      sink: {
        path: '/log',
        write: async (all) => {
          records.push(...all)
          events.push(...all.map(({ phase, step }) => `${phase} ${step?.kind === 'edit' ? step.file : ''}`))
        },
      },
      clock: manualClock(),
      actor: { user: 'u', host: 'h' },
      tool: '0',
      newId: () => `r${id++}`,
      runId: 'run',
      stop: new AbortController().signal,
      ...ports,
      write: async (...args) => {
        events.push(`write ${args[0]}`)
        await ports.write?.(...args)
      },
    },
    call,
  )
  return { outcome, records, events }
}

describe('the edits of a plan', () => {
  it('begin when the intents of all files are on record', async () => {
    const { outcome, events } = await run({})
    expect(events).toEqual(['intent a', 'intent b', 'write a', 'write b', 'outcome a', 'outcome b'])
    expect(outcome.files.map(({ status }) => status)).toEqual(['edited', 'edited'])
  })

  it('write nothing if the intents cannot be written', async () => {
    const written: string[] = []
    const sink = {
      path: '/log',
      write: async () => {
        throw new DrayError('io', 'the disk is full')
      },
    }
    const write: EditPorts['write'] = async (file) => void written.push(file)
    await expect(run({ sink, write })).rejects.toMatchObject({ code: 'audit' })
    expect(written).toEqual([])
  })

  it.each([
    ['conflict', 'conflict'],
    ['io', 'failed'],
  ] as const)('go on after a failure with the code %s, and are not committed', async (code, status) => {
    let isPublished = false
    const { outcome, records } = await run({
      write: async (file) => {
        if (file === 'a') throw new DrayError(code, 'cannot write a')
      },
      publish: async () => {
        isPublished = true
        return { branch: 'main', isPushed: false, attempts: 0 }
      },
    })
    expect(outcome.files).toMatchObject([{ status, error: { code } }, { status: 'edited' }])
    expect(isPublished).toBe(false)
    expect(records.slice(2)).toMatchObject([{ result: status, error: { code } }, { result: 'done' }])
  })

  it('have the id of their commit in their outcomes', async () => {
    const { outcome, records } = await run({
      publish: async () => ({ id: 'c0ffee', branch: 'main', isPushed: true, attempts: 1 }),
    })
    expect(outcome.commit).toEqual({ id: 'c0ffee', branch: 'main', isPushed: true, attempts: 1 })
    expect(records.slice(2).map(({ commit }) => commit)).toEqual(['c0ffee', 'c0ffee'])
  })

  it('are done although the commit fails, which is an error of its own', async () => {
    const { outcome, records } = await run({
      publish: async () => {
        throw new DrayError('refused', 'a hook refuses the commit')
      },
    })
    expect(outcome).toMatchObject({
      files: [{ status: 'edited' }, { status: 'edited' }],
      error: { code: 'refused' },
    })
    expect(records.slice(2).map(({ result }) => result)).toEqual(['done', 'done'])
  })

  it('that are decided again after a lost push have intents and outcomes of their own', async () => {
    const { records } = await run(
      {
        publish: async (writer) => {
          await writer.writeAgain([edit('a', 1)], async () => undefined)
          await writer.writeAgain([edit('a', 1)], async () => undefined)
          return { id: 'c0ffee', branch: 'main', isPushed: true, attempts: 3 }
        },
      },
      [edit('a', 1)],
    )
    expect(records.map(({ phase, step }) => `${phase} ${step?.id}`)).toEqual([
      'intent edit1',
      'intent edit1.2',
      'intent edit1.3',
      'outcome edit1',
      'outcome edit1.2',
      'outcome edit1.3',
    ])
  })

  it('name the image in records of one image, and its environment', async () => {
    const { records } = await run({}, [edit('a', 1)])
    expect(records).toMatchObject([
      { image: 'api:1.5.0', environment: { to: 'prod' } },
      { image: 'api:1.5.0', environment: { to: 'prod' } },
    ])
  })
})
