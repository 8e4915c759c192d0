import { describe, expect, it } from 'vitest'
import { type Digest, digestOf } from '../../../src/oci/digest.ts'
import type { PlanAttempt } from '../../../src/plan/attempts/decide-again.ts'
import { mergeAttempts, withoutDoneContent } from '../../../src/plan/attempts/merge-attempts.ts'
import { nothingTransferred, type StepOutcome, summarise } from '../../../src/plan/outcome.ts'
import type { CopyStep, Placement, Plan, PlannedTag, Step, TagStep } from '../../../src/plan/plan.ts'

const [from, to] = ['staging/api', 'prod/api'].map((path) => ({
  registry: 'registry.example.com',
  path,
})) as [Placement['from']['repository'], Placement['to']['repository']]
const [old, theirs, ours] = [digestOf('old'), digestOf('theirs'), digestOf('ours')]
const root = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: ours, size: 42 }
const transferred = { mounted: 3, uploaded: 1, present: 0, bytes: 100 }
const error = { code: 'conflict', message: 'it was moved' } as const

const planned = (tag: string, before: Digest | null): PlannedTag => ({
  tag,
  before,
  change: before === ours ? 'unchanged' : before === null ? 'create' : 'move',
})
const copy = (placement: string): CopyStep => ({
  kind: 'copy',
  id: `${placement}.c`,
  placement,
  after: [],
  expect: [],
  root,
  from,
  to,
  rootBy: 'digest',
})
const tagStep = (placement: string, number: number, { tag, before }: PlannedTag): TagStep => ({
  kind: 'tag',
  id: `${placement}.g${number}`,
  placement,
  after: [`${placement}.c`],
  expect: [{ kind: 'tag', repository: to, tag, digest: before }],
  repository: to,
  tag,
  target: root,
  from,
})

/** A plan with a placement of an image of its name for each entry. */
function planOf(placements: Readonly<Record<string, readonly PlannedTag[]>>, hasCopy = true): Plan {
  return {
    schema: 'dray.plan/1',
    operation: 'promote',
    createdAt: '2026-11-23T00:00:00.000Z',
    tool: '1',
    policy: 'sha256:policy',
    placements: Object.entries(placements).map(([id, tags]) => ({
      id,
      image: id,
      from: { repository: from },
      to: { repository: to },
      root,
      tags,
      evidence: { found: 0, missing: 0 },
    })),
    steps: Object.entries(placements).flatMap(([id, tags]): Step[] => [
      ...(hasCopy ? [copy(id)] : []),
      ...tags.filter(({ change }) => change !== 'unchanged').map((tag, i) => tagStep(id, i + 1, tag)),
    ]),
    refusals: [],
  }
}

const outcomes = (results: Readonly<Record<string, Partial<StepOutcome>>>): readonly StepOutcome[] =>
  Object.entries(results).map(([step, rest]) => ({
    step,
    result: 'done',
    transferred: nothingTransferred,
    ...rest,
  }))

const first: PlanAttempt = {
  plan: planOf({ api: [planned('1.5', old), planned('latest', old)], web: [planned('web', null)] }),
  steps: outcomes({
    'api.c': { transferred },
    'api.g1': { before: old },
    'api.g2': { result: 'conflict', before: theirs, error },
    'web.c': { transferred },
    'web.g1': { before: null },
  }),
}

describe('two attempts together', () => {
  const again = planOf({ api: [planned('1.5', ours), planned('latest', theirs)] }, false)
  const merged = mergeAttempts(first, {
    plan: again,
    steps: outcomes({ 'api.g1': { before: theirs } }),
  })
  const { placements, transferred: sum } = summarise(merged.plan, merged.steps)

  it('have the final outcome of each image, in the order of the first plan', () => {
    expect(placements).toMatchObject([
      { placement: 'api', status: 'promoted', errors: [] },
      { placement: 'web', status: 'promoted', errors: [] },
    ])
  })

  it('have the digests of each tag from the attempt that moved it', () => {
    expect(placements[0]?.tags).toEqual([
      { tag: '1.5', before: old, after: ours, changed: true },
      { tag: 'latest', before: theirs, after: ours, changed: true },
    ])
  })

  it('have sent what both have sent', () => {
    expect(placements[0]?.transferred).toEqual(transferred)
    expect(sum).toEqual({ mounted: 6, uploaded: 2, present: 0, bytes: 200 })
  })

  it('count a tag once if both moved it', () => {
    const twice = planOf({ api: [planned('1.5', theirs), planned('latest', ours)] }, false)
    const { plan, steps } = mergeAttempts(first, {
      plan: twice,
      steps: outcomes({ 'api.g1': { before: theirs } }),
    })
    expect(summarise(plan, steps).placements[0]?.tags).toEqual([
      { tag: '1.5', before: theirs, after: ours, changed: true },
      { tag: 'latest', before: ours, after: ours, changed: false },
    ])
  })

  it('are promoted if the second one keeps back what was in conflict', () => {
    const keptTag = { tag: 'latest', at: theirs, reason: '1.6.0 is higher' }
    const api = planOf({ api: [planned('1.5', ours)] }, false)
    const plan = { ...api, placements: api.placements.map((one) => ({ ...one, keptTags: [keptTag] })) }
    const both = mergeAttempts(first, { plan, steps: [] })
    expect(both.plan.placements[0]?.keptTags).toEqual([keptTag])
    expect(summarise(both.plan, both.steps).placements[0]).toMatchObject({
      status: 'promoted',
      tags: [{ tag: '1.5', before: old, changed: true }],
      errors: [],
    })
  })

  it('are refused if the second one is', () => {
    const plan = {
      ...planOf({ api: [planned('latest', theirs)] }, false),
      steps: [],
      refusals: [{ image: 'api', error: { code: 'refused', message: 'no' } as const }],
    }
    const both = mergeAttempts(first, { plan, steps: [] })
    expect(summarise(both.plan, both.steps)).toMatchObject({
      placements: [{ status: 'refused' }, { status: 'promoted' }],
      refusals: [{ image: 'api' }],
    })
  })

  it('can be joined with a third one', () => {
    const third = mergeAttempts(merged, {
      plan: planOf({ api: [planned('1.5', ours), planned('latest', theirs)] }, false),
      steps: outcomes({ 'api.g1': { result: 'conflict', before: old, error } }),
    })
    const [api] = summarise(third.plan, third.steps).placements
    expect(api).toMatchObject({
      status: 'conflict',
      transferred,
      tags: [{ before: old, after: ours }, { after: old }],
    })
  })
})

describe('content that an attempt has brought', () => {
  it('is not brought again', () => {
    const again = withoutDoneContent(planOf({ api: [planned('latest', theirs)] }), first)
    expect(again.steps).toMatchObject([{ kind: 'tag', after: [] }])
  })

  it.each([
    ['digest', 'tag', 0],
    ['tag', 'digest', 1],
  ] as const)('by %s is brought again by %s: %i times', (before, now, times) => {
    const under = (rootBy: CopyStep['rootBy'], { steps, ...plan }: Plan): Plan => ({
      ...plan,
      steps: steps.map((step) => (step.kind === 'copy' ? { ...step, rootBy } : step)),
    })
    const again = under(now, planOf({ api: [planned('latest', theirs)] }))
    const { steps } = withoutDoneContent(again, { ...first, plan: under(before, first.plan) })
    expect(steps.filter(({ kind }) => kind === 'copy')).toHaveLength(times)
  })

  it('is brought again if its step did not succeed', () => {
    const failed = { ...first, steps: outcomes({ 'api.c': { result: 'failed', error } }) }
    const plan = planOf({ api: [planned('latest', theirs)] })
    expect(withoutDoneContent(plan, failed)).toEqual(plan)
  })
})
