import { describe, expect, it } from 'vitest'
import type { AuditRecord } from '../../../src/audit/log/record.ts'
import { execute } from '../../../src/execute/execute.ts'
import type { ExecutePorts } from '../../../src/execute/ports.ts'
import { DrayError } from '../../../src/lib/errors.ts'
import { type Digest, digestOf } from '../../../src/oci/digest.ts'
import type { Plan, TagStep } from '../../../src/plan/plan.ts'
import { notedCall } from '../../support/http-world.ts'
import { manualClock } from '../../support/manual-clock.ts'
import { tagLocksIn } from '../../support/tag-locks.ts'
import { tagStores, wanted } from '../../support/tag-stores.ts'
import { tempFolder } from '../../support/temp.ts'

const repository = { registry: 'registry.example.com', path: 'prod/api' }
const [old, theirs] = [digestOf('old'), digestOf('theirs')]

function tagStep(tag: string, after: readonly string[] = [], placement = 'api'): TagStep {
  const expected = { kind: 'tag', repository, tag, digest: old } as const
  const target = { repository, tag, target: wanted, from: repository }
  return { kind: 'tag', id: tag, placement, after, expect: [expected], ...target }
}

/** A version tag, its floating tags one after the other, and a tag of another image. */
const steps = [
  tagStep('1.4.2'),
  tagStep('1.4', ['1.4.2']),
  tagStep('latest', ['1.4.2', '1.4']),
  tagStep('web', [], 'web'),
]
const planned = Object.fromEntries(steps.map(({ tag }): [string, Digest] => [tag, old]))

interface Situation {
  readonly tags?: Readonly<Record<string, Digest>>
  readonly onRequest?: (request: string) => Promise<void> | void
  /** the write of the audit log that fails */
  readonly failingWrite?: number
  /** the plan comes from a file; otherwise it was made just now */
  readonly isSaved?: boolean
  readonly steps?: readonly TagStep[]
}

async function executed(
  over: Partial<ExecutePorts> = {},
  {
    tags = planned,
    onRequest = () => undefined,
    failingWrite,
    isSaved = false,
    steps: own = steps,
  }: Situation = {},
) {
  const [world, clock] = [tagStores(tags), over.clock ?? manualClock()]
  world.onRequest = onRequest
  const records: AuditRecord[] = []
  let writes = 0
  const plan: Plan = {
    schema: 'dray.plan/1',
    operation: 'tag',
    createdAt: '2026-11-23T00:00:00.000Z',
    tool: '1',
    policy: 'sha256:policy',
    placements: ['api', 'web'].map((id) => ({
      id,
      image: id,
      from: { repository },
      to: { repository },
      root: wanted,
      tags: [],
      evidence: { found: 0, missing: 0 },
    })),
    steps: own,
    refusals: [],
  }
  const outcomes = execute(
    plan,
    {
      stores: world.stores,
      clock,
      sink: {
        path: 'memory',
        write: async (more) => {
          if (++writes === failingWrite) throw new DrayError('audit', 'no room')
          records.push(...more)
        },
      },
      actor: { user: 'tester', host: 'here' },
      tool: '1',
      newId: () => 'id',
      runId: 'run',
      stop: new AbortController().signal,
      tagLocks: tagLocksIn(await tempFolder()),
      ...(!isSaved && { readAt: clock.now() }),
      ...over,
    },
    notedCall(),
  )
  const byStep = new Map((await outcomes.catch(() => [])).map((outcome) => [outcome.step, outcome]))
  const result = (step: string) => byStep.get(step)?.result
  return { ...world, outcomes, byStep, result, records, plan }
}

describe('the steps of a plan', () => {
  it('follow those that they come after, and rely on the reading of the plan for two seconds', async () => {
    const { requests, result } = await executed()
    expect(requests.filter((one) => one !== 'PUT web')).toEqual(['PUT 1.4.2', 'PUT 1.4', 'PUT latest'])
    expect(steps.map(({ id }) => result(id))).toEqual(['done', 'done', 'done', 'done'])
  })

  it('are checked once the reading of the plan is older than two seconds', async () => {
    const clock = manualClock()
    const slow = async (request: string): Promise<void> => {
      if (request === 'PUT 1.4.2') await clock.advance(2_001)
    }
    const { requests } = await executed({ clock }, { onRequest: slow })
    expect(requests).toContain('HEAD 1.4')
    expect(requests.indexOf('HEAD 1.4')).toBeGreaterThan(requests.indexOf('PUT 1.4.2'))
    expect(requests).not.toContain('HEAD 1.4.2')
  })

  it('are not attempted after a step that failed; those of other images are', async () => {
    const { byStep, result, tags } = await executed(
      {},
      {
        onRequest: (request) => {
          if (request === 'PUT 1.4.2') throw new DrayError('forbidden', 'no')
        },
      },
    )
    expect([result('1.4.2'), result('1.4'), result('latest'), result('web')]).toEqual([
      'failed',
      'notAttempted',
      'notAttempted',
      'done',
    ])
    expect(byStep.get('1.4')?.error?.message).toContain('the earlier step 1.4.2 did not succeed')
    expect(tags.get('latest')).toBe(old)
  })

  it('are not begun after a stop; a tag that is being written is finished', async () => {
    const stop = new AbortController()
    const { result, byStep } = await executed(
      { stop: stop.signal },
      {
        onRequest: (request) => {
          if (request === 'PUT 1.4.2') stop.abort(new DrayError('interrupted', 'interrupted'))
        },
      },
    )
    expect([result('1.4.2'), result('1.4'), result('latest')]).toEqual([
      'done',
      'notAttempted',
      'notAttempted',
    ])
    expect(byStep.get('1.4')?.error?.message).toContain('the run was stopped')
  })

  it('have an intent before the change and an outcome after it, with the old digest of the tag', async () => {
    const { records } = await executed()
    expect(records.filter(({ step }) => step?.id === '1.4.2')).toMatchObject([
      { phase: 'intent', image: 'api', before: old },
      { phase: 'outcome', image: 'api', before: old, after: wanted.digest, result: 'done' },
    ])
  })

  it('are not begun once a record could not be written', async () => {
    const { outcomes, requests } = await executed({}, { failingWrite: 3 })
    await expect(outcomes).rejects.toMatchObject({ code: 'audit' })
    expect(requests).not.toContain('PUT latest')
  })
})

describe('records of steps side by side', () => {
  it('share a write', async () => {
    const writes: string[][] = []
    const sink = {
      path: 'memory',
      write: async (more: readonly AuditRecord[]) =>
        void writes.push(more.map(({ phase, step }) => `${phase} ${step?.id}`)),
    }
    await executed({ sink })
    expect(writes).toEqual([
      ['intent 1.4.2', 'intent web'],
      ['outcome 1.4.2', 'outcome web', 'intent 1.4'],
      ['outcome 1.4', 'intent latest'],
      ['outcome latest'],
    ])
  })

  it('of 100 images take five writes', async () => {
    const many = Array.from({ length: 100 }, (_, i) => tagStep(`v${i}`, [], 'web'))
    const writes: number[] = []
    const sink = {
      path: 'memory',
      write: async (more: readonly AuditRecord[]) => void writes.push(more.length),
    }
    const tags = Object.fromEntries(many.map(({ tag }) => [tag, old]))
    const { requests } = await executed({ sink }, { tags, steps: many })
    expect(requests).toHaveLength(100)
    expect(writes).toEqual([32, 64, 64, 36, 4])
  })

  it('keep a step from acting if a later record could not be written before its own', async () => {
    const clock = manualClock()
    const [first, failed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    let writes = 0
    const sink = {
      path: 'memory',
      write: async () => {
        if (++writes === 1) {
          first.resolve()
          return await failed.promise
        }
        queueMicrotask(() => queueMicrotask(failed.resolve))
        throw new DrayError('audit', 'no room')
      },
    }
    const onRequest = async (request: string): Promise<void> => {
      if (request === 'HEAD web') await first.promise
    }
    const readAt = clock.now() - 5_000
    const { outcomes, requests } = await executed({ clock, sink, readAt }, { onRequest })
    await expect(outcomes).rejects.toMatchObject({ code: 'audit' })
    expect(requests.filter((request) => request.startsWith('PUT'))).toEqual([])
  })
})

describe('a plan from a file', () => {
  it('is checked as a whole before anything is changed', async () => {
    const { requests } = await executed({}, { isSaved: true })
    const firstPut = requests.findIndex((request) => request.startsWith('PUT'))
    const checked = new Set(requests.slice(0, firstPut))
    expect(checked).toEqual(new Set(steps.map(({ tag }) => `HEAD ${tag}`)))
  })

  it('omits an image if one of its tags was moved, and executes the others', async () => {
    const { requests, byStep, result } = await executed(
      {},
      { isSaved: true, tags: { ...planned, '1.4': theirs } },
    )
    expect(requests.filter((request) => request.startsWith('PUT'))).toEqual(['PUT web'])
    expect(byStep.get('1.4')).toMatchObject({ result: 'conflict' })
    expect([result('1.4.2'), result('latest'), result('web')]).toEqual([
      'notAttempted',
      'notAttempted',
      'done',
    ])
  })

  it('omits what a review refused, and checks what it adds', async () => {
    const missing = { kind: 'tag', repository, tag: 'web', digest: null } as const
    const reviewed = {
      obstacles: new Map([['1.4.2', { error: new DrayError('conflict', 'it was moved'), found: theirs }]]),
      expect: new Map([['web', [{ ...missing, tag: 'other' }]]]),
    }
    const { requests, byStep, result, records } = await executed(
      { reviewed },
      { tags: { ...planned, other: theirs } },
    )
    expect(requests.filter((request) => request.startsWith('PUT'))).toEqual([])
    expect([result('1.4.2'), result('1.4'), result('web')]).toEqual(['conflict', 'notAttempted', 'conflict'])
    expect(byStep.get('web')?.before).toBe(old)
    expect(byStep.get('1.4.2')?.before).toBe(theirs)
    expect(records.find(({ step }) => step?.id === 'web')?.step).toEqual(steps[3])
  })
})
