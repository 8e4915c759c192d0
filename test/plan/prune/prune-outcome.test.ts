import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../src/oci/digest.ts'
import {
  type DeleteOutcome,
  summarisePrune,
  summariseRepository,
} from '../../../src/plan/prune/prune-outcome.ts'
import type {
  DeleteStep,
  PrunePlan,
  PruneRefusal,
  RepositoryPlan,
} from '../../../src/plan/prune/prune-plan.ts'
import { manifestStep, untagStep } from '../../support/delete-steps.ts'

const sig = `${digestOf('deleted').replace(':', '-')}.sig`
const steps: readonly DeleteStep[] = [
  manifestStep({ id: 'm1' }),
  manifestStep({ id: 'm2', losesTags: [sig] }),
  manifestStep({ id: 'm3', losesTags: [] }),
  untagStep({ id: 't1' }),
]
const { repository } = manifestStep()
const api: RepositoryPlan = {
  repository,
  image: '@dev/api',
  now: '2026-11-23T00:00:00.000Z',
  tags: [],
  others: [],
  roots: [],
  steps,
  count: { images: 4, deleted: 1 },
  freed: 9_000,
  referrers: 'read',
}
const web = { ...api, repository: { ...repository, path: 'dev/web' }, image: '@dev/web' }

function planOf(repositories: readonly RepositoryPlan[], refusals: readonly PruneRefusal[] = []): PrunePlan {
  return {
    schema: 'dray.plan/1',
    operation: 'prune',
    createdAt: '2026-11-23T00:00:00.000Z',
    tool: '0',
    policy: '',
    inUse: [],
    repositories,
    refusals,
  }
}
const error = { code: 'unavailable', message: 'no' } as const
const all = (...results: readonly DeleteOutcome['result'][]): readonly DeleteOutcome[] =>
  results.map((result, i) => ({
    step: steps[i]?.id ?? '',
    repository,
    result,
    ...(!['done', 'unchanged'].includes(result) && { error: { ...error, message: result } }),
  }))
const summed = (...results: readonly DeleteOutcome['result'][]) =>
  summariseRepository(planOf([api]), api, all(...results))

describe('the outcome of a prune', () => {
  it('counts manifests, images with an image tag, and tags', () => {
    expect(summed('done', 'done', 'done', 'done')).toEqual({
      repository,
      image: '@dev/api',
      status: 'pruned',
      deleted: 3,
      images: 1,
      superseded: 0,
      untaggedManifests: 0,
      untagged: 1,
      deletedBy: {},
      absent: 0,
      kept: 0,
      locked: 0,
      keptWithLocked: 0,
      conflicts: 0,
      failed: 0,
      notAttempted: 0,
      freed: 9_000,
      lockedItems: [],
      lostImages: [],
      errors: [],
    })
  })

  it('counts deleted superseded images', () => {
    const superseded = [
      manifestStep({ id: 'm1', losesTags: [], formerTags: ['stable'] }),
      manifestStep({ id: 'm2', losesTags: [], formerTags: ['stable'] }),
      manifestStep({ id: 'm3', losesTags: [] }),
    ]
    const one = { ...api, steps: superseded }
    const summary = summariseRepository(planOf([one]), one, all('done', 'conflict', 'done'))
    expect(summary).toMatchObject({ deleted: 2, images: 0, superseded: 1, conflicts: 1 })
  })

  it('frees the planned bytes if all manifests were deleted, else the bytes of the deleted manifests', () => {
    expect(summed('done', 'unchanged', 'done', 'failed').freed).toBe(9_000)
    expect(summed('done', 'kept', 'done', 'done').freed).toBe(1_024)
    expect(summed('conflict', 'conflict', 'conflict', 'done').freed).toBe(0)
    expect(summed('unchanged', 'unchanged', 'unchanged', 'unchanged').freed).toBe(0)
  })

  it.each<[string, readonly DeleteOutcome['result'][]]>([
    ['failed', ['failed', 'refused', 'conflict', 'notAttempted']],
    ['refused', ['refused', 'conflict', 'notAttempted', 'done']],
    ['conflict', ['done', 'conflict', 'notAttempted', 'kept']],
    ['notAttempted', ['done', 'notAttempted', 'kept', 'unchanged']],
    ['pruned', ['done', 'kept', 'unchanged', 'unchanged']],
    ['unchanged', ['unchanged', 'unchanged', 'kept', 'kept']],
    ['pruned', ['done', 'locked', 'kept', 'unchanged']],
    ['unchanged', ['locked', 'locked', 'kept', 'locked']],
  ])('is %s by the worst of its steps', (status, results) => {
    expect(summed(...results).status).toBe(status)
  })

  it('reports an error once, and no reason for kept or not attempted steps', () => {
    const summary = summed('failed', 'failed', 'kept', 'notAttempted')
    expect(summary.errors).toEqual([{ ...error, message: 'failed' }])
    expect(summary).toMatchObject({ failed: 2, kept: 1, notAttempted: 1 })
  })

  it('counts locked items as kept, with the reason of the registry and without an error', () => {
    const summary = summed('done', 'locked', 'kept', 'locked')
    expect(summary).toMatchObject({ kept: 3, locked: 2, keptWithLocked: 1, errors: [] })
    expect(summary.lockedItems).toEqual([
      { digest: digestOf('deleted'), tags: [sig], error: { ...error, message: 'locked' } },
      { digest: digestOf('deleted'), tags: ['pr-1'], error: { ...error, message: 'locked' } },
    ])
  })

  it('counts manifests that the registry removes itself apart from those of a locked image', () => {
    const kept = { ...error, status: 404 }
    const outcomes = all('done', 'kept', 'kept', 'done').map((one) =>
      one.step === 'm2' ? { ...one, error: kept } : one,
    )
    expect(summariseRepository(planOf([api]), api, outcomes)).toMatchObject({ kept: 2, keptWithLocked: 1 })
  })

  it('counts an image that went with a tag as deleted, and has failed', () => {
    const outcomes = [
      ...all('done', 'done', 'done'),
      { step: 't1', repository, result: 'done', error, losesTags: ['pr-1', 'prod'] } as const,
    ]
    const summary = summariseRepository(planOf([api]), api, outcomes)
    expect(summary).toMatchObject({ status: 'failed', deleted: 4, images: 2, untagged: 0, errors: [error] })
    expect(summary.lostImages).toEqual([
      { digest: digestOf('deleted'), tag: 'pr-1', losesTags: ['pr-1', 'prod'] },
    ])
  })

  it('counts the tags that were deleted before a locked manifest', () => {
    const outcomes = [
      { step: 'm1', repository, result: 'locked', error, losesTags: ['pr-1', 'pr-1-again'] } as const,
      ...all('done', 'done', 'done', 'done').slice(1),
    ]
    expect(summariseRepository(planOf([api]), api, outcomes)).toMatchObject({
      status: 'pruned',
      deleted: 2,
      untagged: 3,
      locked: 1,
    })
  })

  it('counts the steps of a repository without an outcome as not attempted', () => {
    const done = summed('done', 'done', 'done', 'done')
    const { repositories } = summarisePrune(planOf([api, web]), new Map([[api, done]]))
    expect(repositories).toMatchObject([
      { image: '@dev/api', status: 'pruned' },
      { image: '@dev/web', status: 'notAttempted', notAttempted: 4, freed: 0 },
    ])
  })

  it('is refused with the reason if its repository or the whole run is refused', () => {
    const none = [
      { ...api, steps: [], freed: 0 },
      { ...web, steps: [], freed: 0 },
    ]
    const refused = { code: 'refused', message: 'too many' } as const
    const one = summarisePrune(planOf(none, [{ repository, error: refused }]), new Map())
    expect(one.repositories).toMatchObject([
      { status: 'refused', errors: [refused] },
      { status: 'unchanged' },
    ])
    const whole = summarisePrune(planOf(none, [{ error: refused }]), new Map())
    expect(whole.repositories.map(({ status }) => status)).toEqual(['refused', 'refused'])
  })
})
