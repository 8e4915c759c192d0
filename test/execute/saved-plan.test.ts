import { describe, expect, it } from 'vitest'
import type { AuditRecord } from '../../src/audit/log/record.ts'
import type { AuditSink } from '../../src/audit/log/sink.ts'
import { DrayError } from '../../src/lib/errors.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { faultyProxy } from '../support/faulty-proxy.ts'
import { body, image, index, referrer, together } from '../support/images.ts'
import { bench, executePlan, planOf, repository } from '../support/promotion.ts'
import { isWrite, stagingAndProd } from '../support/staging-and-prod.ts'
import { type WatchedRegistry, watchedRegistry } from '../support/world.ts'

const world = stagingAndProd()

const [api, web] = [image({ label: 'api' }), image({ label: 'web' })]
const twoImages = async (apiTo: WatchedRegistry = world.prod) => {
  await world.staging.oracle.push(api, 'staging/api', '1.4.2')
  await world.staging.oracle.push(web, 'staging/web', '1.4.2')
  return planOf(
    world.run,
    { from: repository(world.staging, 'staging/api'), to: [repository(apiTo, 'prod/api')] },
    { from: repository(world.staging, 'staging/web'), to: [repository(world.prod, 'prod/web')] },
  )
}

describe('a saved plan', () => {
  it('promotes the other images if a target rejects one', async () => {
    await using eu = await watchedRegistry()
    const plan = await twoImages(eu)
    await using proxy = await faultyProxy(eu.host, {
      at: {},
      times: Infinity,
      injury: { kind: 'answer', status: 403, body: { errors: [{ code: 'DENIED' }] } },
    })
    const later = JSON.parse(JSON.stringify(plan).replaceAll(eu.host, proxy.host)) as Plan
    const done = await executePlan(world.run, later, { isSaved: true })
    expect(done.placements.map(({ status }) => status)).toEqual(['failed', 'promoted'])
    expect(done.placements[0]?.errors).toMatchObject([{ code: 'forbidden' }])
    expect(await world.prod.oracle.differences('prod/web', web, '1.4.2')).toEqual([])
  })

  it('that repairs an image writes missing content, although the manifest exists', async () => {
    const multi = index(['amd64', 'arm64'], { layers: 1 })
    const child = multi.manifests[0]?.descriptor.digest ?? ''
    const { layers } = body(multi, child) as { layers: { digest: string }[] }
    await world.staging.oracle.push(multi, 'staging/api', '1.4.2')
    await world.prod.oracle.push(multi, 'prod/api', '1.4.2')
    await world.prod.oracle.deleteBlob('prod/api', layers[0]?.digest ?? '')
    const plan = await planOf(world.run, {
      from: repository(world.staging, 'staging/api'),
      to: [repository(world.prod, 'prod/api')],
      options: { readBack: world.run.freshStores() },
    })
    expect(plan.steps).toMatchObject([{ kind: 'copy', repair: true }])
    await executePlan(world.run, plan, { isSaved: true })
    expect(await world.prod.oracle.differences('prod/api', multi, '1.4.2')).toEqual([])
  })

  it('is finished from the target if the source has lost the image and only the tag is missing', async () => {
    const signed = together(api, referrer(api))
    await world.staging.oracle.push(signed, 'staging/api', '1.4.2')
    const plan = await planOf(world.run, {
      from: repository(world.staging, 'staging/api'),
      to: [repository(world.prod, 'prod/api')],
    })
    await world.prod.oracle.push(signed, 'prod/api')
    await world.staging.oracle.delete('staging/api', api.root.digest)
    await using later = await bench()
    const done = await executePlan(later, plan, { isSaved: true })
    expect(done.placements).toMatchObject([{ status: 'promoted' }])
    expect(await world.prod.oracle.differences('prod/api', signed, '1.4.2')).toEqual([])
  })

  it('that is stopped while its tags are read changes nothing and has an outcome for every step', async () => {
    const plan = await twoImages()
    world.prod.forget()
    const stop = new AbortController()
    const { push } = world.prod.requests
    world.prod.requests.push = (...entries) => {
      stop.abort(new DrayError('interrupted', 'interrupted'))
      return push.apply(world.prod.requests, entries)
    }
    const done = await executePlan(world.run, plan, { isSaved: true, stop: stop.signal })
    expect(done.steps.map(({ result }) => result)).toEqual(plan.steps.map(() => 'notAttempted'))
    expect(world.prod.requests.filter(isWrite)).toEqual([])
  })
})

describe('a record that cannot be written', () => {
  it.each([1, 2, 3])(
    '(in write %i of its run) leaves at most one intent without an outcome, and no tag is written without an intent',
    async (failing) => {
      const written: AuditRecord[] = []
      let writes = 0
      const sink: AuditSink = {
        path: 'nowhere',
        write: async (records) => {
          if (++writes === failing) throw new DrayError('audit', 'no room')
          written.push(...records)
        },
      }
      const plan = await twoImages()
      await expect(executePlan(world.run, plan, { sink })).rejects.toMatchObject({ code: 'audit' })
      const steps = (phase: string) =>
        written.filter((record) => record.phase === phase).map((record) => record.step?.id)
      const open = steps('intent').filter((id) => !steps('outcome').includes(id))
      expect(open.length).toBeLessThanOrEqual(1)
      const unforeseen = plan.steps.flatMap((step) =>
        step.kind === 'tag' && !steps('intent').includes(step.id) ? [step] : [],
      )
      const tags = unforeseen.map(({ repository: { path }, tag }) => world.prod.oracle.digest(path, tag))
      expect((await Promise.all(tags)).filter(Boolean)).toEqual([])
    },
  )
})
