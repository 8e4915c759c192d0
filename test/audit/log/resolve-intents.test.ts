import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { ChainedLog } from '../../../src/audit/log/chained-log.ts'
import type { AuditRecord, RecordedStep } from '../../../src/audit/log/record.ts'
import { resolveIntents } from '../../../src/audit/log/resolve-intents.ts'
import { verifyLog } from '../../../src/audit/verify/verify-log.ts'
import { digestOf as hashOf, parseDigest } from '../../../src/oci/digest.ts'
import type { Step } from '../../../src/plan/plan.ts'
import { entriesOf, openLog, record, tagStep, waitingClock } from '../../support/audit-log.ts'
import { manifestStep, untagStep } from '../../support/delete-steps.ts'
import { editStep } from '../../support/gitops/edit-steps.ts'
import { gateResults } from '../../support/gates/gate-results.ts'
import { image, referrer, together } from '../../support/images.ts'
import { type Bench, bench, planOf, repository } from '../../support/promotion.ts'
import { type WatchedRegistry, watchedRegistry } from '../../support/world.ts'

const [old, api, other] = [image({ label: 'old' }), image({ label: 'api' }), image({ label: 'other' })]
const digestOf = (content: typeof api) => parseDigest(content.root.digest)
const signed = together(api, referrer(api))

let staging: WatchedRegistry
let prod: WatchedRegistry
let run: Bench
let clock: ReturnType<typeof waitingClock>
beforeEach(async () => {
  staging = await watchedRegistry()
  prod = await watchedRegistry()
  run = await bench()
  clock = waitingClock()
  await staging.oracle.push(signed, 'staging/api', '1.4.2')
  onTestFinished(async () => {
    for (const one of [run, staging, prod]) await one[Symbol.asyncDispose]()
  })
})

/** The intents of a dead run. */
async function died(...intents: readonly AuditRecord[]): Promise<void> {
  await openLog(run.auditFile, clock).write(intents)
  clock.turn(10_000)
}

async function resolve(): Promise<{ resolved: number; left: number }> {
  const log = openLog(run.auditFile, clock)
  let id = 0
  const ports = {
    log,
    openStores: () => Promise.resolve(run.freshStores()),
    folder: dirname(run.auditFile),
    clock,
    newId: () => `found${id++}`,
    run: 'run2',
    tool: '1',
  }
  return await resolveIntents(ports, run.call)
}
const outcomes = () => entriesOf(run.auditFile).filter(({ phase }) => phase === 'outcome')
const stepsOf = async (): Promise<readonly Step[]> =>
  (await planOf(run, { from: repository(staging, 'staging/api'), to: [repository(prod, 'prod/api')] })).steps

const toTag = (at = prod): Step =>
  tagStep('t1', { repository: repository(at, 'prod/api'), target: { ...api.root, digest: digestOf(api) } })

describe('an intent without an outcome', () => {
  it.each([
    { now: api, result: { result: 'done', after: api.root.digest } },
    {
      now: old,
      result: {
        result: 'failed',
        after: old.root.digest,
        error: { message: expect.stringContaining('was not written: it has not changed') },
      },
    },
    {
      now: other,
      result: {
        result: 'failed',
        after: other.root.digest,
        error: { message: expect.stringContaining(`the tag points to ${other.root.digest}`) },
      },
    },
  ])('of a tag is resolved by the digest of the tag ($result.result)', async ({ now, result }) => {
    await prod.oracle.push(now, 'prod/api', '1.4.2')
    const gates = gateResults
    await died(record({ step: toTag(), before: digestOf(old), reason: 'release', gates }))
    expect(await resolve()).toEqual({ resolved: 1, left: 0 })
    expect(outcomes()).toMatchObject([
      { ...result, run: 'run1', resolvedBy: 'run2', reason: 'release', before: old.root.digest, gates },
    ])
    expect(await resolve()).toEqual({ resolved: 0, left: 0 })
  })

  it('of a tag that never existed was not applied', async () => {
    await died(record({ step: toTag(), before: null }))
    await resolve()
    expect(outcomes()).toMatchObject([
      {
        result: 'failed',
        after: null,
        error: { message: expect.stringContaining('was not written: it has not changed') as string },
      },
    ])
  })

  it.each([
    { content: 'after', result: 'done', message: undefined },
    { content: 'before', result: 'failed', message: /was not edited: it has not changed/ },
    { content: 'other', result: 'failed', message: /is unknown: the file has other content/ },
    { content: undefined, result: 'failed', message: /does not exist/ },
  ])('of an edit is resolved by the hash of the file ($content)', async ({ content, result, message }) => {
    const name = `${hashOf(String(content)).slice(7, 20)}.yaml`
    if (content !== undefined) writeFileSync(join(dirname(run.auditFile), name), content)
    await died(record({ step: editStep({ file: name }) }))
    expect(await resolve()).toEqual({ resolved: 1, left: 0 })
    const [outcome] = outcomes()
    expect(outcome).toMatchObject({ result, resolvedBy: 'run2' })
    const found = outcome !== undefined && 'error' in outcome ? outcome.error?.message : undefined
    expect(found ?? '').toMatch(message ?? /^$/)
  })

  it.each([
    { there: true, result: 'done' },
    { there: false, result: 'failed' },
  ])(
    'of a copy or an attached artifact is resolved by whether it exists ($result)',
    async ({ there, result }) => {
      const steps = (await stepsOf()).filter(({ kind }) => kind !== 'tag')
      expect(steps.map(({ kind }) => kind)).toEqual(['copy', 'attach'])
      if (there) await prod.oracle.push(signed, 'prod/api', 'x')
      await died(...steps.map((step) => record({ step })))
      expect(await resolve()).toEqual({ resolved: 2, left: 0 })
      expect(outcomes()).toMatchObject([{ result }, { result }])
    },
  )

  it.each([
    { attached: true, result: { result: 'done' } },
    {
      attached: false,
      result: {
        result: 'failed',
        error: { message: expect.stringContaining('the statement is not attached to') as string },
      },
    },
  ])('of a statement is resolved by whether it is listed ($attached)', async ({ attached, result }) => {
    await prod.oracle.push(attached ? signed : api, 'prod/api', '1.4.2')
    const step: RecordedStep = {
      id: 's1',
      kind: 'attest',
      repository: repository(prod, 'prod/api'),
      subject: { ...api.root, digest: digestOf(api) },
      predicateType: 'urn:dray:hold:v1',
      artifact: digestOf(referrer(api)),
      decision: 'hold',
    }
    await died(record({ operation: 'hold', step }))
    await resolve()
    expect(outcomes()).toMatchObject([{ ...result, operation: 'hold', resolvedBy: 'run2' }])
  })

  it.each([
    { there: false, result: { result: 'done', after: null } },
    {
      there: true,
      result: {
        result: 'failed',
        after: api.root.digest,
        error: {
          code: 'interrupted',
          message: expect.stringContaining('was not deleted: it still exists') as string,
        },
      },
    },
  ])('of a delete is resolved by whether the content exists ($result.result)', async ({ there, result }) => {
    if (there) await prod.oracle.push(api, 'prod/api', 'pr-1')
    const at = repository(prod, 'prod/api')
    const target = { ...api.root, digest: digestOf(api) }
    const steps = [
      manifestStep({ repository: at, target }),
      untagStep({ repository: at, digest: digestOf(api) }),
      // A prune numbers its steps in each repository.
      manifestStep({ repository: repository(prod, 'prod/web'), target }),
    ]
    await died(...steps.map((step) => record({ operation: 'prune', step, before: digestOf(api) })))
    expect(await resolve()).toEqual({ resolved: 3, left: 0 })
    expect(outcomes()).toMatchObject([result, result, { result: 'done', after: null, resolvedBy: 'run2' }])
  })

  it('of the delete of a tag whose image is gone too is done, with the lost tag', async () => {
    const at = repository(prod, 'prod/api')
    await prod.oracle.push(other, 'prod/api', 'stable')
    await died(
      record({
        operation: 'prune',
        step: untagStep({ repository: at, digest: digestOf(api) }),
        before: digestOf(api),
      }),
    )
    await resolve()
    expect(outcomes()).toMatchObject([
      { result: 'done', after: null, losesTags: ['pr-1'], error: { code: 'protocol' } },
    ])
  })

  it('of the delete of a tag that has another digest has an unknown outcome', async () => {
    await prod.oracle.push(other, 'prod/api', 'pr-1')
    const step = untagStep({ repository: repository(prod, 'prod/api'), digest: digestOf(api) })
    await died(record({ operation: 'prune', step, before: digestOf(api) }))
    await resolve()
    expect(outcomes()).toMatchObject([{ result: 'failed', after: other.root.digest }])
  })

  it('of a living run is skipped, whoever resolves', async () => {
    await openLog(run.auditFile, clock).write([record({ step: toTag() })])
    clock.turn(9_000)
    expect(await resolve()).toEqual({ resolved: 0, left: 0 })
    expect(outcomes()).toEqual([])
  })

  it('at a registry that does not answer stays open with one warning, and delays no other', async () => {
    const gone = await watchedRegistry()
    await gone[Symbol.asyncDispose]()
    await prod.oracle.push(api, 'prod/api', '1.4.2')
    const lost = ['a', 'b'].map((id) => record({ step: { ...toTag(gone), id } }))
    await died(...lost, record({ step: toTag() }))
    expect(await resolve()).toEqual({ resolved: 1, left: 2 })
    expect(outcomes()).toMatchObject([{ result: 'done', step: { id: 't1' } }])
    const warnings = run.events.filter(({ kind }) => kind === 'warning')
    expect(warnings).toMatchObject([{ text: expect.stringContaining(gone.host) as string }])
    expect(await resolve()).toEqual({ resolved: 0, left: 2 })
  })

  it('is resolved once by two runs that begin together', async () => {
    await prod.oracle.push(api, 'prod/api', '1.4.2')
    await died(record({ step: toTag() }))
    await Promise.all([resolve(), resolve()])
    expect(outcomes()).toHaveLength(1)
  })

  it('of a run that was suspended has both outcomes if the run continues, and the log is whole', async () => {
    await prod.oracle.push(old, 'prod/api', '1.4.2')
    const log = openLog(run.auditFile, clock)
    const intent = record({ step: toTag(), before: digestOf(old) })
    await log.write([intent])
    clock.turn(10_000)
    expect(await resolve()).toEqual({ resolved: 1, left: 0 })
    await log.write([{ ...intent, id: 'late', phase: 'outcome', result: 'done', after: digestOf(api) }])
    expect(outcomes()).toMatchObject([
      { result: 'failed', after: old.root.digest, resolvedBy: 'run2' },
      { result: 'done', after: api.root.digest },
    ])
    const report = await verifyLog(run.auditFile, { clock }, run.call.signal)
    expect(report.problem).toBeUndefined()
    expect(await resolve()).toEqual({ resolved: 0, left: 0 })
  })

  it('is found at every start, also before settled ones', async () => {
    await prod.oracle.push(api, 'prod/api', '1.4.2')
    const log = new ChainedLog(run.auditFile, { clock, newId: () => 'x' })
    const steps = ['a', 'b', 'c'].map((id) => record({ step: { ...toTag(), id } }))
    await log.write(steps)
    await log.write(
      steps.slice(1).map((one) => ({ ...one, id: `${one.id}o`, phase: 'outcome', result: 'done' })),
    )
    clock.turn(10_000)
    expect(await resolve()).toEqual({ resolved: 1, left: 0 })
    expect(outcomes().map((one) => 'step' in one && one.step?.id)).toEqual(['b', 'c', 'a'])
  })
})
