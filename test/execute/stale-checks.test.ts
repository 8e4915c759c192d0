import { describe, expect, it } from 'vitest'
import type { Digest } from '../../src/oci/digest.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { type Content, cosignSignature, image, index, together } from '../support/images.ts'
import { type ExecutedPlan, executePlan, planOf } from '../support/promotion.ts'
import { executePrunePlan, prunePlanOf, recordsOf } from '../support/pruning.ts'
import { type Delay, type DelayedRegistry, startDelayedRegistry } from '../support/stale-checks.ts'
import { planTags } from '../support/tagging.ts'

const [old, api, theirs] = [image({ label: 'old' }), image({ label: 'api' }), image({ label: 'theirs' })]
const digestOf = ({ root }: Content): Digest => root.digest as Digest
const mount = (by: Delay['by'], digest = ''): Delay => ({
  method: 'POST',
  path: new RegExp(`prod/api.*mount=.*${digest.replace('sha256:', '')}`),
  by,
})
const put = (by: Delay['by'], tag = 'stable'): Delay => ({
  method: 'PUT',
  path: new RegExp(`manifests/${tag}$`),
  by,
})

/** Promotes `api` to a tag of prod within one registry. */
async function planned(world: DelayedRegistry, tag: string, content: Content = api): Promise<Plan> {
  await world.registry.oracle.push(content, 'staging/api', tag)
  return await planOf(world.run, {
    from: { registry: world.host, path: 'staging/api' },
    at: { tag },
    to: [{ registry: world.host, path: 'prod/api' }],
  })
}

const execute = ({ run, clock }: DelayedRegistry, plan: Plan): Promise<ExecutedPlan> =>
  executePlan(run, plan, { clock })

const outcomesOf = async ({ run }: DelayedRegistry, kind: string) =>
  (await recordsOf(run)).filter(({ phase, step }) => phase === 'outcome' && step?.kind === kind)

describe('a tag that someone moves while the run waits', () => {
  it.each<[string, Delay]>([
    ['for a slow mount', mount('slow')],
    ['for Retry-After of a mount (429)', mount(429)],
    ['for Retry-After of a mount (503)', mount(503)],
    ['for Retry-After of its own PUT (429)', put(429)],
    ['for Retry-After of its own PUT (503)', put(503)],
    ['to retry its own PUT after a broken connection', put('reset before')],
    ['to retry its own PUT after a lost response', put('reset after')],
  ])('%s is a conflict and is kept, and is recorded with the digest that was found', async (_, delay) => {
    const world = await startDelayedRegistry()
    const { oracle } = world.registry
    await oracle.push(old, 'prod/api', 'stable')
    const plan = await planned(world, 'stable')
    world.arm(delay, () => oracle.push(theirs, 'prod/api', 'stable'))
    const done = await execute(world, plan)
    expect(await oracle.digest('prod/api', 'stable')).toBe(digestOf(theirs))
    const before = digestOf(theirs)
    expect(done.steps.at(-1)).toMatchObject({ result: 'conflict', before, error: { code: 'conflict' } })
    expect(done.placements).toMatchObject([
      { status: 'conflict', tags: [{ before, after: before, changed: false }] },
    ])
    const [outcome] = await outcomesOf(world, 'tag')
    expect(outcome).toMatchObject({ result: 'conflict', before })
    expect(outcome).not.toHaveProperty('after')
  })

  it('to the image of the run itself is written, and recorded with that digest', async () => {
    const world = await startDelayedRegistry()
    await world.registry.oracle.push(old, 'prod/api', 'stable')
    const plan = await planned(world, 'stable')
    world.arm(mount('slow'), () => world.registry.oracle.push(api, 'prod/api', 'stable'))
    const done = await execute(world, plan)
    expect(done.placements).toMatchObject([{ tags: [{ before: digestOf(api), changed: false }] }])
    expect(await outcomesOf(world, 'tag')).toMatchObject([{ result: 'unchanged', before: digestOf(api) }])
  })
})

it.each<[string, Delay]>([
  ['a mount', mount('slow')],
  ['its own PUT', put(429, '1.4.2')],
])('a version tag that appears while the run waits for %s is a conflict and is kept', async (_, delay) => {
  const world = await startDelayedRegistry()
  const { oracle } = world.registry
  const plan = await planned(world, '1.4.2')
  world.arm(delay, () => oracle.push(theirs, 'prod/api', '1.4.2'))
  const done = await execute(world, plan)
  expect(await oracle.digest('prod/api', '1.4.2')).toBe(digestOf(theirs))
  expect(done.placements).toMatchObject([{ status: 'conflict', tags: [{ before: digestOf(theirs) }] }])
})

it('a floating tag is kept if a higher version appears while its PUT waits', async () => {
  const world = await startDelayedRegistry()
  const { oracle } = world.registry
  await oracle.push(old, 'prod/api', '1.4.0', 'latest')
  await oracle.push(api, 'prod/api', 'build')
  const readAt = world.clock.now()
  const plan = await planTags(world.run, {
    in: { registry: world.host, path: 'prod/api' },
    at: { tag: 'build' },
    as: '1.4.1',
  })
  world.arm(put(429, 'latest'), () => oracle.push(theirs, 'prod/api', '2.0.0'))
  const done = await executePlan(world.run, plan, { clock: world.clock, readAt })
  expect(await oracle.digest('prod/api', 'latest')).toBe(digestOf(old))
  expect(done.placements).toMatchObject([
    { status: 'conflict', errors: [{ message: expect.stringContaining('2.0.0 was added to') as string }] },
  ])
})

it('a cosign tag that someone moves while its content is mounted is a conflict and is kept', async () => {
  const world = await startDelayedRegistry()
  const { oracle } = world.registry
  const signature = cosignSignature(api)
  const tag = digestOf(api).replace(':', '-').concat('.sig')
  const plan = await planned(world, '1.4.2', together(api, signature))
  const [layer = ''] = signature.blobs.keys()
  world.arm(mount('slow', layer), () => oracle.push(theirs, 'prod/api', tag))
  const done = await execute(world, plan)
  expect(await oracle.digest('prod/api', tag)).toBe(digestOf(theirs))
  expect(done.placements).toMatchObject([{ status: 'conflict' }])
  expect(await outcomesOf(world, 'attach')).toMatchObject([{ result: 'conflict', before: digestOf(theirs) }])
})

it('a PUT with a lost response is repeated, and recorded with the digest before it', async () => {
  const world = await startDelayedRegistry()
  await world.registry.oracle.push(old, 'prod/api', 'stable')
  const plan = await planned(world, 'stable')
  world.arm(put('reset after'), () => Promise.resolve())
  await execute(world, plan)
  expect(await outcomesOf(world, 'tag')).toMatchObject([
    { result: 'done', before: digestOf(old), after: digestOf(api) },
  ])
})

describe('a tag of a prune that someone moves while the run waits', () => {
  async function pruned(delay: Delay, ...tags: readonly string[]) {
    const world = await startDelayedRegistry()
    const { oracle } = world.registry
    const repository = { registry: world.host, path: 'dev/api' }
    await oracle.push(old, 'dev/api', ...tags)
    await oracle.push(theirs, 'dev/api', 'other')
    const readAt = world.clock.now()
    const plan = await prunePlanOf(world.run, [repository])
    world.arm(delay, () => oracle.push(theirs, 'dev/api', 'pr-1'))
    const done = await executePrunePlan(world.run, plan, { clock: world.clock, readAt })
    expect(await oracle.digest('dev/api', 'pr-1')).toBe(digestOf(theirs))
    return { world, done }
  }

  it.each([429, 503, 'reset before'] as const)('to delete its manifest (%s) keeps both', async (by) => {
    const { world, done } = await pruned({ method: 'DELETE', path: /manifests\/sha256:/, by }, 'pr-1')
    expect(done.steps).toMatchObject([{ result: 'conflict', error: { code: 'conflict' } }])
    expect(await world.registry.oracle.manifest('dev/api', digestOf(old))).toBeDefined()
  })

  it('for a slow check of another tag keeps both', async () => {
    const slow = { method: 'HEAD', path: /manifests\/pr-2/, by: 'slow' } as const
    const { world, done } = await pruned(slow, 'pr-1', 'pr-2')
    expect(done.steps).toMatchObject([{ result: 'conflict' }])
    expect(await world.registry.oracle.manifest('dev/api', digestOf(old))).toBeDefined()
  })

  it.each([429, 503, 'reset before'] as const)('to delete the tag alone (%s) is kept', async (by) => {
    const { world, done } = await pruned({ method: 'DELETE', path: /manifests\/pr-1/, by }, 'kept', 'pr-1')
    expect(done.steps).toMatchObject([{ result: 'conflict' }])
    expect(await outcomesOf(world, 'deleteTag')).toMatchObject([
      { result: 'conflict', before: digestOf(theirs) },
    ])
  })
})

describe('an image to be deleted that gets a new tag while its delete waits', () => {
  async function pruned(act: (world: DelayedRegistry) => Promise<unknown>) {
    const world = await startDelayedRegistry()
    const { oracle } = world.registry
    await oracle.push(old, 'dev/api', 'pr-1')
    const readAt = world.clock.now()
    const plan = await prunePlanOf(world.run, [{ registry: world.host, path: 'dev/api' }])
    world.arm({ method: 'DELETE', path: /manifests\/sha256:/, by: 429 }, () => act(world))
    const done = await executePrunePlan(world.run, plan, { clock: world.clock, readAt })
    expect(await oracle.manifest('dev/api', digestOf(old))).toBeDefined()
    return { world, done }
  }

  it('is kept, together with the tag', async () => {
    const { world, done } = await pruned(({ registry }) => registry.oracle.push(old, 'dev/api', 'mine'))
    expect(done.steps).toMatchObject([
      { result: 'conflict', error: { why: 'the tag mine points to it now' } },
    ])
    expect(await outcomesOf(world, 'deleteManifest')).toMatchObject([
      { result: 'conflict', before: digestOf(old) },
    ])
    expect(await world.registry.oracle.tags('dev/api')).toEqual(['mine', 'pr-1'])
  })

  it('is kept if a new index contains it', async () => {
    const both = index([old, image({ label: 'second' })])
    const { done } = await pruned(({ registry }) => registry.oracle.push(both, 'dev/api', 'v1'))
    expect(done.steps).toMatchObject([
      { result: 'conflict', error: { why: expect.stringContaining('dev/api:v1') as string } },
    ])
  })
})
