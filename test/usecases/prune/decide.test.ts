import { expect, it } from 'vitest'
import { decide, type PruneDecision } from '../../../src/usecases/prune/decide.ts'

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
