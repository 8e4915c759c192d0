import { describe, expect, it } from 'vitest'
import { isDrayError } from '../../../src/lib/errors.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { isFileBelow } from '../../../src/plan/edits/edit-shape.ts'
import type { EditPlan } from '../../../src/plan/edits/edit-step.ts'
import type { EditingPlan } from '../../../src/plan/edits/editing-plan.ts'
import { formatPlanFile, parsePlanFile } from '../../../src/plan/plan-file.ts'
import { editStep } from '../../support/gitops/edit-steps.ts'

const edits: EditPlan = {
  environment: 'prod',
  images: editStep().images,
  steps: [editStep()],
  upToDate: ['clusters/prod/other.yaml'],
  git: { mode: 'push', branch: 'main', message: 'Deploy api 1.5.0 to prod' },
}

const plan = (more: Partial<EditingPlan> = {}): EditingPlan => ({
  schema: 'dray.plan/1',
  operation: 'gitops',
  createdAt: '2026-11-29T00:00:00.000Z',
  tool: '0',
  policy: digestOf('policy'),
  placements: [],
  steps: [],
  refusals: [],
  edits,
  ...more,
})

const withStep = (more: object): EditingPlan =>
  plan({ edits: { ...edits, steps: [{ ...editStep(), ...more }] } })

/** Returns why the file of a plan is refused; undefined if it is read. */
function refusalOf(given: EditingPlan): string | undefined {
  try {
    parsePlanFile(formatPlanFile(given), 'plan.json')
    return undefined
  } catch (error) {
    if (!isDrayError(error)) throw error
    return `${error.code}: ${error.why ?? error.message}`
  }
}

describe('the file of a plan with edits', () => {
  it('has the same plan', () => {
    expect(parsePlanFile(formatPlanFile(plan()), 'plan.json')).toEqual(plan())
  })

  it.each([
    ['a file outside of the folder', withStep({ file: '../other.yaml' }), 'is not a file below'],
    ['an absolute file', withStep({ file: '/etc/passwd' }), 'is not a file below'],
    ['a file of Windows', withStep({ file: 'a\\b' }), 'is not a file below'],
    ['no values', withStep({ edits: [] }), 'changes nothing'],
    ['no images', withStep({ images: [] }), 'images'],
    [
      'an image that the plan does not show',
      withStep({ images: [{ ...editStep().images[0], tag: '9' }] }),
      'does not show',
    ],
    [
      'two steps of one file',
      plan({ edits: { ...edits, steps: [editStep(), editStep({ id: 'edit2' })] } }),
      'occurs twice',
    ],
    ['a hash that is none', withStep({ fileHash: 'x' }), 'is not a hash'],
    ['unknown keys', withStep({ run: 'rm' }), 'run'],
    ['another environment', plan({ edits: { ...edits, environment: 'dev' } }), 'is of another environment'],
    [
      'placements that it lacks',
      plan({
        edits: {
          ...edits,
          images: edits.images.map((one) => ({ ...one, placements: ['i1.t1'] })),
          steps: [],
        },
      }),
      'waits for placements',
    ],
    ['images that a promotion does not place', plan({ operation: 'promote' }), 'is not placed by the plan'],
  ])('with %s is refused', (_, given, why) => {
    expect(refusalOf(given)).toContain(why)
    expect(refusalOf(given)).toMatch(/^malformed: /)
  })

  it('of an update without edits is refused', () => {
    const { edits: _edits, ...rest } = plan()
    expect(refusalOf(rest)).toContain('has no edits')
  })
})

it.each([
  ['a/b.yaml', true],
  ['a', true],
  ['', false],
  ['a//b', false],
  ['./a', false],
  ['a/../b', false],
  ['a\0b', false],
])('%j is below the folder: %s', (path, expected) => {
  expect(isFileBelow(path)).toBe(expected)
})
