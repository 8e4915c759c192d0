import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../src/oci/digest.ts'
import { checkPlanLimits, countImages, rejectDeletes } from '../../../src/usecases/prune/review.ts'
import { manifestStep, untagStep } from '../../support/delete-steps.ts'
import { manifestVerdict, repositoryPlan, tagVerdict, whys } from '../../support/prune-plans.ts'

const known = (): boolean => true
const child = digestOf('a child')
const superseded = manifestStep({ losesTags: [], formerTags: ['stable'] })
const broken = manifestStep({ losesTags: ['v1'], absent: [child] })
const untag = untagStep({ tag: 'v1', absent: [child] })
const planOf = (step: typeof superseded | typeof untag) =>
  repositoryPlan(
    '@dev/api',
    [tagVerdict('v1', step.kind === 'deleteTag' ? 'untag' : 'delete', whys.rule, { digest: untag.digest })],
    { repository: step.repository, steps: [step] },
  )

describe('a delete of a saved plan', () => {
  it('is executed if the policy decides it again with the same checks', () => {
    for (const step of [superseded, broken, untag])
      expect(rejectDeletes(planOf(step), planOf(step), known).size).toBe(0)
  })

  it.each([
    ['the former tags of a superseded digest', superseded, { formerTags: [] }],
    ['the missing child of a broken index', broken, { absent: [] }],
    ['another missing child', broken, { absent: [digestOf('another child')] }],
    ['the missing child before a tag is deleted alone', untag, { absent: [] }],
  ])('is rejected if it does not check %s', (_, step, edit) => {
    const rejected = rejectDeletes(planOf({ ...step, ...edit }), planOf(step), known)
    expect(rejected.get(step.id)?.why).toContain('further checks')
  })

  it('is rejected if no rule selects the superseded digest now', () => {
    const now = repositoryPlan('@dev/api', [], { repository: superseded.repository })
    expect(rejectDeletes(planOf(superseded), now, known).size).toBe(1)
  })

  it('counts in the limits if it is of a superseded digest', () => {
    const saved = planOf(superseded)
    const now = repositoryPlan('@dev/api', [], {
      repository: superseded.repository,
      others: [manifestVerdict('', 'former', 'superseded', { digest: superseded.target.digest })],
    })
    const count = countImages(saved, now, new Map())
    expect(count).toMatchObject({ deleted: 0, superseded: 1 })
    const reviewed = [{ repository: superseded.repository, count, rejected: new Map() }]
    expect(checkPlanLimits(reviewed, { maxDeletes: 0 })?.why).toContain('1 images would be deleted')
    expect(checkPlanLimits(reviewed, { maxDeletes: 1, minRemaining: 50 })).toBeUndefined()
  })
})
