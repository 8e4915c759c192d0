import { expect, it } from 'vitest'
import { decide, type PruneDecision } from '../../../src/usecases/prune/decide.ts'
import { checkRepositoryLimits } from '../../../src/usecases/prune/policy/limits.ts'

function decideWithoutMatch(isFullRun: boolean): PruneDecision {
  const protections = [
    { name: 'prod', optional: false },
    { name: 'maybe', optional: true },
  ]
  return decide([], { hash: '', tool: '0', limits: {}, protections, inUse: [], isFullRun }, new Date(0))
}

it('a protection that matches nothing refuses a full run, unless it is optional', () => {
  const { plan, warnings } = decideWithoutMatch(true)
  expect(plan.refusals.map(({ error }) => error.message)).toEqual([
    'the protection "prod" matches no tag and no image',
  ])
  expect(warnings).toEqual([])
})

it('a protection that matches nothing in a part of the repositories is a warning', () => {
  const { plan, warnings } = decideWithoutMatch(false)
  expect(plan.refusals).toEqual([])
  expect(warnings).toEqual(['the protection "prod" matches nothing in the repositories of this run'])
})

it('the deletes of a repository are refused with every limit that they violate', () => {
  const repository = { registry: 'r.example.com', path: 'dev/api' }
  const limits = { maxDeletes: 3, maxPercent: 50, minRemaining: 5 }
  expect(checkRepositoryLimits(repository, { images: 12, deleted: 10 }, limits)).toMatchObject({
    code: 'refused',
    message:
      'the deletes violate limits.maxDeletes and limits.maxPercent and limits.minRemaining of the policy',
    why: '10 images would be deleted, and maxDeletes is 3; 10 of 12 images would be deleted (83.3%), and maxPercent is 50; 2 of 12 images would remain, and minRemaining is 5',
    hint: 'Check the deletes in the plan. To allow them, set limits.maxDeletes to 10 and limits.maxPercent to 84 and limits.minRemaining to 2 in dray.yaml.',
  })
  expect(checkRepositoryLimits(repository, { images: 12, deleted: 3 }, limits)).toBe(undefined)
})
