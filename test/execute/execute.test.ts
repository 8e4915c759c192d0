import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import type { AuditRecord } from '../../src/audit/log/record.ts'
import type { AuditSink } from '../../src/audit/log/sink.ts'
import { DrayError } from '../../src/lib/errors.ts'
import { image, referrer, together } from '../support/images.ts'
import { bench, executePlan, planOf, promote, repository } from '../support/promotion.ts'
import { isWrite, stagingAndProd } from '../support/staging-and-prod.ts'
import { watchedRegistry } from '../support/world.ts'

const world = stagingAndProd()

const { from, to } = world
const records = async (): Promise<AuditRecord[]> =>
  (await readFile(world.run.auditFile, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as AuditRecord)

describe('the audit records of a plan', () => {
  it('have the intent of every change before the registry sees it, and the outcome after it', async () => {
    const api = image({ layers: 2 })
    await world.staging.oracle.push(together(api, referrer(api)), 'staging/api', '1.4.2')
    const events: string[] = []
    const sink: AuditSink = {
      path: world.run.log.path,
      write: async (written) => {
        await world.run.log.write(written)
        events.push(...written.map((record) => `${record.phase} ${record.step?.kind}`))
      },
    }
    const plan = await planOf(world.run, { from: from(), to: [to()] })
    world.prod.requests.push = (...entries) =>
      events.push(...entries.filter(isWrite).map((entry) => entry.kind))
    await executePlan(world.run, plan, { sink })
    const first = (what: string) => events.indexOf(what)
    const last = (what: string) => events.lastIndexOf(what)
    expect(first('intent copy')).toBe(0)
    expect(first('upload')).toBeGreaterThan(first('intent copy'))
    expect(first('outcome copy')).toBeGreaterThan(first('manifest'))
    expect(first('intent attach')).toBeGreaterThan(first('outcome copy'))
    expect(first('intent tag')).toBeGreaterThan(first('outcome attach'))
    expect(last('manifest')).toBeGreaterThan(first('intent tag'))
    expect(last('outcome tag')).toBe(events.length - 1)
    expect(
      (await records()).map((record) => record.phase).filter((phase) => phase === 'intent'),
    ).toHaveLength(3)
  })

  it('keep the plan from changing anything if they cannot be written', async () => {
    await world.staging.oracle.push(image(), 'staging/api', '1.4.2')
    const sink: AuditSink = {
      path: 'nowhere',
      write: () => Promise.reject(new DrayError('audit', 'no room')),
    }
    const plan = await planOf(world.run, { from: from(), to: [to()] })
    await expect(executePlan(world.run, plan, { sink })).rejects.toMatchObject({ code: 'audit' })
    expect(world.prod.requests.filter(isWrite)).toEqual([])
  })

  it('include the refusals', async () => {
    await world.staging.oracle.push(image({ layers: 1 }), 'staging/api', '1.4.2')
    await world.prod.oracle.push(image({ layers: 2 }), 'prod/api', '1.4.2')
    world.prod.forget()
    const done = await promote(world.run, { from: from(), to: [to()] })
    expect(done.placements).toMatchObject([{ status: 'refused' }])
    expect(await records()).toMatchObject([
      { phase: 'refused', image: 'staging/api:1.4.2', error: { code: 'refused' } },
    ])
    expect(world.prod.requests.filter(isWrite)).toEqual([])
  })
})

describe('a tag that someone moves between plan and write', () => {
  it('is a conflict and is kept', async () => {
    const [mine, theirs] = [image({ layers: 1 }), image({ layers: 2 })]
    await world.staging.oracle.push(mine, 'staging/api', 'stable')
    const plan = await planOf(world.run, { from: from(), at: { tag: 'stable' }, to: [to()] })
    await world.prod.oracle.push(theirs, 'prod/api', 'stable')
    for (const isSaved of [false, true]) {
      const done = await executePlan(world.run, plan, { isSaved })
      const [before, after] = [theirs.root.digest, theirs.root.digest]
      expect(done.placements).toMatchObject([
        { status: 'conflict', tags: [{ before, after, changed: false }] },
      ])
      expect(await world.prod.oracle.digest('prod/api', 'stable')).toBe(theirs.root.digest)
    }
  })

  it('is found before any content is copied if the plan comes from a file', async () => {
    await world.staging.oracle.push(image({ layers: 1 }), 'staging/api', 'stable')
    const plan = await planOf(world.run, { from: from(), at: { tag: 'stable' }, to: [to()] })
    await world.prod.oracle.push(image({ layers: 2 }), 'prod/api', 'stable')
    world.prod.forget()
    await executePlan(world.run, plan, { isSaved: true })
    expect(world.prod.requests.filter(isWrite)).toEqual([])
  })

  it('to the image of the plan is no conflict', async () => {
    const api = image()
    await world.staging.oracle.push(api, 'staging/api', 'stable')
    const plan = await planOf(world.run, { from: from(), at: { tag: 'stable' }, to: [to()] })
    await world.prod.oracle.push(api, 'prod/api', 'stable')
    const done = await executePlan(world.run, plan, { isSaved: true })
    expect(done.placements).toMatchObject([{ status: 'unchanged' }])
  })
})

describe('a plan', () => {
  it.each(['oci-1.1', 'docker-registry-2.8'] as const)(
    'that is executed twice writes nothing the second time (%s)',
    async (profile) => {
      await using target = await watchedRegistry(profile)
      const api = image({ layers: 2 })
      const sbom = referrer(api, { payload: 'sbom' })
      await world.staging.oracle.push(together(api, sbom, referrer(sbom)), 'staging/api', '1.4.2')
      const plan = await planOf(world.run, { from: from(), to: [repository(target, 'prod/api')] })
      expect((await executePlan(world.run, plan, { isSaved: true })).placements).toMatchObject([
        { status: 'promoted' },
      ])
      target.forget()
      await using later = await bench()
      const again = await executePlan(later, plan, { isSaved: true })
      expect(again.placements).toMatchObject([{ status: 'unchanged' }])
      expect(target.requests.filter(isWrite)).toEqual([])
    },
  )

  it('promotes the digest that it names, although the source tag was moved since', async () => {
    const [tested, untested] = [image({ layers: 1 }), image({ layers: 2 })]
    await world.staging.oracle.push(tested, 'staging/api', '1.4.2')
    const plan = await planOf(world.run, { from: from(), to: [to()] })
    await world.staging.oracle.push(untested, 'staging/api', '1.4.2')
    await using later = await bench()
    await executePlan(later, plan, { isSaved: true })
    expect(await world.prod.oracle.digest('prod/api', '1.4.2')).toBe(tested.root.digest)
  })

  it('fails if the source has lost the image, and does not move the tag', async () => {
    const [old, api] = [image({ layers: 1 }), image({ layers: 2 })]
    await world.staging.oracle.push(api, 'staging/api', 'stable')
    await world.prod.oracle.push(old, 'prod/api', 'stable')
    const plan = await planOf(world.run, { from: from(), at: { tag: 'stable' }, to: [to()] })
    await world.staging.oracle.delete('staging/api', api.root.digest)
    await using later = await bench()
    const done = await executePlan(later, plan, { isSaved: true })
    expect(done.placements).toMatchObject([{ status: 'failed', errors: [{ code: 'not-found' }] }])
    expect(done.placements[0]?.errors[0]?.subject).toContain(api.root.digest)
    expect(await world.prod.oracle.digest('prod/api', 'stable')).toBe(old.root.digest)
  })
})

describe('several targets', () => {
  it('keep their tags until all of them have the content; with --partial the others are promoted', async () => {
    await world.staging.oracle.push(image({ layers: 2 }), 'staging/api', '1.4.2')
    const closed = repository(world.staging, 'nowhere')
    const plan = await planOf(world.run, { from: from(), to: [to(), to('eu/api')] })
    const broken = {
      ...plan,
      steps: plan.steps.map((step) =>
        step.kind === 'copy' && step.to.path === 'eu/api' ? { ...step, from: closed } : step,
      ),
    }
    const done = await executePlan(world.run, broken)
    expect(done.placements.map((one) => one.status)).toEqual(['notAttempted', 'failed'])
    expect(await world.prod.oracle.digest('prod/api', '1.4.2')).toBeUndefined()
    expect(await world.prod.oracle.digest('eu/api', '1.4.2')).toBeUndefined()

    const partial = await planOf(world.run, {
      from: from(),
      to: [to(), to('eu/api')],
      policy: { partial: true },
    })
    const half = {
      ...partial,
      steps: partial.steps.map((step) =>
        step.kind === 'copy' && step.to.path === 'eu/api' ? { ...step, from: closed } : step,
      ),
    }
    expect((await executePlan(world.run, half)).placements.map((one) => one.status)).toEqual([
      'promoted',
      'failed',
    ])
  })
})

it('a stop before the first step leaves every step not attempted', async () => {
  await world.staging.oracle.push(image(), 'staging/api', '1.4.2')
  const plan = await planOf(world.run, { from: from(), to: [to()] })
  const done = await executePlan(world.run, plan, {
    stop: AbortSignal.abort(new DrayError('interrupted', 'interrupted')),
  })
  expect(done.placements).toMatchObject([{ status: 'notAttempted' }])
  expect(world.prod.requests.filter(isWrite)).toEqual([])
})
