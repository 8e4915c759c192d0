import { expect, it, onTestFinished } from 'vitest'
import { holdTag } from '../../../src/images/holds/hold-tag.ts'
import { parseDigest } from '../../../src/oci/digest.ts'
import { hold } from '../../support/holding.ts'
import { image } from '../../support/images.ts'
import { type Bench, bench, executePlan, planOf, repository } from '../../support/promotion.ts'
import { planTags } from '../../support/tagging.ts'
import { type WatchedRegistry, watchedRegistry } from '../../support/world.ts'

const api = image({ label: 'api', layers: 1 })
const tag = holdTag(parseDigest(api.root.digest))

async function start(): Promise<{ readonly run: Bench; readonly registry: WatchedRegistry }> {
  const [run, registry] = [await bench(), await watchedRegistry()]
  onTestFinished(async () => {
    await run[Symbol.asyncDispose]()
    await registry[Symbol.asyncDispose]()
  })
  await registry.oracle.push(api, 'staging/app', '1.4.2')
  await hold(run, { host: registry.host, path: 'staging/app' })
  return { run, registry }
}

it('the promotion of a held image does not promote the tag of its hold', async () => {
  const { run, registry } = await start()
  const [from, to] = [repository(registry, 'staging/app'), repository(registry, 'prod/app')]
  const plan = await planOf(run, { from, to: [to] })
  expect(plan.refusals).toEqual([])
  await executePlan(run, plan)
  expect(await registry.oracle.tags('prod/app')).toEqual(['1.4.2'])
})

it('the tag of a hold is refused as the tag of a promotion and of dray tag', async () => {
  const { run, registry } = await start()
  const [from, to] = [repository(registry, 'staging/app'), repository(registry, 'prod/app')]
  const refused = [
    { error: { code: 'refused', message: expect.stringContaining('it is the tag of a hold') } },
  ]
  expect((await planOf(run, { from, to: [to], at: { tag } })).refusals).toMatchObject(refused)
  expect((await planOf(run, { from, to: [to], at: { tag }, tags: ['1.4.2'] })).refusals).toEqual([])
  const tagging = {
    in: from,
    at: { tag: '1.4.2' },
    as: { kind: 'plain', tags: ['hold-0123456789ab'] },
  } as const
  expect((await planTags(run, tagging)).refusals).toMatchObject(refused)
})
