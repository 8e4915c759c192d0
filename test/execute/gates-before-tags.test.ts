import { describe, expect, it } from 'vitest'
import { GateChecks, type JudgeAgain } from '../../src/execute/tags/gate-checks.ts'
import { DrayError } from '../../src/lib/errors.ts'
import type { GateResult } from '../../src/plan/gates/gate-result.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { gateResult } from '../support/gates/gate-results.ts'
import { image } from '../support/images.ts'
import { type ExecutedPlan, executePlan, planOf } from '../support/promotion.ts'
import { recordsOf } from '../support/pruning.ts'
import { type Delay, type DelayedRegistry, startDelayedRegistry } from '../support/stale-checks.ts'

const api = image({ label: 'api' })
const mount: Delay = { method: 'POST', path: /prod\/api.*mount=/, by: 'slow' }
const put = (by: Delay['by']): Delay => ({ method: 'PUT', path: /manifests\/stable$/, by })
const failing = gateResult({ name: 'scan', kind: 'scan', result: 'fail', effect: 'refused', reason: 'CVE-1' })

/** A run whose gates are evaluated again by a function, which notes the placements. */
interface GatedWorld extends DelayedRegistry {
  readonly judged: string[]
  /** the results of an evaluation; pass by default */
  now: readonly GateResult[]
}

async function gatedWorld(): Promise<GatedWorld> {
  const world = await startDelayedRegistry()
  await world.registry.oracle.push(api, 'staging/api', '1.4.2')
  return { ...world, judged: [], now: [gateResult()] }
}

/** Plans a promotion whose gates have just passed. */
async function gatedPlan({ run, host, clock }: GatedWorld, tags: readonly string[]): Promise<Plan> {
  const plan = await planOf(run, {
    from: { registry: host, path: 'staging/api' },
    to: [{ registry: host, path: 'prod/api' }],
    tags,
  })
  const evaluatedAt = new Date(clock.now()).toISOString()
  const gates = [gateResult({ evaluatedAt })]
  return { ...plan, placements: plan.placements.map((placement) => ({ ...placement, gates })) }
}

async function executed(world: GatedWorld, plan: Plan, isSaved = false): Promise<ExecutedPlan> {
  const judgeAgain: JudgeAgain = async ({ id }) => {
    world.judged.push(id)
    return world.now
  }
  const { clock } = world
  return await executePlan(world.run, plan, {
    clock,
    gates: new GateChecks(plan.placements, judgeAgain, clock),
    isSaved,
  })
}

const tagAt = ({ registry }: GatedWorld): Promise<string | undefined> =>
  registry.oracle.digest('prod/api', 'stable')

describe('gates before tags move', () => {
  it('are not evaluated again within two seconds', async () => {
    const world = await gatedWorld()
    const done = await executed(world, await gatedPlan(world, ['stable', 'tested']))
    expect(done.placements).toMatchObject([{ status: 'promoted' }])
    expect(world.judged).toEqual([])
  })

  it('are evaluated again once for all tags of an image if the copy takes longer', async () => {
    const world = await gatedWorld()
    const plan = await gatedPlan(world, ['stable', 'tested'])
    world.arm(mount, async () => undefined)
    const done = await executed(world, plan)
    expect(done.placements).toMatchObject([{ status: 'promoted' }])
    expect(world.judged).toEqual(['i1.t1'])
  })

  it.each<[string, Delay, readonly string[]]>([
    ['while the content is copied', mount, ['stable', 'tested']],
    ['while the content is copied, and the tag pushes the root', mount, ['stable']],
    ['while the PUT of the tag waits for Retry-After', put(503), ['stable']],
    ['while a lost PUT of the tag is repeated', put('reset before'), ['stable']],
  ])('are a conflict if one fails %s, and no tag moves', async (_, delay, tags) => {
    const world = await gatedWorld()
    const plan = await gatedPlan(world, tags)
    world.arm(delay, async () => {
      world.now = [gateResult(), failing]
    })
    const done = await executed(world, plan)
    expect(await tagAt(world)).toBeUndefined()
    expect(done.placements).toMatchObject([
      { status: 'conflict', gates: [{ result: 'pass' }, { name: 'scan', result: 'fail' }] },
    ])
    expect(done.placements[0]?.errors[0]).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('the gate scan of prod failed') as string,
      why: 'scan: CVE-1',
    })
    const records = (await recordsOf(world.run)).filter(({ phase }) => phase === 'outcome')
    const refused = records.find(({ step, result }) => step?.kind === 'tag' && result === 'conflict')
    expect(refused?.gates?.map(({ name }) => name)).toEqual(['signed', 'scan'])
    expect(refused?.movedBy).toBeUndefined()
  })

  it('leave the content that was copied, untagged', async () => {
    const world = await gatedWorld()
    const plan = await gatedPlan(world, ['stable', 'tested'])
    world.arm(mount, async () => {
      world.now = [failing]
    })
    await executed(world, plan)
    expect(await world.registry.oracle.digest('prod/api', api.root.digest)).toBe(api.root.digest)
    expect(await world.registry.oracle.tags('prod/api')).toEqual([])
  })

  it('fail the run if they cannot be read any more, and no tag moves', async () => {
    const world = await gatedWorld()
    const plan = await gatedPlan(world, ['stable'])
    const error = new DrayError('unavailable', 'cannot list the referrers', { status: 503 })
    const unread = {
      result: 'error',
      effect: 'refused',
      error: { code: error.code, message: error.message },
    } as const
    world.arm(mount, async () => {
      world.now = [gateResult(unread)]
    })
    const done = await executed(world, plan)
    expect(done.placements).toMatchObject([{ status: 'failed', errors: [{ code: 'unavailable' }] }])
    expect(await tagAt(world)).toBeUndefined()
  })

  it.each(['warned', 'overridden'] as const)('let a tag move if the gate is %s', async (effect) => {
    const world = await gatedWorld()
    const plan = await gatedPlan(world, ['stable'])
    world.arm(mount, async () => {
      world.now = [{ ...failing, effect }]
    })
    await executed(world, plan)
    expect(await tagAt(world)).toBe(api.root.digest)
  })

  it.each([
    ['a tag', ['stable']],
    ['no tag', []],
  ])('are evaluated before content is copied if a person was asked since: %s', async (_, tags) => {
    const world = await gatedWorld()
    const plan = await gatedPlan(world, tags)
    await world.clock.sleep(60_000, new AbortController().signal)
    world.now = [failing]
    const done = await executed(world, plan, true)
    expect(done.placements).toMatchObject([{ status: 'conflict' }])
    expect(await world.registry.oracle.digest('prod/api', api.root.digest)).toBeUndefined()
  })
})

describe('the records of a run with gates', () => {
  it.each([
    ['each tag', ['stable', 'tested'], ['tag', 'tag']],
    ['the copy of an image without a tag', [], ['copy']],
  ])('have the results of the plan with the intent and the outcome of %s', async (_, tags, kinds) => {
    const world = await gatedWorld()
    const plan = await gatedPlan(world, tags)
    await executed(world, plan)
    const records = await recordsOf(world.run)
    for (const phase of ['intent', 'outcome']) {
      const gated = records.filter((record) => record.phase === phase && record.gates !== undefined)
      expect(gated.map(({ step }) => step?.kind)).toEqual(kinds)
      for (const { gates } of gated) expect(gates).toEqual(plan.placements[0]?.gates)
    }
  })

  it('have the results with a refusal', async () => {
    const world = await gatedWorld()
    const plan = await gatedPlan(world, ['stable'])
    const [placement] = plan.placements
    const error = { code: 'refused', message: 'the gate scan of prod failed for api' } as const
    const refused: Plan = {
      ...plan,
      placements: placement === undefined ? [] : [{ ...placement, gates: [failing] }],
      steps: [],
      refusals: [{ image: placement?.image ?? '', placement: 'i1.t1', error }],
    }
    await executed(world, refused)
    expect(await recordsOf(world.run)).toMatchObject([{ phase: 'refused', error, gates: [failing] }])
  })
})
